"""What is linked and what is run comes from the packages that scripts/packages.txt lists."""
import ast
import json
import os
import re
import shutil
import subprocess
import unittest

from modules_test import declared
from sample import ROOT, CheckTest, read, tracked

# The Debian packages behind the third-party CMake targets and packages.
LIBRARIES = {
    'Boost::headers': ['libboost1.81-dev'],
    'Boost': ['libboost1.81-dev'],
    'CLI11::CLI11': ['libcli11-dev'],
    'CLI11': ['libcli11-dev'],
    'GTest': ['libgtest-dev', 'libgmock-dev'],
    'ICU': ['libicu-dev'],
    'ICU::i18n': ['libicu-dev'],
    'ICU::uc': ['libicu-dev'],
    'OpenSSL::Crypto': ['libssl-dev'],
    'OpenSSL::SSL': ['libssl-dev'],
    'OpenSSL': ['libssl-dev'],
    'PkgConfig': ['pkg-config'],
    'PkgConfig::Ldap': ['libldap-dev'],
    'PkgConfig::Pcre2': ['libpcre2-dev'],
    'PkgConfig::Seccomp': ['libseccomp-dev'],
    'PkgConfig::SpiderMonkey': ['libmozjs-102-dev'],
    'PkgConfig::XmlSec': ['libxmlsec1-dev'],
    'PkgConfig::XxHash': ['libxxhash-dev'],
    'RocksDB::rocksdb-shared': ['librocksdb-dev'],
    'RocksDB': ['librocksdb-dev'],
    'Threads::Threads': [],
    'Threads': [],
    'ZLIB::ZLIB': ['zlib1g-dev'],
    'ZLIB': ['zlib1g-dev'],
    'benchmark': ['libbenchmark-dev'],
    'fmt::fmt': ['libfmt-dev'],
    'fmt': ['libfmt-dev'],
    'simdjson::simdjson': ['libsimdjson-dev'],
    'simdjson': ['libsimdjson-dev'],
    'spdlog::spdlog': ['libspdlog-dev'],
    'spdlog': ['libspdlog-dev'],
    'yaml-cpp': ['libyaml-cpp-dev'],
}
# The Debian packages behind the programs that scripts and tests run.
PROGRAMS = {
    'c++filt': 'g++', 'clang++-19': 'clang-19', 'clang-format-19': 'clang-format-19',
    'clang-tidy-19': 'clang-tidy-19', 'cmake': 'cmake', 'ctest': 'cmake', 'curl': 'curl',
    'slapadd': 'slapd', 'slapd': 'slapd', 'ldapmodify': 'ldap-utils',
    'java': 'openjdk-17-jdk-headless', 'javac': 'openjdk-17-jdk-headless', 'ninja': 'ninja-build',
    'node': 'nodejs', 'npm': 'npm', 'openssl': 'openssl', 'python3': 'python3', 'shellcheck': 'shellcheck', 'wrk': 'wrk',
    'xmlsec1': 'xmlsec1',
}
# On every Debian system (packages marked essential or required), or what brought the clone.
ALWAYS_THERE = set('''
    apt-get awk basename bash cat chmod chown cmp comm cp cut date dirname dpkg dpkg-query env find git grep gzip
    head id kill ldd ln ls mkdir mktemp mv nproc od printf pwd realpath rm sed sh sha256sum sort stat sudo tail
    tar tee timeout touch tr uname uniq wc xargs'''.split())
SHELL_WORDS = set('''
    alias break case cd command continue declare die do done echo elif else esac eval exec exit export
    false fi for function if in local mapfile popd pushd read readonly return set shift source test then
    trap true type ulimit umask unset until wait while [ [[ : ! { } local'''.split())


def listed(root):
    """{package: group} of scripts/packages.txt."""
    lines = [line.split() for line in read(root / 'scripts/packages.txt').splitlines()]
    return {line[1]: line[0] for line in lines if len(line) == 2 and line[0] != '#'}


def list_form(root):
    """Every line is a comment, or a group and a package that is listed once."""
    found, seen = [], set()
    for line in read(root / 'scripts/packages.txt').splitlines():
        words = line.split()
        if not words or line.startswith('#'):
            continue
        if len(words) != 2 or words[0] not in ('build', 'test', 'dev'):
            found.append('not "group name": %s' % line)
        elif words[1] in seen:
            found.append('listed twice: %s' % words[1])
        else:
            seen.add(words[1])
    return found


def linked(root):
    """Every third-party target of the modules comes from a listed package."""
    text = read(root / 'src/modules.cmake')
    packages, found = listed(root), []
    targets = {(target, 'build') for module in declared(text).values() for target in module['LINK']}
    for name in re.findall(r'find_package\(([\w-]+)', text):
        targets.add((name, 'test' if name == 'GTest' else 'dev' if name == 'benchmark' else 'build'))
    ranks = ['build', 'test', 'dev']
    for target, group in sorted(targets):
        if target not in LIBRARIES:
            found.append('%s is linked, but packages_test.py does not know its package' % target)
        for package in LIBRARIES.get(target, []):
            if package not in packages:
                found.append('%s needs %s, which is not listed' % (target, package))
            elif ranks.index(packages[package]) > ranks.index(group):
                found.append('%s needs %s in group %s' % (target, package, group))
    return found


