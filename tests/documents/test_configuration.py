"""Settings: layers of ini files, changes through _config, what is refused, CouchDB's older places."""
import configparser
import hashlib
import pathlib
import re
import tempfile
import unittest

import requests

from harness.case import ServerTestCase
from harness.command import divan
from harness.server import Server
from harness.tls import Certificates

CONFIG = '/_node/_local/_config'
SEED = pathlib.Path(__file__).with_name('seed_local.ini')
# What becomes of each setting of the seed's local.ini. HONOURED: _config shows it and it acts.
HONOURED = {
    ('couchdb', 'max_document_size'), ('couchdb', 'max_attachment_size'), ('couchdb', 'single_node'),
    ('couchdb', 'database_dir'), ('cluster', 'q'), ('cluster', 'n'), ('chttpd', 'port'), ('chttpd', 'bind_address'),
    ('chttpd', 'require_valid_user'), ('chttpd', 'max_http_request_size'), ('chttpd', 'enable_cors'), ('cors', 'origins'),
    ('cors', 'credentials'), ('cors', 'methods'), ('cors', 'headers'), ('log', 'level'), ('admins', 'admin'),
    *(('ssl', key) for key in ('enable', 'cert_file', 'key_file', 'password', 'cacert_file', 'verify_ssl_certificates')),
    *(('replicator', key) for key in ('max_replication_retry_count', 'worker_processes', 'worker_batch_size',
                                      'http_connections', 'connection_timeout', 'retries_per_request'))}
FROM_OLD_SECTION = {
    ('httpd', 'port'): 'chttpd', ('httpd', 'bind_address'): 'chttpd', ('httpd', 'secure_rewrites'): 'chttpd',
    ('httpd', 'authentication_handlers'): 'chttpd', ('couch_httpd_auth', 'require_valid_user'): 'chttpd',
    ('couch_httpd_auth', 'timeout'): 'chttpd_auth', ('couch_httpd_auth', 'auth_cache_size'): 'chttpd_auth',
    ('couch_httpd_auth', 'allow_persistent_cookies'): 'chttpd_auth'}
# Reported once at start; under the section where CouchDB reads it today.
WITHOUT_EFFECT_IN = {'httpd': 'chttpd', 'couch_httpd_auth': 'chttpd_auth'}


class ConfigurationCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='divan-test-')
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding='utf-8')
        return str(path)

    def serve(self, **arguments):
        server = Server(**arguments)
        self.addCleanup(server.close)
        return server.start()

    def value(self, server, place):
        answer = server.get('%s/%s' % (CONFIG, place))
        return answer.json() if answer.status_code == 200 else None

    def set(self, server, place, value, **arguments):
        answer = server.put('%s/%s' % (CONFIG, place), json=value, **arguments)
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer.json()


