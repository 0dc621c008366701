"""`divan` in a terminal: what it prints, how it ends, what it refuses and why."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from harness.command import clean_environment, divan
from harness.server import BINARY, Server

ADMIN = ['--admin', 'admin:correct horse battery']
START_LIMIT_S = 60


class CommandLineCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='divan-test-')
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def assert_refused(self, status, *arguments, says, environment=None):
        """It ends with the status and one line that says each of `says`."""
        done = divan('serve', *arguments, environment=environment)
        self.assertEqual(done.status, status, done)
        self.assertEqual(len(done.errors.strip().splitlines()), 1, done)
        self.assertEqual(done.output, '')
        self.assertTrue(done.errors.startswith('divan: '), done)
        for part in says:
            self.assertIn(part, done.errors)
        return done


class HelpTest(CommandLineCase):
    def test_help_teaches(self):
        for arguments, parts in (
                (['--help'], ['serve', 'openapi', 'settings', 'divan serve --data-dir', '--help']),
                (['serve', '--help'], ['--data-dir', '--bind', '--port', '--admin', '--config', '--name', '--memory', '--load',
                                       'COUCHDB_USER', 'NODENAME', 'local.ini', 'curl ', 'SIGTERM', 'divan settings']),
                (['openapi', '--help'], ['/_openapi', 'divan openapi >']),
                (['settings', '--help'], ['_config', 'divan settings |'])):
            done = divan(*arguments)
            self.assertEqual((done.status, done.errors), (0, ''))
            for part in parts:
                self.assertIn(part, done.output, arguments)

    def test_version(self):
        self.assertRegex(divan('--version').output, r'^divan \d+\.\d+\.\d+ \(CouchDB API 3\.5')

    def test_settings_and_openapi(self):
        self.assertIn('| `max_document_size` | integer | `8000000` | 1 to ', divan('settings').output)
        self.assertTrue(divan('openapi').output.startswith('{'))


class UsageTest(CommandLineCase):
    def test_wrong_command_lines(self):
        for arguments in ([], ['nonsense'], ['serve', '--nonsense'], ['serve', 'nonsense'], ['serve', '--port'],
                          ['serve', '--port', 'x'], ['serve', '--port', '65536'], ['serve', '--port', '-1'],
                          ['settings', '--nonsense']):
            done = divan(*arguments)
            self.assertEqual(done.status, 2, (arguments, done))
            self.assertEqual((len(done.errors.splitlines()), done.output), (1, ''), done)
            self.assertIn('--help', done.errors)

    def test_options_that_exclude_each_other(self):
        self.assert_refused(2, '--memory', '--data-dir', self.folder, *ADMIN, says=['--memory and --data-dir'])
        self.assert_refused(2, '--load', self.folder, '--data-dir', self.folder, *ADMIN, says=['--load needs --memory'])
        self.assert_refused(1, *ADMIN, says=['--data-dir', 'database_dir', '--memory'])


class AdminTest(CommandLineCase):
    def test_no_start_without_an_admin(self):
        for arguments in (['--memory'], ['--data-dir', self.folder / 'data']):
            self.assert_refused(1, *arguments, '--port', 0,
                                says=['no server admin', '--admin', 'COUCHDB_USER', 'COUCHDB_PASSWORD', '[admins]'])
        self.assert_refused(1, '--memory', '--port', 0, says=['no server admin'], environment={'COUCHDB_USER': 'a'})

    def test_malformed_admins(self):
        for admin in ('a', 'a:', ':b', ':'):
            self.assert_refused(1, '--memory', '--port', 0, '--admin', admin, says=['NAME:PASSWORD'])

    def test_admin_of_the_environment(self):
        class FromEnvironment(Server):
            def command(self):
                command = super().command()
                at = command.index('--admin')
                return command[:at] + command[at + 2:]

        server = FromEnvironment(memory=True, environment={'COUCHDB_USER': 'eve', 'COUCHDB_PASSWORD': 'open: sesame'})
        self.addCleanup(server.close)
        server.start()
        server.user, server.password = 'eve', 'open: sesame'
        server.session = server.new_session()
        self.assertEqual(server.get('/_session').json()['userCtx'], {'name': 'eve', 'roles': ['_admin']})
        server.stop()

    def test_known_default_passwords(self):
        for admin in ('admin:password', 'admin:admin', 'admin:change_me', 'eve:eve', 'admin:123456', 'couchdb:couchdb'):
            for bind in ('0.0.0.0', '::', '192.0.2.1'):
                self.assert_refused(1, '--memory', '--port', 0, '--bind', bind, '--admin', admin,
                                    says=['everybody tries first', 'another one'])
        ini = self.folder / 'admins.ini'
        ini.write_text('[admins]\neve = password\n[chttpd]\nbind_address = 0.0.0.0\n')
        self.assert_refused(1, '--memory', '--port', 0, '--config', ini, says=['`eve`', 'everybody tries first'])
        self.assert_refused(1, '--memory', '--port', 0, '--bind', '0.0.0.0', says=['everybody tries first'],
                            environment={'COUCHDB_USER': 'admin', 'COUCHDB_PASSWORD': 'password'})

    def test_known_default_passwords_are_warned_about_on_loopback(self):
        class Weak(Server):
            password = 'password'

        ini = '[admins]\neve = change_me\nbert = a good one\n'
        server = Weak(config=ini)
        self.addCleanup(server.close)
        server.start()
        warnings = [line for line in server.log if 'everybody tries first' in line]
        self.assertEqual(len(warnings), 2, warnings)
        self.assertTrue(all(line.startswith('[warning]') for line in warnings))
        server.stop()

    def test_passwords_show_nowhere(self):
        secret = 'battery staple 7f3a'

        class Secret(Server):
            password = secret

        server = Secret(config='[admins]\neve = %s\n[log]\nlevel = debug\n' % secret)
        self.addCleanup(server.close)
        server.start()
        self.assertEqual(server.get('/_all_dbs').status_code, 200)
        self.assertNotIn(secret.encode(), pathlib.Path('/proc/%d/cmdline' % server.pid).read_bytes())
        self.assertIn(b'--admin\0admin:***', pathlib.Path('/proc/%d/cmdline' % server.pid).read_bytes())
        server.stop()
        self.assertNotIn(secret, '\n'.join(server.log))
        for path in server.data_dir.rglob('*'):
            if path.is_file():
                self.assertNotIn(secret.encode(), path.read_bytes(), path)


class LifeTest(CommandLineCase):
    def test_ready_line_and_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            process = subprocess.Popen([str(BINARY), 'serve', '--data-dir', str(self.folder / 'data'), '--port', '0', *ADMIN],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       env=clean_environment())
            try:
                line = process.stdout.readline()
                self.assertRegex(line, r'^divan is ready at http://127\.0\.0\.1:\d+/$')
                process.send_signal(number)
                output, errors = process.communicate(timeout=START_LIMIT_S)
                self.assertEqual((process.returncode, output), (0, ''), errors)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.communicate()

    def test_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(('::1', 0))
        except OSError:
            self.skipTest('no IPv6 loopback')
        process = subprocess.Popen([str(BINARY), 'serve', '--memory', '--bind', '::1', '--port', '0', *ADMIN],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   env=clean_environment())
        try:
            port = re.match(r'divan is ready at http://\[::1\]:(\d+)/$', process.stdout.readline()).group(1)
            with socket.create_connection(('::1', int(port)), timeout=30) as client:
                client.sendall(b'GET / HTTP/1.0\r\n\r\n')
                self.assertTrue(client.recv(100).startswith(b'HTTP/1.1 200'))
        finally:
            process.terminate()
            process.communicate(timeout=START_LIMIT_S)

    def test_port_in_use(self):
        with socket.socket() as holder:
            holder.bind(('127.0.0.1', 0))
            holder.listen()
            port = holder.getsockname()[1]
            self.assert_refused(1, '--memory', '--port', port, *ADMIN, says=['127.0.0.1:%d' % port, 'in use'])

    def test_addresses_that_cannot_be_bound(self):
        for bind in ('nonsense', '1.2.3', '300.1.1.1'):
            self.assert_refused(1, '--memory', '--port', 0, '--bind', bind, *ADMIN, says=[bind, 'not an IP address'])
        self.assert_refused(1, '--memory', '--port', 0, '--bind', '192.0.2.1', *ADMIN, says=['192.0.2.1'])

    def test_data_directory_that_cannot_be_used(self):
        file = self.folder / 'file'
        file.write_text('')
        self.assert_refused(1, '--data-dir', file, '--port', 0, *ADMIN, says=[str(file)])
        self.assert_refused(1, '--data-dir', file / 'below', '--port', 0, *ADMIN, says=[str(file / 'below')])

    @unittest.skipIf(os.geteuid() == 0, 'root may read everything')
    def test_data_directory_without_rights(self):
        (self.folder / 'data').mkdir(mode=0)
        self.assert_refused(1, '--data-dir', self.folder / 'data', '--port', 0, *ADMIN, says=[str(self.folder / 'data')])

    def test_data_directory_in_use(self):
        with Server() as server:
            self.assert_refused(1, '--data-dir', server.data_dir, '--port', 0, *ADMIN,
                                says=[str(server.data_dir), 'another process'])
            self.assertEqual(server.get('/_all_dbs').status_code, 200)


if __name__ == '__main__':
    unittest.main()
