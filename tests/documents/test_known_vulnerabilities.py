"""What went wrong in CouchDB, or goes wrong in servers of its kind, and must not go wrong here.

Each test names the advisory or the class. What other tests hold already is not written again:

| Class | Test |
| --- | --- |
| two readers of equal members (CVE-2017-12635) | test_json_fidelity.EqualNamesTest, and below for `roles` |
| programs named by the configuration (CVE-2017-12636, CVE-2018-8007) | test_server: test_what_could_run_programs_cannot_be_set |
| line ends and comments in values and names of settings (CVE-2018-11769) | malformed_requests.CONFIGURATION, and below |
| a proxy that nobody proves (CVE-2012-5649 and its kind) | test_users.ProxyTest |
| no admin at all, default passwords (CVE-2022-24706) | test_command_line.AdminTest |
| passwords in logs, answers, command lines, files | test_users: test_no_answer_and_no_log_holds_a_password; test_command_line: test_passwords_show_nowhere |
| credentials of replications | test_replication_errors.SecretsTest |
| credentials in the request object (CVE-2023-45725) | test_design_functions: test_functions_never_see_credentials, and below for lists and cookies |
| scripts in shows, lists, updates (CVE-2021-38295) | test_design_functions, test_lists: Content-Security-Policy; below for attachments |
| header fields from names and types of attachments, and from functions | test_documents: test_names_and_types_cannot_forge_headers; test_design_functions: test_responses_that_no_client_may_get |
| open redirects of `next` and `fail` | test_users: test_members_of_a_login_must_agree_and_redirects_stay_here; test_oidc; test_saml |
| forged, confused and unsigned tokens | test_login_methods.TokenTest |
| wrapped, unsigned, replayed and split SAML responses (CVE-2017-11427), bombs of XML | test_saml.FakeProviderTest |
| guessing of passwords | test_users: test_too_many_failures_lock_the_name_for_that_address |
| comparisons that tell by their time | tests/tools/tidy_test.py |
| who may call what | test_openapi: test_who_may_not_is_refused |
| heads, bodies, gzip bombs, slow clients | test_http_framing: SizeTest, TimeTest |
| depth of JSON | test_json_fidelity.DepthTest, malformed_requests.JSON_ROWS |
| smuggled requests | test_http_framing: test_bodies_without_one_clear_length |
| functions that break out of their process | reliability/test_hostile_functions |
| filters of a directory made of names | test_ldap |
"""
import json
import re
import stat
import unittest

from harness.case import ServerTestCase
from harness.raw import RawConnection, basic
from harness.server import Server
from test_openapi import BODIES, VALUES
from test_users import CONFIG, USER_ID, UsersTestCase

NODE = '/_node/_local'
JSON = {'Content-Type': 'application/json'}
# Whoever is to log in is not logged in yet.
LOGINS = ('/_session', '/_session/oidc/login', '/_session/oidc/callback', '/_session/oidc/logout',
          '/_session/saml/login', '/_session/saml/acs', '/_session/saml/end', '/_session/saml/metadata')
PAGE = b'<script>fetch("/_node/_local/_config")</script>'


class RawCase(UsersTestCase):
    def raw(self, method, target, *lines, body='', host='h'):
        """An answer to bytes that no client library sends."""
        head = ['%s %s HTTP/1.1' % (method, target), *(['Host: ' + host] if host is not None else []), *lines,
                'Content-Length: %d' % len(body)]
        with RawConnection(self.server) as connection:
            connection.send('\r\n'.join(head) + '\r\n\r\n' + body)
            return connection.answer()

    def raw_as_admin(self, method, target, *lines, **arguments):
        return self.raw(method, target, basic(self.server).strip(), *lines, **arguments)