class LayersTest(ConfigurationCase):
    def test_later_files_win_and_changes_over_them_all(self):
        first = self.file('1.ini', '[custom]\na = 1\nb = 1\nc = 1\nd = 1\n[log]\nlevel = warning\n')
        second = self.file('2.ini', '[custom]\nb = 2\nc = 2\n; a comment\nlong = one\n  two ; note\n')
        data = self.folder / 'data'
        data.mkdir()
        (data / 'local.ini').write_text('[custom]\nc = 3\n')
        server = self.serve(data_dir=data, options=['--config', first, '--config', second])
        values = server.get(CONFIG + '/custom').json()
        self.assertEqual(values, {'a': '1', 'b': '2', 'c': '3', 'd': '1', 'long': 'one two'})
        self.assertEqual(self.value(server, 'uuids/max_count'), '1000')  # a default
        self.assertEqual(server.get(CONFIG + '/none').json(), {})

        self.assertEqual(self.set(server, 'custom/a', '4'), '1')
        self.assertEqual(self.set(server, 'custom/new', 'n = [x];y "z" \u00e9'), '')
        self.assertEqual(self.set(server, 'custom/b', '5', headers={'X-Couch-Persist': 'false'}), '2')
        self.assertEqual(self.value(server, 'custom/b'), '5')
        self.assertEqual(server.delete(CONFIG + '/custom/d').json(), '1')
        server.restart()
        values = server.get(CONFIG + '/custom').json()
        # `d` stands in a file that is not ours to change: it is back, as in CouchDB.
        self.assertEqual(values, {'a': '4', 'b': '2', 'c': '3', 'd': '1', 'long': 'one two', 'new': 'n = [x];y "z" \u00e9'})
        server.stop()

    def test_what_is_changed_is_the_only_change_in_local_ini(self):
        data = self.folder / 'data'
        server = self.serve(data_dir=data)
        server.stop()
        text = '; mine\n[custom]\na = 1 ; why\nb = 2\n\n[other]\n'
        with open(data / 'local.ini', 'a', encoding='utf-8') as local:
            local.write(text)
        before = (data / 'local.ini').read_text()
        server.start()
        self.set(server, 'custom/b', '3')
        server.stop()
        self.assertEqual((data / 'local.ini').read_text(), before.replace('b = 2', 'b = 3'))
        self.assertEqual((data / 'local.ini').stat().st_mode & 0o777, 0o600)

    def test_reload(self):
        path = self.file('1.ini', '[custom]\na = 1\n[log]\nlevel = warning\n')
        server = self.serve(options=['--config', path])
        self.set(server, 'custom/b', '1', headers={'X-Couch-Persist': 'false'})
        self.set(server, 'custom/c', '1')
        self.file('1.ini', '[custom]\na = 2\n[couchdb]\nmax_document_size = 10\n')
        self.assertEqual(server.post(CONFIG + '/_reload').json(), {'ok': True})
        self.assertEqual(server.get(CONFIG + '/custom').json(), {'a': '2', 'c': '1'})
        server.put('/db')
        self.assertEqual(server.put('/db/large', json={'a': 'x' * 20}).status_code, 413)
        # A bad file changes nothing, and says where it is bad.
        for text, what in (('[custom]\na = 3\nnonsense\n', 'line 3'), ('[couchdb]\nmax_document_size = many\n', 'max_document_size')):
            self.file('1.ini', text)
            answer = server.post(CONFIG + '/_reload')
            self.assertEqual((answer.status_code, answer.json()['error']), (400, 'bad_request'))
            self.assertIn(path, answer.json()['reason'])
            self.assertIn(what, answer.json()['reason'])
        self.assertEqual(self.value(server, 'custom/a'), '2')
        server.stop()

    def test_old_sections(self):
        path = self.file('1.ini', '[httpd]\nenable_cors = true\nmax_http_request_size = 5000\n[couch_httpd_auth]\n'
                         'timeout = 77\nrequire_valid_user = true\n')
        server = self.serve(options=['--config', path])
        for old, new in (('httpd/enable_cors', 'chttpd/enable_cors'), ('couch_httpd_auth/timeout', 'chttpd_auth/timeout'),
                         ('couch_httpd_auth/require_valid_user', 'chttpd/require_valid_user'),
                         ('httpd/max_http_request_size', 'chttpd/max_http_request_size')):
            self.assertIsNotNone(self.value(server, new))
            self.assertEqual(self.value(server, old), self.value(server, new))
        # Written in its old place it acts at once, and stays.
        self.set(server, 'httpd/enable_cors', 'false')
        self.set(server, 'couch_httpd_auth/timeout', '78')
        server.restart()
        self.assertEqual(self.value(server, 'chttpd/enable_cors'), 'false')
        self.assertEqual(self.value(server, 'chttpd_auth/timeout'), '78')
        server.stop()

    def test_removed_settings_do_not_come_back_from_their_old_place(self):
        data = self.folder / 'data'
        data.mkdir()
        (data / 'local.ini').write_text('[httpd]\nenable_cors = true\n')
        server = self.serve(data_dir=data)
        self.assertEqual(server.delete(CONFIG + '/chttpd/enable_cors').json(), 'true')
        server.restart()
        self.assertEqual(self.value(server, 'chttpd/enable_cors'), 'false')
        server.stop()


