"""Rules that a compiler does not know: size of files, forbidden calls, links, words, paths."""
import pathlib
import re
import unittest

from modules_test import declared
from sample import CheckTest, read, tracked

LINES_MAX = 800
SOURCES = {'.h', '.cc', '.py', '.js', '.java', '.sh', '.cmake'}
# Recorded or made by other programs: no rule of style applies.
FOREIGN = {'tests/clients/package-lock.json', 'tests/replay/couchdb-transcripts.jsonl', 'LICENSE'}

SECRETS = r'\w*(?:signature|password|secret|token|proof|mac|derived_key|fingerprint|otp)'
SECRET_COMPARISON = (r'\b%s(?:\(\)|\.reveal\(\)|\.string\(\))? *(?:==|!=) *(?!nullptr\b)[a-z(*]'
                     r'|(?:==|!=) *[*]?(?:\w+(?:\.|->))*%s\b|\.reveal\(\) *(?:==|!=)|\bmemcmp\(' % (SECRETS, SECRETS))

# (what, pattern, where it is looked for, where it is allowed, what to do instead)
FORBIDDEN = [
    ('system_clock::now', r'\bsystem_clock::now\b', r'^src/.*\.(h|cc)$', r'^src/base/clock\.cc$',
     'take a Clock'),
    ('rand()', r'\bs?rand\(', r'^src/.*\.(h|cc)$', None, 'take a Random'),
    ('getenv()', r'\bgetenv\(', r'^src/.*\.(h|cc)$', r'^src/(server|cli)/|_test\.cc$', 'take a setting'),
    ('std::thread', r'\bstd::j?thread\b(?!::)', r'^src/.*\.(h|cc)$',
     r'^src/(base|net|server|kv|script)/|_test\.cc$', 'take an Executor'),
    ('sleeping in a test', r'\b(sleep_for|sleep_until|u?sleep)\(', r'^src/.*_test\.cc$', None,
     'wait for the event'),
    ('sleeping in a test', r'\btime\.sleep\(', r'^tests/.*\.py$', r'^tests/replay/replay-transcripts\.py$',
     'wait for the event'),
    ('Boost', r'#include <boost/', r'^src/.*\.(h|cc)$', r'^src/net/([a-z_]+\.cc|(connection|link|resolver|response_head|server_stream|socket_loop_impl|tls|wire)\.h)$',
     'it costs seconds a file: keep it inside net'),
    ('RocksDB', r'#include <rocksdb/', r'^src/.*\.(h|cc)$', r'^src/kv/(rocksdb|testing)/',
     'take a kv::Engine'),
    ('spdlog', r'#include <spdlog/', r'^src/.*\.(h|cc)$', r'^src/telemetry/log\.cc$', 'take a Logger'),
    ('CLI11', r'#include <CLI/', r'^src/.*\.(h|cc)$', r'^src/cli/(main|replication_options)\.cc$',
     'parse options there'),
    ('simdjson', r'#include <simdjson', r'^src/.*\.(h|cc)$', r'^src/json/parser\.cc$', 'use json/parser.h'),
    ('OpenSSL', r'#include <openssl/', r'^src/.*\.(h|cc)$', r'^src/(crypto/(testing/)?\w+|net/(client_certificate|server_tls|tls|odd_peer_test))\.cc$',
     'use crypto/ or net/'),
    ('a comparison that tells by its time where a secret differs', SECRET_COMPARISON,
     r'^src/(access|api|crypto|server)/.*\.(h|cc)$', r'^src/access/(admins\.cc|testing_users\.h)$|_test\.cc$', 'use crypto::constant_time_equal'),
    ('libxml2 or xmlsec', r'#include <(libxml|xmlsec)/', r'^src/.*\.(h|cc)$', r'^src/xml/(testing/signer\.cc|(document|signature)\.cc|tree\.h)$',
     'use xml/'),
    ('using namespace in a header', r'^\s*using namespace\b', r'^src/.*\.h$', None, 'write the name'),
]
UNFINISHED = r'\b(TO' r'DO|FIX' r'ME|XX' r'X)\b'
MACHINE_PATH = r'(?<![\w.:/~$}-])/(home|root|work|Users)/\w'
REGISTRY = r'https?://[^/\s"\']*registry[^/\s"\']*'


def texts(root, pattern=''):
    """(path, text) of the project's own text files whose path matches."""
    for path in tracked(root):
        name = str(path)
        if name not in FOREIGN and re.search(pattern, name):
            content = (root / path).read_bytes()
            if b'\0' not in content[:8000]:
                yield name, content.decode('utf-8', 'surrogateescape')


def lines_matching(root, expression, where='', but=None):
    for name, text in texts(root, where):
        if but and re.search(but, name):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(expression, line):
                yield '%s:%d' % (name, number), line.strip()


def file_sizes(root):
    """No source is longer than the limit; about 300 lines is the aim."""
    return ['%s has %d lines, over %d' % (name, text.count('\n'), LINES_MAX)
            for name, text in texts(root, r'^(src|tests|scripts|bench|cmake)/|^\w+$')
            if (pathlib.Path(name).suffix in SOURCES or '.' not in pathlib.Path(name).name)
            and text.count('\n') > LINES_MAX]


def characters(root):
    """C++ sources are ASCII, and no source has tabs."""
    found = ['%s has characters outside ASCII: %s' % found
             for found in lines_matching(root, r'[^\x00-\x7f]', r'^src/.*\.(h|cc)$')]
    return found + ['%s has a tab' % name for name, text in texts(root)
                    if pathlib.Path(name).suffix in SOURCES and '\t' in text]