class RightsTest(RawCase):
    def test_cve_2017_12635_nobody_becomes_an_admin_by_two_members_roles(self):
        """One parser of CouchDB checked the last `roles`, another one stored the first."""
        self.answer(self.server.put(NODE + '/_config/couchdb/users_db_security_editable', json='true'), 200)
        self.answer(self.server.put('/_users/_security', json={}), 200)
        nobody = self.server.new_session('')
        self.addCleanup(nobody.close)
        for at, roles in enumerate(('"roles":["_admin"],"roles":[]', '"roles":[],"roles":["_admin"]',
                                    r'"roles":[],"\u0072oles":["_admin"]', r'"rol\u0065s":["_admin"],"roles":[]')):
            name = 'climber%d' % at
            body = '{"type":"user","name":"%s",%s,"password":"pw"}' % (name, roles)
            answer = nobody.put(self.server.url + '/_users/' + USER_ID + name, data=body, headers=JSON)
            self.assertIn(answer.status_code, (201, 403), answer.text)
            read = self.server.get('/_users/' + USER_ID + name)
            self.assertNotIn('_admin', read.text)
            if answer.status_code == 201:
                user = self.as_user(name).get(self.server.url + '/_session').json()['userCtx']
                self.assertEqual(user, {'name': name, 'roles': []})
        for body in ('{"type":"user","name":"x","roles":["_admin"],"password":"pw"}',
                     '{"type":"user","name":"x","roles":["r"],"password":"pw"}'):
            answer = nobody.put(self.server.url + '/_users/' + USER_ID + 'x', data=body, headers=JSON)
            self.assertEqual(answer.status_code, 403, answer.text)

    def test_no_role_of_a_document_makes_an_admin(self):
        """Also not one that was written by an admin, or without validation."""
        document = {'_id': USER_ID + 'made', 'type': 'user', 'name': 'made', 'roles': ['_admin'], '_rev': '1-a',
                    'password_sha': '0' * 40, 'salt': '0'}
        rows = self.server.post('/_users/_bulk_docs', json={'docs': [document], 'new_edits': False}).json()
        self.assertEqual([row.get('error') for row in rows], ['forbidden'])
        answer = self.server.put('/_users/' + USER_ID + 'made', json={
            'type': 'user', 'name': 'made', 'roles': ['_admin'], 'password': 'pw'})
        self.assertEqual(answer.status_code, 403)

    def test_cve_2020_1955_every_route_asks_for_the_login_that_is_required(self):
        """require_valid_user_except_for_up left the whole API open."""
        database = self.database()
        self.answer(self.server.put('/%s/_security' % database, json={}), 200)
        api = self.server.get('/_openapi').json()
        values = {**VALUES, 'db': database, 'job': 'x'}
        nobody = self.server.new_session('')
        self.addCleanup(nobody.close)
        counted = 0
        for setting, up in (('require_valid_user', 401), ('require_valid_user_except_for_up', 200)):
            place = '%s/_config/chttpd/%s' % (NODE, setting)
            self.answer(self.server.put(place, json='true'), 200)
            self.addCleanup(self.server.put, place, json='false')
            for path, item in api['paths'].items():
                filled = re.sub(r'\{(\w+)\}', lambda found: values[found.group(1)], path)
                if filled in LOGINS + ('/_up',):
                    continue
                for name in item:
                    method = name.removeprefix('x-').upper()
                    answer = nobody.request(method, self.server.url + filled, timeout=30, allow_redirects=False)
                    self.assertEqual(answer.status_code, 401, '%s %s with %s' % (method, path, setting))
                    counted += 1
            for path in ('/', '/nothing', '/_utils', '/_utils/', '/favicon.ico', '/_Session', '/_session%2F', '/_up%2Fx',
                         '//_session', '/_nothing/_session', '/%s/_session' % database, '/%s/_up' % database):
                answer = nobody.get(self.server.url + path, timeout=30, allow_redirects=False)
                self.assertEqual(answer.status_code, 401, path)
            self.assertEqual(nobody.get(self.server.url + '/_up', timeout=30).status_code, up, setting)
            self.assertEqual(nobody.get(self.server.url + '/_session', timeout=30).json()['userCtx']['name'], None)
            self.answer(self.server.put(place, json='false'), 200)
        self.assertGreater(counted, 200)

    def test_rewrites_do_not_lead_around_the_login(self):
        database = self.member_database('somebody')
        self.answer(self.server.put('/%s/_design/r' % database, json={'rewrites': [
            {'from': 'out', 'to': '../../../_node/_local/_config'}, {'from': 'up', 'to': '../../../_users/_all_docs'}]}), 201)
        self.put_user('somebody')
        session = self.as_user('somebody')
        for rule in ('out', 'up'):
            answer = session.get('%s/%s/_design/r/_rewrite/%s' % (self.server.url, database, rule))
            self.assertGreaterEqual(answer.status_code, 400, answer.text)
            self.assertNotIn('"admins"', answer.text)
            self.assertNotIn('"rows"', answer.text)