def shell_commands(text):
    """The words of a bash script that stand where a command stands."""
    text = re.sub(r"<<'?END'?\n.*?\nEND\n", '\n', text, flags=re.DOTALL)
    text = re.sub(r'\\\n', ' ', text)
    text = re.sub(r'(^|\s)#.*', r'\1', text, flags=re.MULTILINE)
    text = re.sub(r"'[^']*'", "''", text)
    text = re.sub(r'"(?:(?!\$\()[^"\n])*"', '""', text)
    text = re.sub(r'^[^()\n]*\)(?=\s|$)', '', text, flags=re.MULTILINE)  # the patterns of `case`
    text = re.sub(r'\w+=\([^)]*\)', '', text)
    text = re.sub(r'\[\[.*?\]\]', 'true', text)
    text = re.sub(r'\(\(.*?\)\)', 'true', text)
    text = re.sub(r'^.*usage="[^"]*"', '', text, flags=re.MULTILINE)
    start = r'(?:^|[;|&(!]|\b(?:then|do|else|if|exec|env|command -v|xargs(?: -\S+)*)\b)'
    assignments = r'\s*(?:\w+=(?:"[^"]*"|[^\s"()]*)\s+)*'
    known = {name for name in PROGRAMS if re.search(r'(?<![\w./-])%s(?![\w.+-])' % re.escape(name), text)}
    return known | set(re.findall(start + assignments + r'([a-z][\w.+-]*)(?=[\s;)|&]|$)', text, re.MULTILINE))