def forbidden(root):
    """Calls that belong to a few modules, or to none."""
    found = []
    for what, expression, where, but, instead in FORBIDDEN:
        for place, line in lines_matching(root, expression, where, but):
            if not line.startswith(('//', '# ')):
                found.append('%s: %s; %s' % (place, what, instead))
    return found


def readmes(root):
    """Every module has a README.md."""
    return ['src/%s has no README.md' % name for name in declared(read(root / 'src/modules.cmake'))
            if (root / 'src' / name).is_dir() and not (root / 'src' / name / 'README.md').exists()]


def links(root):
    """The relative links of every Markdown page lead to a file or folder."""
    found = []
    for name, text in texts(root, r'\.md$'):
        text = re.sub(r'^```.*?^```', '', text, flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r'\]\(([^)\s]+)\)', text):
            target = target.split('#')[0]
            if not target or re.match(r'[a-z]+:', target):
                continue
            if not (root / name).parent.joinpath(target).exists():
                found.append('%s links to %s, which does not exist' % (name, target))
    return found


def words(root):
    """Nothing is marked as unfinished, and nothing names this machine or a package registry."""
    found = ['%s: marked as unfinished: %s' % found
             for found in lines_matching(root, UNFINISHED)]
    found += ['%s: a path of one machine: %s' % found for found in lines_matching(root, MACHINE_PATH)]
    return found + ['%s: the host of a registry: %s' % found for found in lines_matching(root, REGISTRY)]


class TidyTest(CheckTest):
    def test_file_sizes(self):
        self.assert_clean(file_sizes)

    def test_characters(self):
        self.assert_clean(characters)

    def test_forbidden(self):
        self.assert_clean(forbidden)

    def test_readmes(self):
        self.assert_clean(readmes)

    def test_links(self):
        self.assert_clean(links)

    def test_words(self):
        self.assert_clean(words)

    def test_long_file_is_found(self):
        self.assert_found(file_sizes, {'src/a/a.cc': '\n' * 801, 'src/a/b.cc': '\n' * 800}, 'src/a/a.cc')
        self.assert_found(file_sizes, {'test': '\n' * 801}, 'test')

    def test_bad_characters_are_found(self):
        self.assert_found(characters, {'src/a/a.h': '// caf\u00e9\n', 'README.md': 'caf\u00e9\n'}, 'src/a/a.h:1')
        self.assert_found(characters, {'scripts/a.py': 'if x:\n\ty()\n'}, 'tab')

    def test_forbidden_calls_are_found(self):
        for name, line in {'src/db/a.cc': 'auto t = std::chrono::system_clock::now();',
                           'src/db/b.cc': 'return rand();',
                           'src/base/c.cc': 'std::getenv("HOME")',
                           'src/db/d.h': 'std::thread worker_;',
                           'src/kv/e_test.cc': 'std::this_thread::sleep_for(1s);',
                           'tests/documents/f.py': '    time.' 'sleep(1)',
                           'src/db/g.h': 'using namespace std;',
                           'src/net/h.h': '#include <boost/asio.hpp>',
                           'src/api/i.cc': '#include <rocksdb/db.h>',
                           'src/access/j.cc': 'if (signature == wanted)',
                           'src/access/k.cc': 'return given != user.password;',
                           'src/crypto/l.cc': 'return std::memcmp(a, b, 32) == 0;',
                           'src/crypto/m.cc': 'return key.reveal() == bytes;'}.items():
            self.assert_found(forbidden, {name: line + '\n'}, name + ':1')

    def test_allowed_calls_are_not_found(self):
        for name, line in {'src/base/clock.cc': 'std::chrono::system_clock::now()',
                           'src/cli/a.cc': 'getenv("X")',
                           'src/db/b_test.cc': 'getenv("DIVAN_LONG")',
                           'src/net/a.cc': 'std::thread worker_;',
                           'src/net/b.cc': '#include <boost/asio.hpp>',
                           'src/access/a.cc': 'if (password == nullptr || token.empty() || parser_token != "x")',
                           'src/crypto/b.cc': 'CRYPTO_memcmp(a.data(), b.data(), a.size())',
                           'src/db/a.cc': 'std::thread::hardware_concurrency(); brand(1);'}.items():
            self.assertEqual(self.complaints(forbidden, {name: line + '\n'}), [])

    def test_missing_readme_is_found(self):
        self.assert_found(readmes, {'src/modules.cmake': 'divan_module(a)\ndivan_module(b)\n',
                                    'src/a/a.cc': '', 'src/b/README.md': ''}, 'src/a')

    def test_broken_link_is_found(self):
        self.assert_found(links, {'docs/a.md': '[b](b.md#x) [c](../c.md) [d](https://example.org/) [e](#e)\n',
                                  'c.md': ''}, 'b.md')

    def test_words_are_found(self):
        for line in ('// TO' 'DO: finish', '/ho' 'me/somebody/divan', 'https:' '//registry.example.org/nano'):
            self.assert_found(words, {'src/a/a.cc': line + '\n'}, 'src/a/a.cc:1')
        self.assertEqual(self.complaints(words, {'a.md': 'GET /db/home/x, mktemp a.XXXXXX, ~/root/x\n'}), [])


if __name__ == '__main__':
    unittest.main()