class ConfigurationTest(RawCase):
    """CVE-2017-12636, CVE-2018-8007, CVE-2018-11769: admins ran programs by way of the configuration."""

    def test_programs_and_code_are_not_configured(self):
        """Sections that start programs or load code, in any writing, and the place of the data."""
        refused = []
        for section in ('query_servers', 'native_query_servers', 'os_daemons', 'daemons', 'external', 'update_notification',
                        'httpd_global_handlers', 'httpd_db_handlers', 'httpd_design_handlers'):
            for written in (section, section.upper(), section + '%20', '%20' + section, section.replace('_', '%5F')):
                answer = self.server.put('%s/_config/%s/x' % (NODE, written), json='/bin/sh -c id')
                if answer.status_code < 400:
                    # White space and case make another section, which nobody reads.
                    self.assertEqual(self.server.get('%s/_config/%s' % (NODE, section)).json(), {}, written)
                refused.append(answer.status_code)
        self.assertGreaterEqual(refused.count(403), 9 * 2)
        for place in ('couchdb/database_dir', 'couchdb/uuid', 'chttpd_auth/authentication_db',
                      'couch_httpd_auth/authentication_db'):
            self.assertEqual(self.server.put('%s/_config/%s' % (NODE, place), json='/x').status_code, 403, place)

    def test_values_stay_one_line_of_the_file(self):
        """A value with a line end wrote settings that are refused over HTTP into local.ini."""
        payload = '\\n[query_servers]\\nx = /bin/sh\\n'
        for body in ('"a%s"' % payload, '"a\\r[query_servers]\\rx = y"', '"a\\u2028[query_servers]"', '"a\\u0085[os_daemons]"',
                     '"a\\u000b[os_daemons]"', '"a ; b"'):
            self.server.put(NODE + '/_config/custom/key', data=body)
        for key in ('key%0A[os_daemons]%0Ax', 'a%3Db', 'a%0D%0Ab', '%5Bquery_servers%5D'):
            self.server.put('%s/_config/custom/%s' % (NODE, key), json='x')
        for section in ('cus%0A[os_daemons]', 'x%5D%0A%5Bos_daemons', 'a%5D'):
            self.server.put('%s/_config/%s/key' % (NODE, section), json='x')
        before = self.server.get(NODE + '/_config').json()
        text = (self.server.data_dir / 'local.ini').read_text(encoding='utf-8')
        self.assertEqual(re.findall(r'^\s*\[(?:query_servers|os_daemons)', text, re.M), [])
        self.assertFalse({'query_servers', 'os_daemons'} & set(before))
        self.server.restart()
        self.assertEqual(self.server.get(NODE + '/_config').json(), before)

    def test_only_admins_read_or_change_it(self):
        self.put_user('clerk', roles=['admin', 'server_admin', ' _admin'])
        session = self.as_user('clerk')
        for method, path in (('GET', ''), ('GET', '/admins'), ('GET', '/chttpd_auth/secret'), ('PUT', '/admins/clerk'),
                             ('DELETE', '/admins/admin'), ('POST', '/_reload')):
            answer = session.request(method, self.server.url + NODE + '/_config' + path, json='x')
            self.assertEqual(answer.status_code, 401, method + path)


