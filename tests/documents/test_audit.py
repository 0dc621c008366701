"""The audit log through HTTP: each kind of event once, by whom; filters, pages, export; who may read it."""
import base64
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

from harness import schema
from harness.audit import ALL_KINDS, AuditedServer
from harness.case import ServerTestCase, wait_until
from harness.command import divan
from harness.server import Server
from harness.system_log import LoggedServer

SECRETS = ('geheim-7', 'hunter2-9', 'correct horse battery')


class AuditCase(ServerTestCase):
    settings = 'events = ' + ALL_KINDS

    @classmethod
    def setUpClass(cls):
        cls.server = AuditedServer(cls.settings)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def setUp(self):
        super().setUp()
        self.begin = len(self.server.records())

    def noted(self, **wanted):
        """The records since the test began, or setUp() was called, that have these members."""
        return [record for record in self.server.records()[self.begin:]
                if all(record.get(name) == value for name, value in wanted.items())]

    def assert_noted(self, count=1, **wanted):
        """So many of them; the last one."""
        found = self.noted(**wanted)
        self.assertEqual(len(found), count, found or self.server.records()[self.begin:])
        return found[-1] if found else None

    def user(self, name, password='geheim-7', roles=()):
        self.answer(self.server.put('/_users/org.couchdb.user:' + name, json={
            'type': 'user', 'name': name, 'roles': list(roles), 'password': password}), 201)
        session = self.server.new_session(name, password)
        self.addCleanup(session.close)
        return session


