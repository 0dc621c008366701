"""Clients that exist already, unchanged, against the server: PouchDB, nano, LightCouch, requests, curl."""
import hashlib
import hmac
import tempfile
import time
import unittest
import urllib.parse

import requests

from harness import clients
from harness.tls import Certificates
from test_login_methods import JWT_CONFIG, SECRET, signed

TIME_LIMIT_S = 600


def scenario(name):
    return lambda self: self.run_scenario(name)


class NodeTestCase(clients.ClientTestCase):
    script = None

    @classmethod
    def setUpClass(cls):
        clients.node_modules()
        super().setUpClass()

    def run_scenario(self, name):
        self.run_program(['node', self.script, name], self.database())

    def check_list(self):
        """A scenario of the script that no test names would never run."""
        names = self.run_program(['node', self.script, '--list']).split()
        tests = {name.removeprefix('test_') for name in dir(self) if name.startswith('test_')}
        self.assertEqual(set(names), tests - {'every_scenario_is_run'})


class PouchDBTest(NodeTestCase):
    script = 'pouchdb.js'
    test_every_scenario_is_run = NodeTestCase.check_list
    test_crud = scenario('crud')
    test_attachments = scenario('attachments')
    test_bulk = scenario('bulk')
    test_all_docs = scenario('all_docs')
    test_views = scenario('views')
    test_changes = scenario('changes')
    test_selected = scenario('selected')
    test_find = scenario('find')
    test_conflicts = scenario('conflicts')
    test_live_sync = scenario('live_sync')
    test_resume = scenario('resume')


class NanoTest(NodeTestCase):
    script = 'nano.js'
    test_every_scenario_is_run = NodeTestCase.check_list
    test_databases = scenario('databases')
    test_documents = scenario('documents')
    test_bulk = scenario('bulk')
    test_views = scenario('views')
    test_changes = scenario('changes')
    test_attachments = scenario('attachments')
    test_multipart = scenario('multipart')
    test_partitions = scenario('partitions')
    test_find = scenario('find')
    test_server = scenario('server')
    test_session = scenario('session')


class LightCouchTest(clients.ClientTestCase):
    @classmethod
    def setUpClass(cls):
        cls.class_path = clients.java_classes('LightCouchScenarios.java')
        super().setUpClass()

    def run_scenario(self, name):
        self.run_program(['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', self.class_path,
                          'LightCouchScenarios', name], self.database())

    test_documents = scenario('documents')
    test_bulk = scenario('bulk')
    test_attachments = scenario('attachments')
    test_views = scenario('views')
    test_changes = scenario('changes')
    test_server = scenario('server')


class CurlTest(clients.ClientTestCase):
    def test_script(self):
        self.run_program(['bash', 'curl.sh'], self.database())


class LoginsCase(clients.ClientTestCase):
    """A user of _users, who is a member of the test's database and nothing else."""

    user, password = 'anna karenina', 'pass: word/\u00e9@"'
    server_arguments = {'config': JWT_CONFIG.replace(
        'jwt_authentication_handler}', 'jwt_authentication_handler}, {chttpd_auth, cookie_authentication_handler}')}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        document = {'type': 'user', 'name': cls.user, 'roles': [], 'password': cls.password}
        path = '/_users/org.couchdb.user:' + urllib.parse.quote(cls.user)
        assert cls.server.put(path, json=document).status_code == 201
        claims = {'sub': cls.user, 'exp': int(time.time()) + 3600, 'iss': 'https://issuer.example',
                  'realm': {'roles': []}}
        cls.token = signed({'alg': 'HS256', 'kid': 'h'}, claims,
                           lambda text: hmac.new(SECRET, text, hashlib.sha256).digest())

    def own_database(self):
        name = self.database()
        self.answer(self.server.put('/%s/_security' % name, json={'members': {'names': [self.user]}}), 200)
        return name

    def environment(self):
        user, password = (urllib.parse.quote(text, safe='') for text in (self.user, self.password))
        return {'DIVAN_USER': self.user, 'DIVAN_PASSWORD': self.password, 'DIVAN_TOKEN': self.token,
                'DIVAN_URL': self.server.url.replace('://', '://%s:%s@' % (user, password))}