class AtOnceTest(ServerTestCase):
    """Changes through _config act with the next request."""

    def set(self, place, value):
        before = self.answer(self.server.get('%s/%s' % (CONFIG, place)), 200)
        self.answer(self.server.put('%s/%s' % (CONFIG, place), json=value), 200)
        self.addCleanup(self.server.put, '%s/%s' % (CONFIG, place), json=before)

    def test_sizes(self):
        db = '/' + self.database()
        self.assertEqual(self.server.get(CONFIG + '/couchdb/max_document_size').json(), '8000000')
        self.answer(self.server.put(db + '/a', data='{"a":"%s"}' % ('x' * 7999992)), 201)
        self.error(self.server.put(db + '/b', data='{"a":"%s"}' % ('x' * 7999993)), 413, 'document_too_large')
        self.set('couchdb/max_document_size', '100')
        self.error(self.server.put(db + '/b', json={'a': 'x' * 100}), 413, 'document_too_large')
        self.set('couchdb/max_document_size', 'infinity')
        self.answer(self.server.put(db + '/b', data='{"a":"%s"}' % ('x' * 9000000)), 201)
        self.set('couchdb/max_attachment_size', '100')
        sent = {'data': b'x' * 101, 'headers': {'Content-Type': 'application/octet-stream'}}
        self.error(self.server.put(db + '/c/a', **sent), 413, 'attachment_too_large')
        self.set('chttpd/max_http_request_size', '1000')
        self.error(self.server.put(db + '/d', json={'a': 'x' * 2000}), 413, 'too_large')

    def test_uuids(self):
        self.set('uuids/max_count', '5')
        self.error(self.server.get('/_uuids?count=6'), 400, 'bad_request')
        self.set('uuids/algorithm', 'utc_id')
        self.answer(self.server.put(CONFIG + '/uuids/utc_id_suffix', json='-end'), 200)
        self.addCleanup(self.server.delete, CONFIG + '/uuids/utc_id_suffix')
        self.assertTrue(self.answer(self.server.get('/_uuids'), 200)['uuids'][0].endswith('-end'))

    def test_log_level(self):
        self.set('log/level', 'error')
        self.server.get('/silent')
        self.answer(self.server.put(CONFIG + '/log/level', json='notice'), 200)
        self.server.get('/logged')
        self.server.stop()  # the log is read to its end
        self.assertTrue([line for line in self.server.log if 'GET /logged' in line])
        self.assertFalse([line for line in self.server.log if 'GET /silent' in line])
        self.server.start()

    def test_default_security_and_require_valid_user(self):
        nobody = self.server.new_session(user='')
        self.addCleanup(nobody.close)
        self.set('couchdb/default_security', 'everyone')
        db = '/' + self.database()
        self.assertEqual(self.answer(self.server.get(db + '/_security'), 200), {})
        self.answer(nobody.get(self.server.url + '/', timeout=30), 200)
        self.set('chttpd/require_valid_user', 'true')
        self.error(nobody.get(self.server.url + '/', timeout=30), 401, 'unauthorized')
        self.answer(nobody.get(self.server.url + '/_session', timeout=30), 200)

    def test_maintenance_mode(self):
        self.set('couchdb/maintenance_mode', 'true')
        self.answer(self.server.get('/_up'), 404)
        self.set('couchdb/maintenance_mode', 'false')
        self.answer(self.server.get('/_up'), 200)

    def test_admins_hashed_elsewhere(self):
        self.addCleanup(self.server.delete, CONFIG + '/admins/ann')
        for name, function in (('sha', 'sha1'), ('sha224',) * 2, ('sha256',) * 2, ('sha384',) * 2, ('sha512',) * 2):
            key = hashlib.pbkdf2_hmac(function, b'an open sesame', b'salt', 10).hex()
            text = '-pbkdf2:%s-%s,salt,10' % (name, key)
            self.answer(self.server.put(CONFIG + '/admins/ann', json=text), 200)
            self.assertNotIn(key, self.answer(self.server.get(CONFIG + '/admins/ann'), 200))
            for password, status in (('an open sesame', 200), (text, 401)):
                session = self.server.new_session('ann', password)
                self.addCleanup(session.close)
                self.assertEqual(session.get(self.server.url + '/_all_dbs', timeout=30).status_code, status, name)

    def test_admins(self):
        self.assertEqual(self.answer(self.server.put(CONFIG + '/admins/eve', json='an open sesame'), 200), '')
        self.addCleanup(self.server.delete, CONFIG + '/admins/eve')
        eve = self.server.new_session('eve', 'an open sesame')
        self.addCleanup(eve.close)
        self.answer(eve.get(self.server.url + '/_all_dbs', timeout=30), 200)
        self.assertNotIn('sesame', self.answer(self.server.get(CONFIG + '/admins/eve'), 200))
        self.answer(self.server.put(CONFIG + '/admins/eve', json='another word'), 200)
        self.error(eve.get(self.server.url + '/_all_dbs', timeout=30), 401, 'unauthorized')
        local = (self.server.data_dir / 'local.ini').read_text()
        self.assertIn('eve = -pbkdf2:', local)
        self.assertNotIn('sesame', local)
        self.assertNotIn('another word', local)
        # On loopback a password that everybody tries first is taken, with a warning.
        self.answer(self.server.put(CONFIG + '/admins/eve', json='password'), 200)
        self.answer(self.server.delete(CONFIG + '/admins/eve'), 200)
        self.error(eve.get(self.server.url + '/_all_dbs', timeout=30), 401, 'unauthorized')

    def test_secrets_are_not_shown(self):
        self.assertEqual(self.server.get(CONFIG + '/chttpd_auth/secret').json(), '****')
        self.assertEqual(self.server.get(CONFIG).json()['chttpd_auth']['secret'], '****')