class EventsTest(AuditCase):
    def test_database_and_security(self):
        db = '/' + self.database()
        record = self.assert_noted(kind='database', action='created')
        self.assertEqual((record['principal'], record['database'], record['method'], record['address']),
                         ('admin', db[1:], 'PUT', '127.0.0.1'))
        security = {'admins': {'names': ['anna'], 'roles': []}, 'members': {'names': [], 'roles': []}}
        self.answer(self.server.put(db + '/_security', json=security), 200)
        record = self.assert_noted(kind='security', action='security_set', database=db[1:])
        self.assertEqual(record['details']['new'], security)
        self.assertNotEqual(record['details']['old'], security)
        self.answer(self.server.post(db + '/_compact', json={}), 202)
        self.assert_noted(kind='database', action='compaction_started')
        self.answer(self.server.put(db + '/_revs_limit', data='10'), 200)
        self.assert_noted(kind='database', action='revs_limit_set')
        rev = self.answer(self.server.put(db + '/gone', json={}), 201)['rev']
        self.answer(self.server.post(db + '/_purge', json={'gone': [rev]}), 201)
        record = self.assert_noted(kind='database', action='purged')
        self.assertEqual(record['details'], {'gone': 1})
        self.answer(self.server.delete(db), 200)
        self.assert_noted(kind='database', action='deleted', database=db[1:])

    def test_configuration(self):
        place = '/_node/_local/_config/'
        self.answer(self.server.put(place + 'uuids/max_count', data='"999"'), 200)
        record = self.assert_noted(kind='configuration', action='config_set')
        self.assertEqual(record['details'], {'section': 'uuids', 'key': 'max_count', 'old': '1000', 'new': '999'})
        self.answer(self.server.delete(place + 'uuids/max_count'), 200)
        self.assert_noted(kind='configuration', action='config_deleted')
        self.answer(self.server.post(place + '_reload'), 200)
        self.assert_noted(kind='configuration', action='config_reloaded')
        self.error(self.server.put(place + 'uuids/max_count', data='"x"'), 400, 'bad_request')
        self.assert_noted(kind='configuration', action='config_set')

    def test_secrets_of_the_configuration_stay_there(self):
        self.answer(self.server.put('/_node/_local/_config/admins/eve', data='"hunter2-9"'), 200)
        record = self.assert_noted(kind='configuration', action='config_set')
        self.assertEqual((record['details']['key'], record['details']['new']), ('eve', '****'))
        self.answer(self.server.delete('/_node/_local/_config/admins/eve'), 200)
        # Who turns recording off is recorded.
        self.answer(self.server.put('/_node/_local/_config/audit/events', data='"database"'), 200)
        self.answer(self.server.delete('/_node/_local/_config/audit/events'), 200)
        self.assertEqual([record['details']['key'] for record in self.noted(kind='configuration')],
                         ['eve', 'eve', 'events', 'events'])
        self.answer(self.server.put('/_node/_local/_config/audit/events', data=json.dumps(ALL_KINDS)), 200)
        self.error(self.server.put('/_node/_local/_config/audit/enable', data='"false"'), 403, 'forbidden')

    def test_logins(self):
        anna = self.user('anna')
        name = self.database()
        record = self.assert_noted(kind='security', action='created', document='org.couchdb.user:anna')
        self.assertEqual((record['principal'], record['database']), ('admin', '_users'))
        for _ in range(3):
            self.assertEqual(anna.get(self.server.url + '/').status_code, 200)
        record = self.assert_noted(kind='authentication', action='login', principal='anna')
        self.assertEqual((record['authenticated'], record['path']), ('default', '/'))
        wrong = self.server.new_session('anna', 'hunter2-9')
        self.addCleanup(wrong.close)
        self.error(wrong.get(self.server.url + '/%s?secret=hunter2-9' % name), 401, 'unauthorized')
        record = self.assert_noted(kind='authentication', action='login_failed', principal='anna')
        self.assertEqual((record['outcome'], record['path'], record['reason']),
                         ('refused', '/' + name, 'Name or password is incorrect.'))
        self.assert_noted(0, kind='refusal', principal='anna')

    def test_sessions(self):
        self.user('bert')
        session = self.server.new_session('')
        self.addCleanup(session.close)
        url = self.server.url + '/_session'
        self.error(session.post(url, json={'name': 'bert', 'password': 'hunter2-9'}), 401, 'unauthorized')
        self.answer(session.post(url, json={'name': 'bert', 'password': 'geheim-7'}), 200)
        for _ in range(3):
            self.answer(session.get(url), 200)
        self.answer(session.delete(url), 200)
        found = self.noted(kind='authentication', principal='bert')
        self.assertEqual([record['action'] for record in found], ['login_failed', 'login', 'logout'])
        self.assertEqual(found[2]['authenticated'], 'cookie')

    def test_lockout(self):
        self.user('carl')
        wrong = self.server.new_session('carl', 'hunter2-9')
        self.addCleanup(wrong.close)
        threshold = int(self.server.get('/_node/_local/_config/chttpd_auth_lockout/threshold').json())
        for _ in range(threshold + 1):
            wrong.get(self.server.url + '/')
        self.assert_noted(threshold, kind='authentication', action='login_failed', principal='carl')
        self.assert_noted(kind='authentication', action='login_locked', principal='carl')
        self.answer(self.server.delete('/_node/_local/_lockouts/carl'), 200)
        record = self.assert_noted(kind='authentication', action='lockout_removed')
        self.assertEqual((record['principal'], record['details']), ('admin', {'name': 'carl'}))

    def test_refusals(self):
        dora = self.user('dora')
        db = '/' + self.database()
        self.error(dora.get(self.server.url + db), 403, 'forbidden')
        record = self.assert_noted(kind='refusal', principal='dora')
        self.assertEqual((record['outcome'], record['database'], record['action']), ('refused', db[1:], 'forbidden'))
        nobody = self.server.new_session('')
        self.addCleanup(nobody.close)
        self.error(nobody.get(self.server.url + db + '/x'), 401, 'unauthorized')
        record = self.assert_noted(kind='refusal', action='unauthorized')
        self.assertNotIn('principal', record)
        # By the guard of writes, in a request that succeeds as a whole.
        self.answer(self.server.put(db + '/_security', json={}), 200)
        answer = self.answer(dora.post(self.server.url + db + '/_bulk_docs', json={
            'docs': [{'_id': '_design/mine'}, {'_id': 'fine'}]}), 201)
        self.assertEqual([row.get('error') for row in answer], ['forbidden', None])
        record = self.assert_noted(kind='refusal', document='_design/mine')
        self.assertEqual(record['principal'], 'dora')
        self.assert_noted(kind='document_write', document='fine', principal='dora')

    def test_documents(self):
        db = '/' + self.database()
        first = self.answer(self.server.put(db + '/one', json={'text': 'geheim-7'}), 201)['rev']
        second = self.answer(self.server.put(db + '/one', params={'rev': first}, json={}), 201)['rev']
        third = self.answer(self.server.delete(db + '/one', params={'rev': second}), 200)['rev']
        fourth = self.answer(self.server.put(db + '/one', json={}), 201)['rev']
        self.error(self.server.put(db + '/one', json={}), 409, 'conflict')
        found = self.noted(kind='document_write', database=db[1:])
        self.assertEqual([(record['action'], record['document'], record['revision'], record.get('replaced'))
                          for record in found],
                         [('created', 'one', first, None), ('updated', 'one', second, first),
                          ('deleted', 'one', third, second), ('updated', 'one', fourth, third)])
        for record in found:
            self.assertEqual((record['principal'], record['authenticated'], record['path'], record['address']),
                             ('admin', 'default', db + '/one', '127.0.0.1'))
        self.answer(self.server.post(db + '/_bulk_docs', json={'new_edits': False, 'docs': [
            {'_id': 'two', '_rev': '2-bb', '_revisions': {'start': 2, 'ids': ['bb', 'aa']}}]}), 201)
        record = self.assert_noted(kind='document_write', document='two')
        self.assertEqual((record['revision'], record['replaced'], record['method']), ('2-bb', '1-aa', 'POST'))
        rows = self.answer(self.server.post(db + '/_bulk_docs', json={'docs': [
            {'_id': 'three'}, {'_id': 'four'}, {'_id': 'one', '_rev': fourth}]}), 201)
        found = self.noted(kind='document_write', database=db[1:])[-2:]
        self.assertEqual([(record['action'], record['documents'] if 'documents' in record else record['document'])
                          for record in found],
                         [('created', [{'document': row['id'], 'revision': row['rev']} for row in rows[:2]]),
                          ('updated', 'one')])
        found = self.server.records(document='four', database=db[1:])
        self.assertEqual([record['action'] for record in found], ['created'])
        self.answer(self.server.put(db + '/_design/d', json={'views': {}}), 201)
        record = self.assert_noted(kind='design', database=db[1:])
        self.assertEqual((record['action'], record['document']), ('created', '_design/d'))

    def test_reads(self):
        db = '/' + self.database()
        self.answer(self.server.put(db + '/one', json={}), 201)
        self.answer(self.server.get(db + '/one'), 200)
        self.assert_noted(kind='document_read', document='one')
        for path in ('/_all_docs', '/_changes', '/_design_docs'):
            self.answer(self.server.get(db + path), 200)
            self.assert_noted(kind='document_read', path=db + path)
        self.answer(self.server.post(db + '/_find', json={'selector': {}}), 200)
        self.answer(self.server.post(db + '/_bulk_get', json={'docs': [{'id': 'one'}]}), 200)
        self.assert_noted(6, kind='document_read', database=db[1:])
        # These show no documents.
        for path in ('', '/_security', '/_index'):
            self.answer(self.server.get(db + path), 200)
        self.assert_noted(6, kind='document_read', database=db[1:])

    def test_replications(self):
        source, target = self.database('_source'), self.database('_target')
        self.answer(self.server.put('/%s/one' % source, json={}), 201)
        url = 'http://admin:%s@%s' % ('correct%20horse%20battery', self.server.url.removeprefix('http://'))
        self.answer(self.server.post('/_replicate', json={'source': url + '/' + source, 'target': target}), 200)
        self.assertTrue(wait_until(lambda: self.noted(kind='replication', action='job_completed')))
        found = self.noted(kind='replication')
        self.assertEqual([record['action'] for record in found], ['job_added', 'job_started', 'job_completed'])
        for record in found:
            self.assertEqual((record['principal'], record['details']['source'], record['details']['target']),
                             ('admin', self.server.url + '/%s/' % source, target))
        record = self.assert_noted(kind='document_write', database=target)
        self.assertEqual((record['principal'], record['document']), ('admin', 'one'))
        self.answer(self.server.put('/_replicator/job', json={'source': 'none', 'target': target}), 201)
        record = self.assert_noted(kind='replication', action='created', document='job')
        self.assertEqual((record['principal'], record['database']), ('admin', '_replicator'))

    def test_a_target_that_a_replication_makes(self):
        source, target = self.database('_source'), self.database('_target')
        for path in ('/' + target, '/_replicator'):
            self.answer(self.server.delete(path), 200)
        self.answer(self.server.post('/_cluster_setup', json={'action': 'finish_cluster'}), 201)
        record = self.assert_noted(kind='database', action='created', database='_replicator')
        self.assertEqual((record['principal'], record['path']), ('admin', '/_cluster_setup'))
        self.begin = len(self.server.records())
        job = {'source': source, 'target': target, 'create_target': True}
        self.answer(self.server.post('/_replicate', json=job), 200)
        # Of the second run nothing: the target is there.
        self.answer(self.server.post('/_replicate', json=job), 200)
        record = self.assert_noted(kind='database')
        self.assertEqual((record['action'], record['principal'], record['database'], record['details']),
                         ('created', 'admin', target, {'source': source, 'target': target}))
        self.assertIn('create_target', record['reason'])
        self.assertNotIn('path', record)

    def test_databases_of_users(self):
        place, user = '/_node/_local/_config/couch_peruser/', '/_users/org.couchdb.user:frida'
        for key in ('enable', 'delete_dbs'):
            self.answer(self.server.put(place + key, data='"true"'), 200)
            self.addCleanup(self.server.delete, place + key)
        database = 'userdb-' + b'frida'.hex()
        self.user('frida')
        for action in ('created', 'deleted'):
            self.assertTrue(wait_until(lambda: self.noted(kind='database', action=action, database=database)))
            record = self.assert_noted(kind='database', action=action, database=database)
            self.assertEqual((record['authenticated'], record['reason']),
                             ('server', '[couch_peruser], for user `frida`'))
            self.assertNotIn('principal', record)
            if action == 'created':
                rev = self.answer(self.server.get(user), 200)['_rev']
                self.answer(self.server.delete(user, params={'rev': rev}), 200)

    def test_second_factor_is_noted(self):
        emil = self.user('emil')
        url = self.server.url + '/_session/_totp'
        key = self.answer(emil.post(url), 200)['key']
        import hashlib
        import hmac
        import time
        counter = int(time.time()) // 30
        digest = hmac.new(base64.b32decode(key), counter.to_bytes(8, 'big'), hashlib.sha1).digest()
        offset = digest[-1] & 15
        code = '%06d' % ((int.from_bytes(digest[offset:offset + 4], 'big') & 0x7fffffff) % 1000000)
        self.answer(emil.put(url, json={'token': code}), 200)
        self.assert_noted(kind='authentication', action='second_factor_set', principal='emil')

    def test_no_secret_is_in_it(self):
        text = self.server.get('/_audit', params={'format': 'jsonl'}).text
        for secret in SECRETS + ('AuthSession', base64.b64encode(b'admin:correct horse battery').decode()):
            self.assertNotIn(secret, text)


