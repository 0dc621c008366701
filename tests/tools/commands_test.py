"""The commands of the root, with stand-ins for what they install, build and start."""
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

from sample import ROOT

SERVER = '''#!/usr/bin/env bash
printf 'argument %s\\n' "$@"
printf 'admin %s:%s\\n' "${COUCHDB_USER-}" "${COUCHDB_PASSWORD-}"
'''


class CommandsTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree(ROOT / 'scripts', self.root / 'scripts')
        for name in ('run', 'dev', 'CMakePresets.json'):
            shutil.copy2(ROOT / name, self.root / name)
        listed = [line.split()[1] for line in (ROOT / 'scripts/packages.txt').read_text().splitlines()
                  if line and not line.startswith('#')]
        self.program('tools/dpkg-query', ''.join('echo installed %s\n' % name for name in listed))
        self.program('tools/cmake', 'exit 1\n')
        self.program('tools/ninja', 'exit 0\n')
        self.program('build/release/divan', SERVER)
        (self.root / 'build/release/build.ninja').write_text('')

    def program(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#!/usr/bin/env bash\n' + text)
        path.chmod(0o755)

    def command(self, *arguments, path=None, **environment):
        variables = {name: value for name, value in os.environ.items() if not name.startswith('COUCHDB_')}
        variables['PATH'] = path or '%s:%s' % (self.root / 'tools', variables['PATH'])
        done = subprocess.run([str(self.root / arguments[0]), *arguments[1:]], env={**variables, **environment},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def run_divan(self, *arguments, **environment):
        status, output, errors = self.command('run', *arguments, **environment)
        self.assertEqual((status, errors), (0, ''))
        lines = output.splitlines()
        given = [line.removeprefix('argument ') for line in lines if line.startswith('argument ')]
        admin = next(line.removeprefix('admin ') for line in lines if line.startswith('admin '))
        return output, given, admin

    def test_admin_is_made_once(self):
        output, given, admin = self.run_divan()
        password = admin.removeprefix('admin:')
        self.assertRegex(password, '^[0-9a-f]{20}$')
        self.assertIn(password, output.split('argument')[0])
        self.assertIn('http://127.0.0.1:5984/', output)
        self.assertEqual(given, ['serve', '--bind', '127.0.0.1', '--port', '5984',
                                 '--data-dir', str(self.root / 'data')])
        kept = self.root / 'data/admin.txt'
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        self.assertEqual(self.run_divan()[2], admin)

    def test_what_is_given_is_used_and_no_password_shown(self):
        output, given, admin = self.run_divan('--port=7000', '--bind', '0.0.0.0', '--admin', 'me:secret',
                                              '--data-dir', str(self.root / 'other'), '--name', 'a b')
        self.assertEqual(given, ['serve', '--port=7000', '--bind', '0.0.0.0', '--admin', 'me:secret',
                                 '--data-dir', str(self.root / 'other'), '--name', 'a b'])
        self.assertEqual(admin, ':')
        self.assertIn('http://127.0.0.1:7000/', output)
        self.assertNotIn('secret', output.split('argument')[0])
        self.assertFalse((self.root / 'data').exists())

        output, _, admin = self.run_divan(COUCHDB_USER='me', COUCHDB_PASSWORD='secret')
        self.assertEqual(admin, 'me:secret')
        self.assertNotIn('secret', output.split('argument')[0])

    def test_memory_leaves_nothing(self):
        _, given, admin = self.run_divan('--memory', '--port', '0')
        self.assertEqual(given, ['serve', '--memory', '--port', '0', '--bind', '127.0.0.1'])
        self.assertRegex(admin, '^admin:[0-9a-f]{20}$')
        self.assertFalse((self.root / 'data').exists())

    def test_help(self):
        for command in (('run', '--help'), ('dev', 'help'), ('dev',)):
            status, output, _ = self.command(*command)
            self.assertEqual(status, 0)
            self.assertIn('usage: ./' + command[0], output)
        self.assertEqual(self.command('dev', 'unheard')[0], 2)
        for command in (('build', 'unheard'), ('lint', '--al'), ('format', '--chek')):
            status, _, errors = self.command('dev', *command)
            self.assertEqual(status, 1, command)
            self.assertIn('error: ', errors)
            self.assertIn(command[1], errors)
        self.assertEqual(self.command('scripts/install')[0], 2)

    def test_missing_packages_are_installed_by_name(self):
        self.program('tools/dpkg-query', 'echo installed g++\n')
        self.program('tools/apt-get', 'echo "apt-get $*"\n')
        self.program('tools/sudo', '"$@"\n')
        status, output, errors = self.command('scripts/install', 'build')
        self.assertEqual((status, output), (0, ''))
        self.assertRegex(errors, 'Installing: .*cmake')
        self.assertRegex(errors, 'apt-get .* update\n')
        self.assertRegex(errors, 'apt-get .* install .*cmake .*librocksdb-dev')
        self.assertNotIn('g++', errors)
        self.assertNotIn('python3', errors)

    def test_without_apt_the_packages_are_named(self):
        tools = self.root / 'tools'
        self.program('tools/dpkg-query', 'exit 0\n')
        for name in ('bash', 'env', 'dirname', 'awk', 'sort', 'comm', 'grep', 'head', 'id'):
            os.symlink(shutil.which(name), tools / name)
        status, _, errors = self.command('scripts/install', 'test', path=str(tools))
        self.assertEqual(status, 1)
        self.assertRegex(errors, 'apt-get is not here; .*cmake')


if __name__ == '__main__':
    unittest.main()