class SeedTest(ConfigurationCase):
    """The local.ini that the platform's deployment writes."""

    def seed_file(self, data, certificate, authority):
        """With certificates that are there, and of clients an authority: CouchDB asks for certificates and checks none."""
        text = SEED.read_text(encoding='utf-8').replace('{database_dir}', str(data))
        text = text.replace('/etc/ssl/private/couchdb.crt', str(certificate.certificate))
        text = text.replace('/etc/ssl/private/couchdb.key', str(certificate.key))
        return self.file('seed.ini', text.replace('cacert_file =\n', 'cacert_file = %s\n' % authority))

    def test_every_setting_is_recognised(self):
        data = self.folder / 'databases'
        make = Certificates(self.folder)
        authority = make.authority()
        certificate = make.issue('couchdb', authority)
        refused = divan('serve', '--memory', '--port', 0, '--config', self.seed_file(data, certificate, ''))
        self.assertEqual(refused.status, 1)
        self.assertIn('set [ssl] verify_ssl_certificates = false', refused.errors)
        path = self.seed_file(data, certificate, authority.certificate)
        parser = configparser.ConfigParser(interpolation=None, delimiters=['='])
        parser.optionxform = str
        parser.read(path, encoding='utf-8')
        places = [(section, key) for section in parser.sections() for key in parser[section]]
        self.assertEqual(len(places), 48)

        class Operated(Server):
            user = 'operator'

        server = Operated(options=['--config', path, '--config', self.file('port.ini', '[ssl]\nport = 0\n')])
        self.addCleanup(server.close)
        server.start()
        server.session.auth = ('admin', 'a good admin password')  # as the file has it
        notices = [line for line in server.log if 'setting [' in line]
        for section, key in places:
            notice = 'setting [%s] %s ' % (WITHOUT_EFFECT_IN.get(section, section), key)
            reported = [line for line in notices if notice in line]
            if (section, key) in HONOURED or (section, key) in FROM_OLD_SECTION:
                self.assertEqual(reported, [], (section, key))
                shown = self.value(server, '%s/%s' % (FROM_OLD_SECTION.get((section, key), section), key))
                if section != 'admins' and key not in ('port', 'bind_address', 'password'):  # from the command line; a secret
                    self.assertEqual(shown, parser[section][key], (section, key))
            else:
                self.assertEqual(len(reported), 1, (section, key, notices))
                self.assertIn('has no effect here: ', reported[0])
        self.assertFalse([line for line in notices if 'is unknown' in line])

        # Nobody gets in, the admin does.
        nobody = server.new_session(user='')
        self.addCleanup(nobody.close)
        self.assertEqual(nobody.get(server.url + '/', timeout=30).status_code, 401)
        self.assertEqual(server.put('/db').status_code, 201)
        self.assertEqual(server.get('/db').json()['cluster']['q'], 3)
        answer = server.get('/db', headers={'Origin': 'http://example.com'})
        self.assertEqual(answer.headers['Access-Control-Allow-Origin'], 'http://example.com')
        with self.assertRaises(requests.exceptions.RequestException):
            requests.get(server.tls_origin, verify=str(authority.certificate), timeout=30)
        mine = make.issue('client', authority)
        self.assertEqual(requests.get(server.tls_origin, verify=str(authority.certificate), cert=(str(mine.certificate), str(mine.key)),
                                      timeout=30).status_code, 401)
        server.stop()