def python_commands(text):
    """The programs that a Python file starts with a literal list."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.List):
            called = getattr(node.func, 'attr', getattr(node.func, 'id', ''))
            first = node.args[0].elts[0] if node.args[0].elts else None
            if called in ('run', 'Popen', 'check_call', 'check_output', 'call', 'run_limited') and \
                    isinstance(first, ast.Constant):
                names.add(first.value)
    return names


def programs(root):
    """Every program that a script or a test runs comes from a listed package."""
    packages, found = listed(root), []
    for path in tracked(root):
        text = read(root / path)
        if path.suffix == '.py':
            commands, functions = python_commands(text), set()
        elif path.suffix == '.sh' or text.startswith('#!/usr/bin/env bash'):
            commands = shell_commands(text)
            functions = set(re.findall(r'^(\w+)\(\)', text, re.MULTILINE))
            common = root / 'scripts/common.sh'
            if common.exists():
                functions |= set(re.findall(r'^(\w+)\(\)', read(common), re.MULTILINE))
        else:
            continue
        for name in sorted(commands - functions - ALWAYS_THERE - SHELL_WORDS):
            if name not in PROGRAMS:
                found.append('%s runs %s, but packages_test.py does not know its package' % (path, name))
            elif PROGRAMS[name] not in packages:
                found.append('%s runs %s of %s, which is not listed' % (path, name, PROGRAMS[name]))
    return found


def shared_libraries(binary):
    """The paths of what the program loads, without the C and C++ runtime."""
    text = subprocess.run(['ldd', str(binary)], check=True, capture_output=True, text=True).stdout
    paths = re.findall(r'=> (/\S+)', text)
    runtime = re.compile(r'/(libc|libm|libstdc\+\+|libgcc_s|libpthread|librt|libdl|libresolv)\.so')
    return [path for path in paths if not runtime.search(path)]


def packages_of(paths):
    """{path: package} for what dpkg knows, with or without the /usr of a merged system."""
    owners = {}
    for path in paths:
        for name in (path, '/usr' + path, os.path.realpath(path), path.removeprefix('/usr')):
            asked = subprocess.run(['dpkg', '-S', name], capture_output=True, text=True)
            if asked.returncode == 0:
                owners[path] = asked.stdout.split(':')[0]
                break
    return owners


def pulled_in(packages):
    """The packages that these depend on, at every depth."""
    text = subprocess.run(['dpkg-query', '-W', '-f', '${Package}\t${Depends},${Pre-Depends}\n'],
                          check=True, capture_output=True, text=True).stdout
    depends = {}
    for line in text.splitlines():
        name, _, others = line.partition('\t')
        depends[name] = set(re.findall(r'(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)', others))
    reached, waiting = set(), list(packages)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(depends.get(name, ()))
    return reached


def loaded(root):
    """Every library that the server loads arrives with a listed build package."""
    paths = shared_libraries(root / 'build/release/divan')
    owners = packages_of(paths)
    reached = pulled_in(name for name, group in listed(root).items() if group == 'build')
    found = ['%s belongs to no package' % path for path in paths if path not in owners]
    return found + ['%s is of %s, which no listed package brings' % (path, package)
                    for path, package in owners.items() if package not in reached]


def npm(root):
    """The npm packages that scripts load are pinned, and the lock files name no registry."""
    found, listed_packages = [], set()
    for path in tracked(root):
        if path.name == 'package.json' and path.parts[:2] == ('tests', 'clients'):
            dependencies = json.loads(read(root / path)).get('dependencies', {})
            listed_packages |= set(dependencies)
            found += npm_folder(root / path.parent, dependencies)
    for path in tracked(root):
        if path.suffix not in ('.js', '.mjs', '.cjs') or path.parts[0] != 'tests':
            continue
        for name in re.findall(r'''(?:require\(|from\s+)['"]([^'"]+)['"]''', read(root / path)):
            package = '/'.join(name.split('/')[:2 if name.startswith('@') else 1])
            if not name.startswith(('.', 'node:')) and package not in listed_packages:
                found.append('%s loads %s, which package.json does not list' % (path, package))
    return found


def npm_folder(folder, dependencies):
    """What is wrong with the package.json of a folder and its lock file."""
    versions = [*dependencies.items(), *json.loads(read(folder / 'package.json')).get('overrides', {}).items()]
    found = ['%s is not pinned: %s' % (name, version) for name, version in versions
             if not re.fullmatch(r'\d+\.\d+\.\d+', version)]
    if not (folder / 'package-lock.json').exists():
        return found + ['package-lock.json is missing']
    text = read(folder / 'package-lock.json')
    if '"resolved"' in text:
        found.append('package-lock.json records where packages came from')
    locked = json.loads(text).get('packages', {}).get('', {}).get('dependencies')
    if locked != dependencies:
        found.append('package-lock.json was not made from package.json')
    return found


class PackagesTest(CheckTest):
    def test_list(self):
        self.assert_clean(list_form)

    def test_linked_libraries(self):
        self.assert_clean(linked)

    def test_programs(self):
        self.assert_clean(programs)

    @unittest.skipUnless((ROOT / 'build/release/divan').exists(), 'build/release/divan is not built')
    @unittest.skipUnless(shutil.which('dpkg'), 'this system has no dpkg')
    def test_loaded_libraries(self):
        self.assert_clean(loaded)

    def test_npm_packages(self):
        self.assert_clean(npm)

    def test_bad_list_is_found(self):
        for text in ('build g++\nbuild\n', 'build g++\ntest g++\n', 'other g++\n'):
            self.assert_found(list_form, {'scripts/packages.txt': text})

    def test_unlisted_library_is_found(self):
        self.assert_found(linked, {'src/modules.cmake': 'divan_module(a LINK fmt::fmt)\n',
                                   'scripts/packages.txt': 'build g++\n'}, 'libfmt-dev')
        self.assert_found(linked, {'src/modules.cmake': 'divan_module(a LINK fmt::fmt)\n',
                                   'scripts/packages.txt': 'test libfmt-dev\n'}, 'in group build')
        self.assert_found(linked, {'src/modules.cmake': 'find_package(Unheard REQUIRED)\n',
                                   'scripts/packages.txt': ''}, 'Unheard')

    def test_unlisted_program_is_found(self):
        packages = 'build cmake\n'
        script = '#!/usr/bin/env bash\nset -e\nif cmake --version; then x=$(jq . <a | sed s/a/b/); fi\n'
        self.assert_found(programs, {'scripts/packages.txt': packages, 'run': script}, 'runs jq')
        self.assert_found(programs, {'scripts/packages.txt': packages,
                                     'a.py': 'import subprocess\nsubprocess.run(["convert", "x"])\n'},
                          'runs convert')
        self.assert_found(programs, {'scripts/packages.txt': packages,
                                     'run': '#!/usr/bin/env bash\nFOO=1 ninja -C build\n'}, 'ninja-build')

    def test_unlisted_package_of_a_loaded_library_is_found(self):
        self.assertNotIn('libstdc++6', pulled_in(['tzdata']))
        self.assertIn('libc6', pulled_in(['bash']))

    def test_bad_npm_packages_are_found(self):
        lock = '{"packages": {"": {"dependencies": %s}}}'
        pinned = '{"nano": "10.1.4"}'
        good = {'tests/clients/package.json': '{"dependencies": %s}' % pinned,
                'tests/clients/package-lock.json': lock % pinned}
        self.assertEqual(self.complaints(npm, good), [])
        self.assert_found(npm, {**good, 'tests/clients/a.js': "require('pouchdb'); require('node:fs')"},
                          'pouchdb')
        self.assert_found(npm, {**good, 'tests/clients/package-lock.json': lock % '{}'}, 'not made from')
        loose = '{"nano": "^10.1.4"}'
        self.assert_found(npm, {'tests/clients/package.json': '{"dependencies": %s}' % loose,
                                'tests/clients/package-lock.json': lock % loose}, 'not pinned')
        further = {**good, 'tests/clients/x/package-lock.json': lock % pinned, 'tests/clients/x/package.json':
                   '{"dependencies": %s, "overrides": {"a": "1"}}' % pinned}
        self.assert_found(npm, further, 'not pinned')
        self.assert_found(npm, {**good, 'tests/clients/package-lock.json':
                                (lock % pinned)[:-1] + ', "resolved": "x"}'}, 'where packages came from')


if __name__ == '__main__':
    unittest.main()