class SecretsTest(RawCase):
    def test_cve_2022_24706_no_secret_is_a_default(self):
        """Installations shared one cookie of Erlang; here each makes its own secret, and keeps it to itself."""
        secrets = []
        for _ in range(2):
            with Server(config=CONFIG) as server:
                path = server.data_dir / 'local.ini'
                secrets.append(re.search(r'^secret\s*=\s*(\S+)', path.read_text(), re.M).group(1))
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertNotEqual(*secrets)
        self.assertGreaterEqual(min(map(len, secrets)), 32)

    def test_cve_2023_45725_design_functions_see_no_credentials(self):
        """Shows, lists, updates and rewrites got the headers with cookies and passwords."""
        database = self.member_database('victim')
        tell = 'function (doc, req) { return {json: req} }'
        self.answer(self.server.put('/%s/_design/spy' % database, json={
            'shows': {'s': tell}, 'updates': {'u': 'function (doc, req) { return [null, {json: req}] }'},
            'lists': {'l': 'function (head, req) { send(JSON.stringify(req)) }'},
            'views': {'v': {'map': 'function (doc) {}'}}}), 201)
        self.put_user('victim', 'hidden-password')
        cookie = self.cookie_session('victim', 'hidden-password')
        secrets = ['hidden-password', cookie.cookies['AuthSession'], 'hidden-token']
        for session in (cookie, self.as_user('victim', 'hidden-password')):
            for method, path in (('GET', '_show/s'), ('POST', '_update/u'), ('GET', '_list/l/v')):
                answer = session.request(method, '%s/%s/_design/spy/%s' % (self.server.url, database, path), headers={
                    'X-Auth-CouchDB-Token': 'hidden-token', 'Proxy-Authorization': 'hidden-token'})
                self.assertEqual(answer.status_code, 200, answer.text)
                self.assertEqual(answer.json()['userCtx']['name'], 'victim')
                self.assertEqual(answer.json()['cookie'], {})
                for secret in secrets + ['dmljdGltOmhpZGRlbi1wYXNzd29yZA']:
                    self.assertNotIn(secret, answer.text)

    def test_hashes_of_others_are_not_read(self):
        """Users saw the hashes of all others in _users (CouchDB before 1.2)."""
        self.put_user('one')
        self.put_user('two')
        session = self.as_user('one')
        for path in ('/_users/' + USER_ID + 'two', '/_users/_all_docs?include_docs=true', '/_users/_changes?include_docs=true'):
            answer = session.get(self.server.url + path)
            self.assertNotIn('derived_key', answer.text.replace(USER_ID + 'one', ''), path)
            self.assertIn(answer.status_code, (401, 403, 404), path)