class DatabaseDirTest(ConfigurationCase):
    def test_database_dir(self):
        data = self.folder / 'here'
        path = self.file('1.ini', '[couchdb]\ndatabase_dir = %s\n[log]\nlevel = warning\n' % data)

        class Elsewhere(Server):
            def command(self):
                command = super().command()
                at = command.index('--data-dir')
                return command[:at] + command[at + 2:]

        server = Elsewhere(options=['--config', path])
        self.addCleanup(server.close)
        server.start()
        self.assertEqual(server.put('/kept').status_code, 201)
        self.assertTrue((data / 'local.ini').exists())
        server.restart()
        self.assertEqual(server.get('/kept').status_code, 200)
        server.stop()

    def test_data_dir_wins(self):
        path = self.file('1.ini', '[couchdb]\ndatabase_dir = %s\n' % (self.folder / 'not here'))
        server = self.serve(options=['--config', path])
        self.assertFalse((self.folder / 'not here').exists())
        server.stop()


class NodeNameTest(ConfigurationCase):
    def check(self, name, **arguments):
        server = self.serve(**arguments)
        self.assertEqual(server.get('/_membership').json(), {'all_nodes': [name], 'cluster_nodes': [name]})
        for node in ('_local', name):
            self.assertEqual(server.get('/_node/' + node).json(), {'name': name})
        self.assertIn('divan_node_info{node="%s"} 1\n' % name, server.get('/_node/_local/_prometheus').text)
        self.assertEqual(server.get('/_node/other@host').status_code, 404)
        server.stop()
        self.assertTrue(any(re.match(r'\[notice\] \S+ %s <' % re.escape(name), line) for line in server.log))

    def test_default(self):
        self.check('divan@127.0.0.1')

    def test_option(self):
        self.check('couch@host-1.example', options=['--name', 'couch@host-1.example'], environment={'NODENAME': 'not-this'})

    def test_environment(self):
        self.check('couchdb-primary', environment={'NODENAME': 'couchdb-primary'})

    def test_bad_names(self):
        for name in ('a b', 'a/b', '_local', 'x' * 300, 'a"b', '\u00e9'):
            done = divan('serve', '--memory', '--port', '0', '--admin', 'a:good password', '--name', name)
            self.assertEqual(done.status, 1, (name, done))
            self.assertIn('--name', done.errors)