class NodeLoginsTest(LoginsCase):
    @classmethod
    def setUpClass(cls):
        clients.node_modules()
        super().setUpClass()

    def run_scenario(self, name):
        self.run_program(['node', self.script, name], self.own_database(), self.environment())

    script = 'logins.js'
    test_every_scenario_is_run = NodeTestCase.check_list
    test_nano_cookie = scenario('nano_cookie')
    test_nano_url = scenario('nano_url')
    test_nano_token = scenario('nano_token')
    test_pouchdb_auth = scenario('pouchdb_auth')
    test_pouchdb_url = scenario('pouchdb_url')
    test_pouchdb_cookie = scenario('pouchdb_cookie')
    test_pouchdb_token = scenario('pouchdb_token')


class LightCouchLoginTest(LoginsCase):
    # LightCouch sends passwords as ISO-8859-1.
    password = 'pass: word/@"'

    def test_documents(self):
        class_path = clients.java_classes('LightCouchScenarios.java')
        self.run_program(['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', class_path, 'LightCouchScenarios',
                          'documents'], self.own_database(), self.environment())


class RequestsLoginTest(LoginsCase):
    def works(self, session):
        database = '%s/%s' % (self.server.url, self.own_database())
        user = self.answer(session.get(self.server.url + '/_session', timeout=30), 200)['userCtx']
        self.assertEqual(user, {'name': self.user, 'roles': []})
        self.answer(session.put(database + '/a', json={}, timeout=30), 201)
        self.answer(session.get(database + '/a', timeout=30), 200)
        self.assertEqual(session.put(database + '_more', timeout=30).status_code, 401)

    def test_basic(self):
        with self.server.new_session('') as session:
            session.auth = requests.auth.HTTPBasicAuth(self.user.encode(), self.password.encode())
            self.works(session)

    def test_cookie(self):
        with self.server.new_session('') as session:
            for body in ({'json': {'name': self.user, 'password': self.password}},
                         {'data': {'name': self.user, 'password': self.password}}):
                self.answer(session.post(self.server.url + '/_session', timeout=30, **body), 200)
                self.works(session)
                self.answer(session.delete(self.server.url + '/_session', timeout=30), 200)
                self.assertIsNone(session.get(self.server.url + '/_session', timeout=30).json()['userCtx']['name'])

    def test_bearer(self):
        with self.server.new_session('') as session:
            session.headers['Authorization'] = 'Bearer ' + self.token
            self.works(session)


class CurlLoginsTest(LoginsCase):
    # A name in a URL of curl and in its netrc is one word.
    user, password = 'anna', 'pass: word/@'

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='divan-test-')
        cls.addClassCleanup(folder.cleanup)
        make = Certificates(folder.name)
        cls.authority = make.authority()
        cls.certificate, cls.client = (make.issue(name, cls.authority) for name in ('server', 'client'))
        cls.server_arguments = {'config': LoginsCase.server_arguments['config'] + (
            '[ssl]\nenable = true\nport = 0\ncert_file = %s\nkey_file = %s\ncacert_file = %s\n'
            'verify_ssl_certificates = true\n' % (cls.certificate.certificate, cls.certificate.key,
                                                  cls.authority.certificate))}
        super().setUpClass()

    def test_script(self):
        files = {'DIVAN_AUTHORITY': self.authority.certificate, 'DIVAN_CERTIFICATE': self.client.certificate,
                 'DIVAN_KEY': self.client.key, 'DIVAN_TLS_ORIGIN': self.server.tls_origin}
        self.run_program(['bash', 'logins.sh'], self.own_database(),
                         {**self.environment(), **{name: str(value) for name, value in files.items()}})


if __name__ == '__main__':
    unittest.main()