class BrowserTest(RawCase):
    def put_page(self, name, kind):
        self.answer(self.server.put(name, data=PAGE, headers={'Content-Type': kind}), 201)

    def test_cve_2021_38295_attachments_run_no_scripts(self):
        """A page that somebody attached ran its scripts with the session of who opened it."""
        database = self.database()
        for at, kind in enumerate(('text/html', 'image/svg+xml', 'application/xhtml+xml', 'TEXT/HTML; charset=x', 'text/xml', 'x')):
            path = '/%s/d%d/page' % (database, at)
            self.put_page(path, kind)
            for headers in ({}, {'Range': 'bytes=0-3'}, {'Accept-Encoding': 'gzip'}, {'Accept-Encoding': 'identity'}):
                answer = self.server.get(path, headers=headers)
                self.assertIn(answer.status_code, (200, 206))
                self.assertEqual(answer.headers['Content-Security-Policy'], 'sandbox', (kind, headers))
            self.assertEqual(self.server.head(path).headers['Content-Security-Policy'], 'sandbox')

    def test_functions_only_narrow_the_policy(self):
        database = self.database()
        self.answer(self.server.put('/%s/_design/f' % database, json={'shows': {
            's': 'function () { return {body: "<p>", headers: {"Content-Security-Policy": "script-src *"}} }'}}), 201)
        policies = [value for name, value in self.raw_as_admin('GET', '/%s/_design/f/_show/s' % database).headers
                    if name.lower() == 'content-security-policy']
        self.assertEqual(policies, ['sandbox', 'script-src *'])

    def test_jsonp_is_never_served(self):
        database = self.database()
        self.answer(self.server.put('/%s/d' % database, json={}), 201)
        self.server.put(NODE + '/_config/chttpd/allow_jsonp', json='true')
        for path in ('/', '/_session', '/%s' % database, '/%s/d' % database, '/%s/_all_docs' % database, '/%s/_changes' % database,
                     '/%s/none' % database):
            answer = self.server.get(path, params={'callback': 'steal'})
            self.assertEqual(answer.headers['Content-Type'], 'application/json', path)
            self.assertNotIn('steal', answer.text)
            answer.json()

    def test_credentials_of_other_origins_need_their_name(self):
        """`*` alone opens no session to other sites; with credentials it is warned about."""
        self.addCleanup(self.server.delete, NODE + '/_config/cors/credentials')

        def headers(origin):
            return self.server.get('/_session', headers={'Origin': origin}).headers
        def set_to(key, value, section='cors'):
            self.answer(self.server.put('%s/_config/%s/%s' % (NODE, section, key), json=value), 200)
        set_to('enable_cors', 'true', 'chttpd')
        self.addCleanup(self.server.delete, NODE + '/_config/chttpd/enable_cors')
        self.assertNotIn('Access-Control-Allow-Origin', headers('https://a.example'))
        set_to('origins', '*')
        self.addCleanup(self.server.delete, NODE + '/_config/cors/origins')
        self.assertNotIn('Access-Control-Allow-Credentials', headers('https://a.example'))
        set_to('origins', 'https://a.example')
        set_to('credentials', 'true')
        self.assertEqual(headers('https://a.example')['Access-Control-Allow-Credentials'], 'true')
        for other in ('https://b.example', 'https://a.example.b.example', 'http://a.example', 'https://a.example:1', 'null',
                      'https://xa.example', 'https://a.exampl', ''):
            self.assertNotIn('Access-Control-Allow-Origin', headers(other), other)
            self.assertNotIn('Access-Control-Allow-Credentials', headers(other), other)
        set_to('origins', '*')
        self.server.restart()
        self.assertTrue(any('every origin may send credentials' in line for line in self.server.log))

    def test_forms_of_other_sites_change_nothing(self):
        """A page of another site can send a form with the cookie of who reads it, but no JSON and no PUT."""
        # What only tidies up, or is answered by design; a restart is not asked for here.
        harmless = ('/_node/_local/_restart', '/_node/_local/_config/_reload', '/_reload_query_servers', '/_session/_totp')
        database = self.database()
        session = self.cookie_session(self.server.user, self.server.password)
        values = {**VALUES, 'db': database, 'job': 'x'}
        for path, item in self.server.get('/_openapi').json()['paths'].items():
            filled = re.sub(r'\{(\w+)\}', lambda found: values[found.group(1)], path)
            if 'post' not in item or filled in LOGINS + harmless or re.search('_(view|search|nouveau)_cleanup|_sync_shards', filled):
                continue
            body = BODIES.get('POST ' + path, '{}')
            if callable(body):
                body = json.dumps({'source': database, 'target': database + '_copy', 'create_target': True})
            for kind in ('text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b'):
                answer = session.post(self.server.url + filled, data=body, headers={
                    'Content-Type': kind, 'Origin': 'https://other.example', 'Referer': 'https://other.example/'})
                self.assertGreaterEqual(answer.status_code, 400, (path, kind, answer.text))
        self.assertEqual(self.server.get('/' + database).json()['doc_count'], 0)

    def test_redirects_cannot_forge_header_fields(self):
        """The path behind `next` and `fail` came into the head with its line ends."""
        body = json.dumps({'name': self.server.user, 'password': self.server.password})
        for login, parameter in ((body, 'next'), (body.replace('correct', 'wrong'), 'fail')):
            for path in ('/%0d%0aX-Forged:%201', '/%0aX-Forged:%201', '/%0d%0a%0d%0aX-Forged', '/%00', '/%0dX-Forged:1'):
                answer = self.raw('POST', '/_session?%s=%s' % (parameter, path), 'Content-Type: application/json', body=login)
                self.assertEqual((answer.status, answer.header('X-Forged'), answer.header('Set-Cookie')), (400, None, None), path)
        for path in ('//other.example/', '/%5Cother.example', '/..//other.example'):
            answer = self.raw('POST', '/_session?next=' + path, 'Content-Type: application/json', body=body)
            self.assertEqual((answer.status, answer.header('Location')[:9]), (302, 'http://h/'))

    def test_host_is_one_host(self):
        """What stands in Location is the name of a host, whatever a client says that it asks."""
        for host in ('a/b', 'a b', 'a@b', 'a?b', 'a#b', 'a\\b', '"a"', '<a>', 'a\tb', '\xe9', 'a\r\nHost: b'):
            answer = self.raw('GET', '/_utils', host=host)
            self.assertEqual((answer.status, answer.json()['error']), (400, 'bad_request'), host)
        for host, location in (('a.example', 'a.example'), ('a_b:5984', 'a_b:5984'), ('[::1]:80', '[::1]:80'), ('', 'localhost'),
                               (None, 'localhost')):
            answer = self.raw('GET', '/_utils', host=host)
            self.assertEqual((answer.status, answer.header('Location')), (301, 'http://%s/_utils/' % location))