class RefusedAtStartTest(ConfigurationCase):
    def refuse(self, text, *expected):
        path = self.file('bad.ini', text)
        done = divan('serve', '--memory', '--port', '0', '--admin', 'a:good password', '--config', path)
        self.assertEqual(done.status, 1, done)
        self.assertEqual(len(done.errors.splitlines()), 1, done)
        for part in (path, *expected):
            self.assertIn(part, done.errors)

    def test_values_out_of_bounds(self):
        for place, value in (('chttpd/port', 'many'), ('chttpd/port', '65536'), ('chttpd/port', '-1'),
                             ('couchdb/max_document_size', '0'), ('couchdb/max_document_size', '1.5'),
                             ('couchdb/max_document_size', ''), ('chttpd/enable_cors', 'yes'), ('log/level', 'loud'),
                             ('uuids/algorithm', 'mine'), ('divan/json_depth_max', '1'), ('divan/json_depth_max', '10001'),
                             ('httpd/port', 'x'), ('couch_httpd_auth/timeout', '0')):
            section, key = place.split('/')
            with self.subTest(place=place, value=value):
                self.refuse('[%s]\n%s = %s\n' % (section, key, value), key, '`%s`' % value)

    def test_bad_syntax(self):
        self.refuse('[custom]\na = 1\nnonsense\n', 'line 3', 'nonsense')
        self.refuse('a = 1\n', 'line 1')
        self.refuse('[custom]\n= 1\n', 'line 2')

    def test_files_that_cannot_be_read(self):
        for path in (self.folder / 'none.ini', self.folder):
            done = divan('serve', '--memory', '--port', '0', '--admin', 'a:good password', '--config', path)
            self.assertEqual(done.status, 1, done)
            self.assertIn(str(path), done.errors)
        data = self.folder / 'data'
        (data / 'local.ini').mkdir(parents=True)
        done = divan('serve', '--data-dir', data, '--port', '0', '--admin', 'a:good password')
        self.assertEqual(done.status, 1, done)
        self.assertIn(str(data / 'local.ini'), done.errors)

    def test_unknown_settings_are_reported_and_do_not_stop_it(self):
        server = self.serve(options=['--config', self.file('1.ini', '[couchdb]\nmax_documnet_size = 5\n')])
        self.assertEqual(len([line for line in server.log if 'setting [couchdb] max_documnet_size is unknown' in line]), 1)
        server.stop()


class DiskMonitorTest(ServerTestCase):
    """[disk_monitor]: no writes on a full disk, but reads, and writes again as soon as there is room."""

    server_arguments = {'config': '[log]\nlevel = warning\n'}
    THRESHOLD = CONFIG + '/disk_monitor/interactive_database_writes_threshold'

    def test_full_disk(self):
        db = '/' + self.database()
        rev = self.answer(self.server.put(db + '/kept', json={'a': 1}), 201)['rev']
        self.answer(self.server.put(self.THRESHOLD, json='0'), 400)
        self.answer(self.server.put(self.THRESHOLD, json='1'), 200)
        self.answer(self.server.put(db + '/still', json={}), 201)  # off by default
        self.answer(self.server.put(CONFIG + '/disk_monitor/enable', json='true'), 200)
        binary = {'Content-Type': 'application/octet-stream'}
        writes = {
            'PUT': lambda: self.server.put(db + '/new', json={}),
            'POST': lambda: self.server.post(db, json={}),
            'edit': lambda: self.server.put(db + '/kept', json={'_rev': rev}),
            'bulk': lambda: self.server.post(db + '/_bulk_docs', json={'docs': [{}]}),
            'attachment': lambda: self.server.put(db + '/new/a', data=b'x' * 100000, headers=binary),
            'inline': lambda: self.server.put(db + '/new', json={'_attachments': {'a': {'data': 'eA=='}}}),
            'local': lambda: self.server.put(db + '/_local/new', json={}),
            'copy': lambda: self.server.copy(db + '/kept', 'new'),
            'database': lambda: self.server.put('/another'),
        }

        def assert_full():
            for name, write in writes.items():
                with self.subTest(name):
                    self.error(write(), 507, 'insufficient_storage')
            self.assertEqual(self.answer(self.server.get(db + '/kept'), 200)['a'], 1)
            self.assertEqual(self.answer(self.server.get(db + '/_all_docs'), 200)['total_rows'], 2)
            self.assertEqual(len(self.answer(self.server.get(db + '/_changes'), 200)['results']), 2)

        assert_full()
        self.server.restart()  # a full disk does not keep it from starting
        assert_full()
        self.answer(self.server.put(self.THRESHOLD, json='100'), 200)
        self.answer(writes['edit'](), 201)
        self.answer(writes['attachment'](), 201)
        self.answer(self.server.put(self.THRESHOLD, json='1'), 200)
        self.error(writes['POST'](), 507, 'insufficient_storage')
        self.answer(self.server.put(CONFIG + '/disk_monitor/enable', json='false'), 200)
        self.answer(writes['POST'](), 201)


if __name__ == '__main__':
    unittest.main()