class ReadingTest(AuditCase):
    def test_filters(self):
        db = '/' + self.database()
        self.answer(self.server.put(db + '/a', json={}), 201)
        self.answer(self.server.put(db + '/b', json={}), 201)
        for parameters, count in (({'database': db[1:], 'kind': 'document_write'}, 2),
                                  ({'database': db[1:], 'kind': 'document_write', 'document': 'b'}, 1),
                                  ({'database': db[1:], 'action': 'created', 'principal': 'admin'}, 3),
                                  ({'database': db[1:], 'outcome': 'refused'}, 0),
                                  ({'database': db[1:], 'address': '127.0.0.1'}, 3),
                                  ({'database': db[1:], 'since': '2020-01-01', 'until': '2021-01-01T00:00:00Z'}, 0),
                                  ({'database': db[1:], 'since': '2020-01-01T00:00:00Z'}, 3)):
            answer = self.answer(self.server.get('/_audit', params={**parameters, 'limit': '1000'}), 200)
            self.assertEqual(len(answer['records']), count, parameters)

    def test_pages(self):
        db = '/' + self.database()
        self.answer(self.server.post(db + '/_bulk_docs', json={'docs': [{} for _ in range(250)]}), 201)
        for descending in (False, True):
            numbers, start = [], None
            while True:
                parameters = {'limit': '40', 'descending': json.dumps(descending)}
                if start is not None:
                    parameters['from'] = str(start)
                answer = self.answer(self.server.get('/_audit', params=parameters), 200)
                if not numbers:
                    total = answer['total']
                numbers += [record['number'] for record in answer['records'] if record['number'] <= total]
                start = answer['next']
                if start is None or (not descending and start > total):
                    break
            numbers = sorted(numbers) if descending else numbers
            self.assertEqual(numbers, list(range(1, total + 1)))

    def test_export_and_shapes(self):
        self.database()
        answer = self.server.get('/_audit', headers={'Accept': 'application/x-ndjson'})
        self.assertEqual(answer.headers['Content-Type'], 'application/x-ndjson')
        lines = [json.loads(line) for line in answer.text.splitlines()]
        self.assertEqual([line['number'] for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual(self.server.records()[len(lines)]['action'], 'exported', 'reading is recorded')
        api = self.server.get('/_openapi').json()
        page = self.answer(self.server.get('/_audit', params={'limit': '1000'}), 200)
        shape = api['paths']['/_audit']['get']['responses']['200']['content']['application/json']['schema']
        self.assertEqual(schema.complaints(page, shape, api), [])
        for record in page['records']:
            self.assertRegex(record['time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$')

    def test_wrong_parameters(self):
        for parameters in ({'limit': 'x'}, {'limit': '1001'}, {'limit': '-1'}, {'from': 'x'}, {'since': 'yesterday'},
                           {'until': '1'*30}, {'kind': 'nonsense'}, {'descending': '1'}, {'format': 'xml'}):
            self.error(self.server.get('/_audit', params=parameters), 400, 'query_parse_error')

    def test_who_may_read(self):
        auditor, other = self.user('auditor1', roles=['auditor']), self.user('reader1', roles=['reader'])
        nobody = self.server.new_session('')
        self.addCleanup(nobody.close)
        self.answer(auditor.get(self.server.url + '/_audit'), 200)
        self.assert_noted(kind='audit', action='read', principal='auditor1')
        self.error(other.get(self.server.url + '/_audit'), 403, 'forbidden')
        self.error(nobody.get(self.server.url + '/_audit'), 401, 'unauthorized')
        self.answer(self.server.put('/_node/_local/_config/audit/roles', data='"reader"'), 200)
        self.answer(other.get(self.server.url + '/_audit'), 200)
        self.error(auditor.get(self.server.url + '/_audit'), 403, 'forbidden')
        self.answer(self.server.delete('/_node/_local/_config/audit/roles'), 200)

    def test_metrics(self):
        stats = self.server.get('/_node/_local/_stats/divan/audit').json()
        self.assertGreaterEqual(stats['records']['value'], len(self.server.records()) - 2)
        self.assertEqual(stats['dropped']['value'], 0)
        self.assertEqual(stats['anchor_failures']['value'], 0)


class DefaultsTest(AuditCase):
    settings = 'redact_fields = IBAN\n'

    def test_documents_are_not_recorded_by_default(self):
        db = '/' + self.database()
        self.answer(self.server.put(db + '/one', json={}), 201)
        self.answer(self.server.get(db + '/one'), 200)
        self.assertEqual([record['kind'] for record in self.noted(database=db[1:])], ['database'])
        self.answer(self.server.put(db + '/_design/d', json={}), 201)
        self.assert_noted(kind='design', document='_design/d')

    def test_configured_fields_are_redacted(self):
        db = '/' + self.database()
        self.answer(self.server.put(db + '/_security', json={'iban': 'DE00', 'token': 'x', 'note': 'y'}), 200)
        record = self.assert_noted(kind='security', action='security_set')
        self.assertEqual(record['details']['new'], {'iban': '[redacted]', 'token': '[redacted]', 'note': 'y'})

    def test_databases_that_are_named(self):
        self.answer(self.server.put('/_node/_local/_config/audit/events',
                                    data='"document_write, document_read"'), 200)
        self.answer(self.server.put('/_node/_local/_config/audit/document_databases', data='"*_yes"'), 200)
        yes, no = self.database('_yes'), self.database('_no')
        for name in (yes, no):
            self.answer(self.server.put('/%s/one' % name, json={}), 201)
            self.answer(self.server.get('/%s/one' % name), 200)
        # What was queued and what came with commits are chained in this order if they share a commit.
        self.assertEqual({record['kind'] for record in self.noted(database=yes)}, {'document_write', 'document_read'})
        self.assertEqual(len(self.noted(database=yes)), 2)
        self.assertEqual(self.noted(database=no), [])
        for key in ('events', 'document_databases'):
            self.answer(self.server.delete('/_node/_local/_config/audit/' + key), 200)


class StartTest(unittest.TestCase):
    def test_off_by_default(self):
        with Server(memory=True) as server:
            answer = server.get('/_audit')
            self.assertEqual((answer.status_code, answer.json()['error']), (404, 'not_found'))
            self.assertIn('key_file', answer.json()['reason'])

    def test_key_is_made_and_kept_apart(self):
        with AuditedServer() as server:
            self.assertRegex(server.key_file.read_text(), r'^[0-9a-f]{64}\n$')
            self.assertEqual(server.key_file.stat().st_mode & 0o777, 0o600)
            server.put('/orders')
            server.restart()
            self.assertEqual([record['action'] for record in server.records(kind='audit')],
                             ['server_started', 'server_stopped', 'server_started'])
            server.stop()
            key = server.key_file.read_text()
            server.key_file.write_text('0' * 64)
            with self.assertRaisesRegex(AssertionError, 'key_file is not the one'):
                server.start()
            server.key_file.write_text(key)
            server.start()

    def test_wrong_keys(self):
        with AuditedServer() as server:
            server.stop()
            for text in ('', 'x' * 64, '0' * 63):
                server.key_file.write_text(text)
                with self.assertRaisesRegex(AssertionError, '64 hexadecimal digits'):
                    server.start()
        inside = Server()
        self.addCleanup(inside.close)
        inside.config = '[audit]\nenable = true\nkey_file = %s/audit.key\n' % inside.data_dir
        with self.assertRaisesRegex(AssertionError, 'lies in the data directory'):
            inside.start()
        inside.config = '[audit]\nenable = true\n'
        with self.assertRaisesRegex(AssertionError, 'needs key_file'):
            inside.start()
        inside.config = '[audit]\nenable = true\nkey_file = /nowhere/audit.key\n'
        with self.assertRaisesRegex(AssertionError, 'cannot be made'):
            inside.start()

    def test_in_memory(self):
        with AuditedServer(memory=True) as server:
            server.put('/orders')
            self.assertEqual([record['action'] for record in server.records(kind='database', database='orders')],
                             ['created'])

    def test_databases_of_a_start(self):
        with AuditedServer(memory=True) as server:
            path = server.safe / 'orders.json'
            path.write_text('[{"_id": "one"}]')
            server.stop()
            server.options = ['--load', str(path)]
            server.start()
            found = server.records(kind='database')
            self.assertEqual([(record['database'], record['reason']) for record in found],
                             [('_users', 'system database'), ('_replicator', 'system database'),
                              ('_global_changes', 'system database'), ('orders', '--load')])
            for record in found:
                self.assertEqual((record['action'], record['authenticated']), ('created', 'server'))


class AnchorsTest(unittest.TestCase):
    def test_anchors_follow_the_log(self):
        with AuditedServer('anchor_interval_seconds = 1') as server:
            server.put('/orders')
            self.assertTrue(wait_until(server.anchor_file.exists))
            server.stop()
            anchors = [json.loads(line) for line in server.anchor_file.read_text().splitlines()]
            counts = [anchor['count'] for anchor in anchors]
            self.assertEqual(counts, sorted(set(counts)), 'only what has moved is anchored')
            status, found = server.verify()
            self.assertEqual((status, found['ok'], found['anchors'], found['count']),
                             (0, True, len(anchors), counts[-1]))

    def test_a_peer_gets_them(self):
        got = []

        class Peer(BaseHTTPRequestHandler):
            def do_PUT(self):
                body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                got.append((self.path, self.headers['Authorization'], body))
                # The first attempt fails, the next one is another anchor or the same.
                self.send_response(503 if len(got) == 1 else 201)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_):
                pass

        peer = HTTPServer(('127.0.0.1', 0), Peer)
        thread = threading.Thread(target=peer.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(peer.server_close)
        self.addCleanup(peer.shutdown)
        settings = ('anchor_interval_seconds = 1\nanchor_peer = http://127.0.0.1:%d/anchors\n'
                    'anchor_peer_user = keeper\nanchor_peer_password = hunter2-9\n' % peer.server_port)
        with AuditedServer(settings) as server:
            self.assertTrue(wait_until(lambda: len(got) >= 2))
            stats = server.get('/_node/_local/_stats/divan/audit').json()
            self.assertEqual(stats['anchor_failures']['value'], 1)
            config = server.get('/_node/_local/_config/audit').json()
            self.assertEqual(config['anchor_peer_password'], '****')
            server.stop()
            path, login, body = got[-1]
            self.assertRegex(path, r'^/anchors/anchor-[0-9a-f]{32}-%020d$' % body['count'])
            self.assertEqual(base64.b64decode(login.split()[1]), b'keeper:hunter2-9')
            kept = server.safe / 'peer.jsonl'
            kept.write_text(''.join(json.dumps(body) + '\n' for _, _, body in got))
            status, found = server.verify('--anchors', str(kept), anchors=False)
            self.assertEqual((status, found['ok']), (0, True), found)


    def test_the_system_log_gets_them(self):
        logged = LoggedServer('anchor_syslog = true\nanchor_interval_seconds = 1')
        self.addCleanup(logged.close)
        if logged.why_not():
            self.skipTest('no namespace of its own: ' + logged.why_not())
        with logged as server:
            lines = []
            self.assertTrue(wait_until(lambda: lines.extend(server.received()) or lines))
            server.put('/orders')
            server.stop()
            lines += server.received()
            for line in lines:
                # <facility * 8 + severity>: authpriv, notice
                self.assertRegex(line, r'^<85>[A-Z][a-z]{2} .*: divan audit anchor {"time":.*}$')
            anchors = [line.split(' divan audit anchor ')[1] + '\n' for line in lines]
            self.assertEqual(anchors, server.anchor_file.read_text().splitlines(keepends=True))
            self.assertGreater(len(anchors), 1)
            kept = server.safe / 'syslog'
            kept.write_text('\n'.join(lines))
            status, found = server.verify('--anchors', str(kept), anchors=False)
            self.assertEqual((status, found['ok'], found['anchors']), (0, True, len(lines)), found)
            kept.write_text(lines[-1].replace('"count":', '"count":1'))
            status, found = server.verify('--anchors', str(kept), anchors=False)
            self.assertEqual((status, [row['what'] for row in found['findings']]), (1, ['changed_anchor']))


class VerifyCommandTest(unittest.TestCase):
    def test_what_it_says(self):
        with AuditedServer() as server:
            server.put('/orders')
            server.stop()
            base = ['audit', 'verify', '--data-dir', str(server.data_dir)]
            done = divan(*base, '--key-file', str(server.key_file))
            self.assertEqual(done.status, 0, done)
            self.assertRegex(done.output, r'^\d records, .*: nothing was changed\nWithout --anchors ')
            other = server.safe / 'other.key'
            other.write_text('1' * 64)
            done = divan(*base, '--key-file', str(other))
            self.assertEqual(done.status, 1, done)
            self.assertIn('Record 1 was changed.', done.output)
            self.assertEqual(divan(*base, '--key-file', str(server.safe / 'none')).status, 2)
            self.assertEqual(divan('audit', 'verify', '--data-dir', str(server.safe), '--key-file',
                                   str(server.key_file)).status, 2)
            self.assertEqual(divan(*base, '--key-file', str(server.key_file), '--anchors', '/nowhere').status, 2)


if __name__ == '__main__':
    unittest.main()
