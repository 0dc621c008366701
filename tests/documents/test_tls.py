"""The HTTPS listener: what works as on the plain one, what is refused, certificates that change, whom it admits."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import requests

from harness.case import wait_until
from harness.command import divan
from harness.server import REQUEST_LIMIT_S, Server
from harness.tls import Certificates

LIMIT_S = 30
HEAD = 'GET %s HTTP/1.1\r\nHost: x\r\n\r\n'


def ini(certificate, more='', divan_section=''):
    return ('[ssl]\nenable = true\nport = 0\ncert_file = %s\nkey_file = %s\n%s\n[divan]\nhousekeeping_interval_ms = 100\n'
            'tls_handshake_timeout_ms = 300\n%s\n' % (certificate.certificate, certificate.key, more, divan_section))


class TlsCase(unittest.TestCase):
    """An authority, and a certificate of it for the server."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='divan-test-')
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.make = Certificates(folder.name)
        cls.authority = cls.make.authority()
        cls.good = cls.make.issue('good', cls.authority)
        super().setUpClass()

    def serve(self, *arguments, **options):
        """A server of its own, which may log errors."""
        server = Server(memory=True, config=ini(*arguments), **options)
        self.addCleanup(server.close)
        return server.start()

    @staticmethod
    def port(server):
        return int(server.tls_origin.rsplit(':', 1)[1])

    def context(self, certificate=None, authority=None):
        context = ssl.create_default_context(cafile=(authority or self.authority).certificate)
        if certificate is not None:
            context.load_cert_chain(certificate.certificate, certificate.key)
        return context

    @contextlib.contextmanager
    def line(self, server, **arguments):
        with socket.create_connection(('127.0.0.1', self.port(server)), LIMIT_S) as plain, \
                self.context(**arguments).wrap_socket(plain, server_hostname='127.0.0.1') as line:
            yield line

    def shown_name(self, server):
        """The common name of the certificate that a new connection gets."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.authority.certificate)
        with socket.create_connection(('127.0.0.1', self.port(server)), LIMIT_S) as plain, \
                context.wrap_socket(plain, server_hostname='127.0.0.1') as line:
            return dict(pair[0] for pair in line.getpeercert()['subject'])['commonName']

    def status(self, server, **arguments):
        """Of GET / over TLS; the words of the error, if there is no answer."""
        try:
            with self.line(server, **arguments) as line:
                line.sendall((HEAD % '/').encode())
                return line.recv(4096).split(b' ')[1].decode()
        except OSError as error:
            return str(error)

    @staticmethod
    def counted(server, name):
        return server.get('/_node/_local/_stats/divan/net/' + name).json()['value']


class HttpsTest(TlsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(config=ini(cls.good))
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        if cls.server.running:
            cls.server.stop()

    def setUp(self):
        super().setUp()
        self.session = self.server.new_session()
        self.session.verify = str(self.authority.certificate)
        self.addCleanup(self.session.close)
        self.db = '/' + self.id().rsplit('.', 1)[-1]
        self.assertEqual(self.call('PUT', self.db).status_code, 201)
        self.addCleanup(self.call, 'DELETE', self.db)

    def call(self, method, path, **arguments):
        arguments.setdefault('timeout', REQUEST_LIMIT_S)
        return self.session.request(method, self.server.tls_origin + path, **arguments)

    @property
    def authorization(self):
        return requests.Request('GET', self.server.tls_origin, auth=self.session.auth).prepare().headers['Authorization']

    def get_text(self, path):
        return 'GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n' % (path, self.authorization)

    def test_both_listeners_serve_the_same(self):
        made = self.call('PUT', self.db + '/a', json={'n': 1})
        self.assertEqual(made.status_code, 201)
        self.assertEqual(made.headers['Location'], self.server.tls_origin + self.db + '/a')
        self.assertEqual(self.server.get(self.db + '/a').json()['n'], 1)
        self.assertTrue(self.server.put(self.db + '/b', json={}).headers['Location'].startswith('http://'))
        self.assertEqual(self.call('GET', self.db + '/_all_docs').json()['total_rows'], 2)
        self.assertTrue(any('listening at %s/ and %s/' % (self.server.origin, self.server.tls_origin) in line
                            for line in self.server.log))

    def test_connections_are_kept(self):
        before = self.counted(self.server, 'tls_connections')
        connection = http.client.HTTPSConnection('127.0.0.1', self.port(self.server), timeout=LIMIT_S, context=self.context())
        self.addCleanup(connection.close)
        sockets = set()
        for number in range(20):
            connection.request('PUT', '%s/%d' % (self.db, number), '{"a": "%s"}' % ('x' * number * 1000),
                               {'Authorization': self.authorization, 'Content-Type': 'application/json'})
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 201)
            sockets.add(connection.sock)
        self.assertEqual(len(sockets), 1)
        self.assertEqual(self.counted(self.server, 'tls_connections'), before + 1)

    def test_pipelined_requests(self):
        with self.line(self.server) as line:
            line.sendall((self.get_text('/') * 2 + self.get_text(self.db).replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
                         .encode())
            text = b''
            while part := line.recv(65536):  # an end that was not said would raise
                text += part
        self.assertEqual(text.count(b'HTTP/1.1 200 OK'), 3)
        self.assertTrue(json.loads(text.rsplit(b'\r\n\r\n', 1)[1])['db_name'], text)

    def test_curl(self):
        done = subprocess.run(['curl', '--silent', '--show-error', '--cacert', self.authority.certificate, '--user',
                               '%s:%s' % (self.server.user, self.server.password), self.server.tls_origin + self.db],
                              capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(json.loads(done.stdout)['db_name'], self.db[1:], done.stderr)
        done = subprocess.run(['curl', '--silent', '--show-error', self.server.tls_origin + '/'], capture_output=True,
                              text=True, timeout=LIMIT_S)
        self.assertEqual(done.returncode, 60, done)  # it does not know the authority

    def test_large_bodies(self):
        data = os.urandom(20 << 20)
        put = self.call('PUT', self.db + '/a/data', data=data, headers={'Content-Type': 'application/octet-stream'})
        self.assertEqual(put.status_code, 201, put.text)
        self.assertTrue(self.call('GET', self.db + '/a/data').content == data)
        docs = [{'_id': '%05d' % number, 'text': 'x' * 500} for number in range(5000)]
        self.assertEqual(self.call('POST', self.db + '/_bulk_docs', json={'docs': docs}).status_code, 201)
        rows = self.call('GET', self.db + '/_all_docs?include_docs=true').json()['rows']
        self.assertEqual(len(rows), 5001)

    def test_feeds(self):
        def clients():
            return self.server.get('/_node/_local/_stats/couchdb/httpd/clients_requesting_changes').json()['value']

        with self.line(self.server) as line:
            line.sendall(self.get_text(self.db + '/_changes?feed=continuous&heartbeat=50').encode())
            lines = line.makefile('rb')
            while lines.readline().strip():
                pass  # the head
            for name in ('a', 'b'):
                self.call('PUT', '%s/%s' % (self.db, name), json={})
                while b'"id":"%s"' % name.encode() not in lines.readline():
                    pass
            self.assertEqual(clients(), 1)
            lines.close()
            # Says its end; a server that was writing just then may close without saying its own.
            with contextlib.suppress(ssl.SSLEOFError):
                line.unwrap().close()
        self.assertTrue(wait_until(lambda: clients() == 0))
        # A feed without heartbeat notices it, too, long before its timeout.
        with self.line(self.server) as line:
            line.sendall(self.get_text(self.db + '/_changes?feed=longpoll&since=now&timeout=60000').encode())
            self.assertTrue(wait_until(lambda: clients() == 1))
        self.assertTrue(wait_until(lambda: clients() == 0))

    def test_session_cookies_are_secure(self):
        login = {'name': self.server.user, 'password': self.server.password}
        for answer, secure in ((self.call('POST', '/_session', data=login), True),
                               (self.server.post('/_session', data=login), False),
                               (self.call('DELETE', '/_session'), True)):
            self.assertEqual('; Secure' in answer.headers['Set-Cookie'], secure, answer.headers)

    def s_client(self, *arguments):
        done = subprocess.run(['openssl', 's_client', '-connect', '127.0.0.1:%d' % self.port(self.server), '-CAfile',
                               self.authority.certificate, *arguments], input='', capture_output=True, text=True,
                              timeout=LIMIT_S)
        return done.returncode, done.stdout + done.stderr

    def test_versions_and_ciphers(self):
        for version in ('-tls1_2', '-tls1_3'):
            status, text = self.s_client(version)
            self.assertEqual(status, 0, text)
            self.assertIn('Verify return code: 0 (ok)', text)
        for refused in (['-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'], ['-tls1', '-cipher', 'DEFAULT@SECLEVEL=0'],
                        ['-tls1_2', '-cipher', 'AES128-SHA'], ['-tls1_2', '-cipher', 'NULL-SHA256:@SECLEVEL=0']):
            status, text = self.s_client(*refused)
            self.assertNotEqual(status, 0, text)
            self.assertIn('Cipher is (NONE)', text)
        _, text = self.s_client('-tls1_2', '-no_ticket')
        self.assertIn('Secure Renegotiation IS', text)

    def test_plain_http_is_no_https(self):
        failed = self.counted(self.server, 'tls_handshakes_failed')
        with self.assertRaises(requests.exceptions.ConnectionError):
            requests.get(self.server.tls_origin.replace('https', 'http'), timeout=LIMIT_S)
        self.assertEqual(self.counted(self.server, 'tls_handshakes_failed'), failed + 1)

    def test_slow_handshakes_are_cut_off(self):
        for start in (b'', b'\x16\x03\x01'):
            with socket.create_connection(('127.0.0.1', self.port(self.server)), LIMIT_S) as slow:
                slow.sendall(start)
                self.assertEqual(slow.recv(1), b'')

    def test_settings_are_checked(self):
        config = '/_node/_local/_config/'
        for setting, value, says in (
                ('ssl/tls_versions', '[tlsv1, \'tlsv1.1\']', 'tlsv1.2, tlsv1.3'), ('ssl/ciphers', 'NO-SUCH', 'openssl ciphers'),
                ('ssl/ip_allow', 'localhost', '10.0.0.0/8'), ('chttpd/ip_deny', '10.0.0.1/8', '10.0.0.0/8'),
                ('chttpd/ip_allow', '1.2.3', '[chttpd] ip_allow'), ('divan/connections_per_address_max', '-1', 'whole number')):
            answer = self.server.put(config + setting, json=value)
            self.assertEqual((answer.status_code, says in answer.json()['reason']), (400, True), answer.text)
        self.assertEqual(self.server.put(config + 'ssl/password', json='hidden-word').status_code, 200)
        self.assertEqual(self.server.get(config + 'ssl/password').json(), '****')
        self.assertEqual(self.server.get(config + 'ssl').json()['password'], '****')
        self.assertEqual(self.server.delete(config + 'ssl/password').status_code, 200)
        self.assertFalse(any('hidden-word' in line for line in self.server.log))

    def test_replication_from_https(self):
        self.call('PUT', self.db + '/a', json={})
        target = self.db[1:] + '_target'
        self.addCleanup(self.server.delete, '/' + target)
        source = self.server.tls_origin.replace('://', '://%s:%s@' % (self.server.user, self.server.password.replace(' ', '%20')))
        job = {'source': source + self.db, 'target': target, 'create_target': True, 'retries_per_request': 0}
        refused = self.server.post('/_replicate', json=job)
        self.assertEqual(refused.status_code, 500, refused.text)
        self.assertIn('could not open https://', refused.text)
        self.assertTrue(any('an authority that is not among those that are trusted' in line for line in self.server.log))
        config = '/_node/_local/_config/replicator/ssl_trusted_certificates_file'
        self.assertEqual(self.server.put(config, json=str(self.authority.certificate)).status_code, 200)
        self.addCleanup(self.server.delete, config)
        done = self.server.post('/_replicate', json=job)
        self.assertEqual((done.status_code, done.json().get('ok')), (200, True), done.text)
        self.assertEqual(self.server.get('/%s/a' % target).status_code, 200)


class BadConfigurationTest(TlsCase):
    """The server does not start, and says in one line which setting is wrong and what to do."""

    def refused(self, text, *says):
        path = self.folder / 'bad.ini'
        path.write_text(text, encoding='utf-8')
        done = divan('serve', '--memory', '--port', 0, '--admin', 'admin:correct horse battery', '--config', path)
        self.assertEqual((done.status, done.output), (1, ''), done)
        for part in says:
            self.assertIn(str(part), done.errors)
        return done.errors

    def test_bad_files(self):
        other = self.make.issue('other', self.authority)
        locked = self.make.issue('locked', self.authority, password='sesame')
        garbage = self.folder / 'garbage.pem'
        garbage.write_text('nothing', encoding='utf-8')
        missing = self.folder / 'missing.pem'

        def files(certificate, key, more=''):
            return '[ssl]\nenable = true\nport = 0\ncert_file = %s\nkey_file = %s\n%s\n' % (certificate, key, more)

        self.refused('[ssl]\nenable = true\n', '[ssl] cert_file is missing', 'enable = false')
        for bad, why in ((missing, 'No such file'), (garbage, 'no start line')):
            self.refused(files(bad, self.good.key), '[ssl] cert_file', bad, why, 'Give a PEM file')
            self.refused(files(self.good.certificate, bad), '[ssl] key_file', bad, 'Give a PEM file')
            self.refused(files(self.good.certificate, self.good.key, 'cacert_file = %s\nverify_ssl_certificates = true' % bad),
                         '[ssl] cacert_file', bad)
        self.refused(files(self.good.certificate, other.key), 'does not belong', other.key, self.good.certificate)
        self.refused(files(self.good.certificate, self.good.key, 'verify_ssl_certificates = true'),
                     '[ssl] cacert_file is missing')
        self.refused(files(locked.certificate, locked.key), '[ssl] key_file', locked.key, '[ssl] password')
        said = self.refused(files(locked.certificate, locked.key, 'password = open'), '[ssl] password')
        self.assertNotIn('open`', said)
        server = self.serve(locked, 'password = sesame')
        self.assertEqual(self.status(server), '200')

    def test_bad_values(self):
        for line, *says in (("tls_versions = [tlsv1, 'tlsv1.1', 'tlsv1.2']", '[ssl] tls_versions', 'tlsv1.2, tlsv1.3'),
                            ('tls_versions = tlsv1.4', '[ssl] tls_versions', 'tlsv1.4'),
                            ('ciphers = NO-SUCH-CIPHER', '[ssl] ciphers', 'NO-SUCH-CIPHER', 'openssl ciphers'),
                            ('ip_allow = example.org', '[ssl] ip_allow', 'example.org'),
                            ('port = 70000', '[ssl] port'), ('bind_address = nowhere', 'nowhere', '[ssl] bind_address')):
            self.refused(ini(self.good, line), *says)

    def test_port_in_use(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            port = taken.getsockname()[1]
            self.refused(ini(self.good, 'port = %d' % port), str(port), 'in use', '[ssl] bind_address and port')

    def test_couchdbs_lists_are_read(self):
        server = self.serve(self.good, "tls_versions = ['tlsv1.2']\nciphers = [\"ECDHE-ECDSA-AES256-GCM-SHA384\"]")
        with self.line(server) as line:
            self.assertEqual((line.version(), line.cipher()[0]), ('TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384'))


class ReloadTest(TlsCase):
    def install(self, certificate, place):
        """As tools that renew certificates do: the files under the same names are replaced."""
        for kind in ('certificate', 'key'):
            new = pathlib.Path(str(getattr(place, kind)) + '.new')
            new.write_bytes(getattr(certificate, kind).read_bytes())
            new.replace(getattr(place, kind))

    def logged(self, server, part):
        return any(part in line for line in list(server.log))

    def test_files_that_change(self):
        first, second = (self.make.issue(name, self.authority) for name in ('first', 'second'))
        place = self.make.issue('place', self.authority)
        self.install(first, place)
        server = self.serve(place)
        with self.line(server) as old:
            self.assertEqual(self.shown_name(server), 'first')
            self.install(second, place)
            self.assertTrue(wait_until(lambda: self.shown_name(server) == 'second'))
            # A bad one leaves the old one in force, and is told of once.
            place.certificate.write_text('garbage', encoding='utf-8')
            self.assertTrue(wait_until(lambda: server.errors()))
            self.assertIn(str(place.certificate), server.errors()[0])
            self.assertEqual(self.shown_name(server), 'second')
            self.install(first, place)
            self.assertTrue(wait_until(lambda: self.shown_name(server) == 'first'))
            self.assertEqual(len({line for line in server.errors() if 'garbage' in line}), 0)
            # Who was there before goes on.
            old.sendall((HEAD % '/').encode())
            self.assertIn(b'200 OK', old.recv(4096))

    def test_hangup_signal(self):
        place = self.make.issue('place2', self.authority)
        server = Server(memory=True, config=ini(place).replace('housekeeping_interval_ms = 100', ''))
        self.addCleanup(server.close)
        server.start()
        self.install(self.make.issue('third', self.authority), place)
        self.assertEqual(self.shown_name(server), 'place2')
        os.kill(server.pid, signal.SIGHUP)
        self.assertTrue(wait_until(lambda: self.shown_name(server) == 'third'))
        server.stop()

    def test_settings_that_change(self):
        server = self.serve(self.good)
        config = '/_node/_local/_config/ssl/'
        other = self.make.issue('fourth', self.authority)
        # Between the two changes the key does not belong to the certificate: the old pair stays.
        self.assertEqual(server.put(config + 'cert_file', json=str(other.certificate)).status_code, 200)
        self.assertEqual(self.shown_name(server), 'good')
        self.assertTrue(any('does not belong' in line for line in server.errors()), server.log_tail())
        self.assertEqual(server.put(config + 'key_file', json=str(other.key)).status_code, 200)
        self.assertEqual(self.shown_name(server), 'fourth')
        self.assertEqual(server.put(config + 'tls_versions', json='tlsv1.2').status_code, 200)
        with self.line(server) as line:
            self.assertEqual(line.version(), 'TLSv1.2')


class ClientCertificateTest(TlsCase):
    def verifying(self, more=''):
        return self.serve(self.good, 'cacert_file = %s\nverify_ssl_certificates = true\n%s' % (
            self.authority.certificate, more))

    def test_required(self):
        server = self.verifying()
        mine = self.make.issue('mine', self.authority)
        self.assertEqual(self.status(server, certificate=mine), '200')
        other = self.make.authority('stranger')
        for bad, why in ((None, 'certificate required'), (self.make.issue('foreign', other), 'unknown ca'),
                         (self.make.issue('expired', self.authority, days=-1), 'certificate expired')):
            self.assertIn(why, self.status(server, certificate=bad).lower().replace('_', ' '))
        self.assertGreaterEqual(self.counted(server, 'tls_handshakes_failed'), 3)
        self.assertTrue(any('TLS with 127.0.0.1 has failed' in line for line in server.log))
        self.assertEqual(server.get('/').status_code, 200)  # the plain one asks for none

    def test_optional(self):
        server = self.verifying('fail_if_no_peer_cert = false')
        self.assertEqual(self.status(server), '200')
        other = self.make.authority('stranger2')
        self.assertIn('unknown ca', self.status(server, certificate=self.make.issue('foreign2', other)).lower())

    def test_no_session_is_resumed_without_verification(self):
        mine = self.make.issue('mine2', self.authority)
        for server, certificate, resumed in ((self.serve(self.good), None, True), (self.verifying(), mine, False)):
            context = self.context(certificate=certificate)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            session = None
            for expected in (False, resumed):
                with socket.create_connection(('127.0.0.1', self.port(server)), LIMIT_S) as plain, \
                        context.wrap_socket(plain, server_hostname='127.0.0.1', session=session) as line:
                    self.assertEqual(line.session_reused, expected)
                    session = line.session

    def test_chains_have_a_longest_length(self):
        middle, lowest = (pathlib.Path(self.folder, name) for name in ('middle', 'lowest'))
        authority = self.authority
        for name in ('middle', 'lowest'):
            made = self.make.issue(name, authority)
            extensions = self.folder / (name + '.ext')
            extensions.write_text('basicConstraints=critical,CA:TRUE\n', encoding='utf-8')
            self.make.openssl('x509', '-req', '-in', self.folder / (name + '.csr'), '-CA', authority.certificate, '-CAkey',
                              authority.key, '-CAcreateserial', '-days', 2, '-extfile', extensions, '-out', made.certificate)
            authority = made
        leaf = self.make.issue('leaf', authority)
        chain = [self.folder / (name + '.pem') for name in ('leaf', 'lowest', 'middle')]
        leaf.certificate.write_bytes(b''.join(path.read_bytes() for path in chain))
        self.assertNotEqual(self.status(self.verifying(), certificate=leaf), '200')
        self.assertEqual(self.status(self.verifying('ssl_certificate_max_depth = 2'), certificate=leaf), '200')


    def test_certificates_name_users_of_the_users_database(self):
        server = self.verifying('[chttpd]\nauthentication_handlers = certificate, default\n')
        document = {'type': 'user', 'name': 'holder', 'roles': ['r'], 'password': 'pw'}
        self.assertEqual(server.put('/_users/org.couchdb.user:holder', json=document).status_code, 201)

        def who(name):
            shown = self.make.issue(name, self.authority)
            done = subprocess.run(['curl', '-s', '--cacert', str(self.authority.certificate), '--cert',
                                   str(shown.certificate), '--key', str(shown.key),
                                   'https://127.0.0.1:%d/_session' % self.port(server)],
                                  capture_output=True, text=True, timeout=LIMIT_S, check=True)
            return json.loads(done.stdout)
        answer = who('holder')
        self.assertEqual(answer['userCtx'], {'name': 'holder', 'roles': ['r']})
        self.assertEqual(answer['info']['authenticated'], 'certificate')
        self.assertIsNone(who('unknown')['userCtx']['name'])
        self.assertIsNone(server.new_session('').get(server.url + '/_session').json()['userCtx']['name'])
        current = server.get('/_users/org.couchdb.user:holder').json()
        server.put('/_users/org.couchdb.user:holder', json={**current, 'locked': True})
        self.assertEqual(who('holder')['error'], 'forbidden')


class AddressListTest(TlsCase):
    def set(self, server, setting, value):
        answer = server.put('/_node/_local/_config/' + setting, json=value)
        self.assertEqual(answer.status_code, 200, answer.text)

    def test_lists_of_each_listener(self):
        server = self.serve(self.good, 'ip_deny = 127.0.0.0/8')
        self.assertNotEqual(self.status(server), '200')
        self.assertEqual(server.get('/').status_code, 200)
        self.assertNotEqual(self.status(server), '200')
        self.assertEqual(self.counted(server, 'connections_refused'), 2)
        self.assertEqual(sum('connections from 127.0.0.1 are refused' in line for line in server.log), 1)
        for deny, allow, admitted in (('', '', True), ('', '10.0.0.0/8, ::/0', False), ('', '127.0.0.1', True),
                                      ('127.0.0.1', '127.0.0.1', False), ('10.0.0.0/8', '127.0.0.1', True)):
            self.set(server, 'ssl/ip_deny', deny)
            self.set(server, 'ssl/ip_allow', allow)
            self.assertEqual(self.status(server) == '200', admitted, (deny, allow))

    def test_who_is_connected_stays(self):
        server = self.serve(self.good)
        self.assertEqual(server.get('/').status_code, 200)
        self.set(server, 'chttpd/ip_deny', '127.0.0.1')
        self.assertEqual(server.get('/').status_code, 200)  # the session keeps its connection
        with self.assertRaises(requests.exceptions.ConnectionError):
            requests.get(server.origin, timeout=LIMIT_S)
        self.set(server, 'chttpd/ip_deny', '')
        self.assertEqual(requests.get(server.origin, timeout=LIMIT_S).status_code, 200)

    def test_connections_of_one_address(self):
        server = self.serve(self.good, '', 'connections_per_address_max = 3')
        server.get('/')  # one that is kept
        with self.line(server), self.line(server):
            self.assertNotEqual(self.status(server), '200')
            self.assertEqual(self.counted(server, 'connections_refused'), 1)
        self.assertTrue(wait_until(lambda: self.status(server) == '200'))