class LimitsTest(RawCase):
    def test_counts_are_bounded(self):
        """One request must not make the server work or remember without end."""
        database = self.database()
        for path in ('/_uuids?count=1001', '/_uuids?count=1e9', '/_uuids?count=99999999999999999999', '/_uuids?count=-1'):
            self.error(self.server.get(path), 400, 'bad_request')
        for limit in (10 ** 12, 2 ** 63 - 1):
            for path in ('_all_docs', '_changes', '_design_docs', '_local_docs'):
                self.answer(self.server.get('/%s/%s?limit=%d' % (database, path, limit)), 200)
            self.answer(self.server.get('/%s/_all_docs?skip=%d' % (database, limit)), 200)
        keys = ['k%d' % at for at in range(101)]
        self.error(self.server.post('/_dbs_info', json={'keys': keys}), 400, 'bad_request')
        self.answer(self.server.put('/%s/d/a' % database, data=b'0123456789', headers={'Content-Type': 'image/x'}), 201)
        for ranges in (','.join(['0-9'] * 1300), ','.join(['-1'] * 1500), ','.join('%d-%d' % (at % 10, at % 10) for at in range(1200))):
            answer = self.server.get('/%s/d/a' % database, headers={'Range': 'bytes=' + ranges})
            self.assertEqual((answer.status_code, answer.content), (200, b'0123456789'))
        for ranges in ('bytes=0-' + '9' * 500, 'bytes=-' + '9' * 500, 'bytes=18446744073709551615-', 'bytes=0-18446744073709551616'):
            self.assertIn(self.server.get('/%s/d/a' % database, headers={'Range': ranges}).status_code, (200, 206, 416), ranges)

    def test_paths_lead_nowhere_else(self):
        """Dots and encoded slashes are letters of names."""
        database = self.database()
        up = ('..', '%2e%2e', '%2E%2e', '..%2f..', '%2e%2e%2f%2e%2e%2f', '..%5c..', '..%2f' * 8 + 'etc%2fpasswd', '.%00.', '%c0%ae%c0%ae')
        places = ('/', '/_utils/', '/%s/' % database, '/%s/d/' % database, '/%s/_local/' % database, '/%s/_design/' % database,
                  '/%s/_design/d/' % database, '/_node/', NODE + '/', NODE + '/_config/', '/_scheduler/docs/')
        for place in places:
            for path in up:
                for end in ('', '/_node/_local/_config', '/etc/passwd', '/local.ini'):
                    target = place + path + end
                    for answer in (self.raw('GET', target), self.raw_as_admin('GET', target)):
                        self.assertIn(answer.status, (200, 301, 400, 401, 403, 404), target)
                        self.assertNotIn(b'root:', answer.body)
                        if answer.status == 200:
                            # A section that is not there.
                            self.assertEqual((place, answer.body), (NODE + '/_config/', b'{}\n'), target)
                    self.assertNotEqual(self.raw('GET', target).status, 200, target)
        # Such names are kept as names.
        for name in ('..', '../../etc', '..\\..'):
            quoted = name.replace('/', '%2f').replace('.', '%2e')
            answer = self.raw_as_admin('PUT', '/%s/%s' % (database, quoted), 'Content-Type: application/json', body='{}')
            self.assertEqual((answer.status, answer.json()['id']), (201, name))
            self.assertEqual(self.raw_as_admin('GET', '/%s/%s' % (database, quoted)).json()['_id'], name)


if __name__ == '__main__':
    unittest.main()
