"""Anomalies through HTTP: each kind is raised with its evidence, what is done about it, and how that is undone."""
import hashlib
import hmac
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests.adapters

from harness.audit import AuditedServer
from harness.case import ServerTestCase, wait_until

PASSWORD, WRONG, SECRET = 'geheim-7', 'hunter2-9', 'signing-key-4'
SETTINGS = '''
[chttpd_auth]
iterations = 100
[chttpd_auth_lockout]
mode = off
[anomaly]
failed_logins_threshold = 3
refusals_threshold = 4
many_reads_factor = 2
many_reads_requests_floor = 5
block_exempt =
'''
# The tests ask from the first, so that a block of the others shuts nobody out.
HOME, OTHER, THIRD, BLOCKED = '127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.2.4'


class FromAddress(requests.adapters.HTTPAdapter):
    """Connections that come from another address of this machine."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **named):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **named)


class Receiver:
    """A server for webhooks; answers with the statuses, the last one again and again."""

    def __init__(self, statuses=(200,)):
        self.got, statuses = [], list(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                receiver.got.append((self.path, self.headers, body))
                self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = HTTPServer((HOME, 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = 'http://%s:%d/hooks/path-secret?key=query-secret' % (HOME, self.http.server_port)

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class AnomalyCase(ServerTestCase):
    settings = ''

    @classmethod
    def setUpClass(cls):
        cls.server = AuditedServer(config=SETTINGS + cls.settings)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def setUp(self):
        super().setUp()
        self.begin = len(self.server.records())
        self.name = self.id().split('.')[-1].lower()

    def anomalies(self, **wanted):
        """The records of this test of kind anomaly that have these members, or details of these names."""
        return [record for record in self.server.records()[self.begin:] if record['kind'] == 'anomaly' and all(
            record.get(name, record['details'].get(name)) == value for name, value in wanted.items())]

    def await_anomaly(self, **wanted):
        """The first of them."""
        self.assertTrue(wait_until(lambda: self.anomalies(**wanted)), self.server.records()[self.begin:])
        return self.anomalies(**wanted)[0]

    def session(self, user, password=PASSWORD, address=HOME):
        session = self.server.new_session(user, password)
        session.mount('http://', FromAddress(address))
        self.addCleanup(session.close)
        return session

    def user(self, suffix=''):
        name = self.name + suffix
        self.answer(self.server.put('/_users/org.couchdb.user:' + name, json={
            'type': 'user', 'name': name, 'roles': [], 'password': PASSWORD}), 201)
        return name

    def log_in(self, name, address=HOME, password=PASSWORD, status=200):
        """By POST /_session; the session with its cookie."""
        session = self.session('', address=address)
        self.answer(session.post(self.server.url + '/_session', json={'name': name, 'password': password}), status)
        return session

    def fail_logins(self, name, count=3, address=OTHER):
        for _ in range(count):
            self.log_in(name, address, WRONG, 401)

    def set(self, key, value):
        """A setting of [anomaly], until the end of the test."""
        path = '/_node/_local/_config/anomaly/' + key
        self.answer(self.server.put(path, data=json.dumps(value)), 200)
        self.addCleanup(self.server.delete, path)


class EventsTest(AnomalyCase):
    def test_failed_logins_of_a_name(self):
        name = self.user()
        self.fail_logins(name, 1, HOME)
        self.fail_logins(name, 2)
        record = self.await_anomaly(action='failed_logins', principal=name)
        self.assertNotIn('address', record)
        details = record['details']
        self.assertEqual((details['count'], details['window_seconds'], details['suppressed']), (3, 300, 0))
        self.assertEqual(details['addresses'], [OTHER, HOME])
        self.assertLessEqual(details['first'], details['last'])
        self.assertRegex(details['event'], '^[0-9a-f]{16}$')

    def test_failed_logins_from_an_address(self):
        for suffix in 'abc':
            self.session(self.name + suffix, WRONG, '127.0.1.1').get(self.server.url)
        record = self.await_anomaly(action='failed_logins', address='127.0.1.1')
        self.assertNotIn('principal', record)
        self.assertEqual(record['details']['names'], [self.name + suffix for suffix in 'cba'])

    def test_one_event_in_a_window(self):
        self.fail_logins(self.name, 8, '127.0.1.2')
        self.await_anomaly(action='failed_logins', principal=self.name)
        self.await_anomaly(action='failed_logins', address='127.0.1.2')
        self.fail_logins('later', 3, '127.0.1.8')  # looked at after those
        self.await_anomaly(action='failed_logins', address='127.0.1.8')
        self.assertEqual(len(self.anomalies(principal=self.name)), 1)
        self.assertEqual(len(self.anomalies(address='127.0.1.2')), 1)

    def test_refusals(self):
        name, db = self.user(), '/' + self.database()
        session = self.session(name, address='127.0.1.3')
        for path in ('/a', '/b', '/b?secret=' + WRONG, '/c'):
            self.error(session.get(self.server.url + db + path), 403, 'forbidden')
        record = self.await_anomaly(action='refusals', principal=name)
        self.assertEqual(record['details']['count'], 4)
        self.assertEqual(record['details']['paths'], [db + '/c', db + '/b', db + '/a'])
        self.await_anomaly(action='refusals', address='127.0.1.3')

    def test_many_reads(self):
        name, db = self.user(), '/' + self.database()
        self.answer(self.server.put(db + '/_security', json={}), 200)
        self.answer(self.server.put(db + '/one', json={'text': 'x' * 1000}), 201)
        session = self.session(name)

        def read():
            self.answer(session.get(self.server.url + db + '/one'), 200)
            return self.anomalies(action='many_reads', principal=name)
        # Writes, what is missing and what shows no documents are no reads.
        for _ in range(20):
            self.error(session.get(self.server.url + db + '/none'), 404, 'not_found')
            self.answer(session.get(self.server.url + db), 200)
        self.assertTrue(wait_until(read))
        record = self.anomalies(action='many_reads', principal=name)[0]
        details = record['details']
        self.assertEqual(record['address'], HOME)
        self.assertGreater(details['requests'], 10)
        self.assertGreater(details['bytes'], 1000 * details['requests'])
        self.assertEqual((details['requests_bound'], details['hours_known']), (10, 0))
        self.assertEqual(self.server.records(kind='document_read'), [], 'they are counted without a record')

    def test_many_bytes(self):
        name, db = self.user(), '/' + self.database()
        self.set('many_reads_bytes_floor', '10000')
        self.answer(self.server.put(db + '/_security', json={}), 200)
        self.answer(self.server.put(db + '/one', json={'text': 'x' * 30000}), 201)
        self.answer(self.session(name).get(self.server.url + db + '/_all_docs?include_docs=true'), 200)
        details = self.await_anomaly(action='many_reads', principal=name)['details']
        self.assertEqual((details['requests'], details['bytes_bound']), (1, 20000))

    def test_new_address(self):
        name = self.user()
        self.log_in(name)
        self.log_in(name)
        self.log_in(name, OTHER)
        record = self.await_anomaly(action='new_address', principal=name)
        self.assertEqual((record['address'], record['details']['known']), (OTHER, [HOME]))
        self.log_in(name, OTHER)
        self.log_in(name, HOME)
        self.fail_logins(name, 3, THIRD)  # looked at after the logins
        self.await_anomaly(action='failed_logins', principal=name)
        self.assertEqual(len(self.anomalies(action='new_address')), 1)

    def test_by_default_nothing_else_happens(self):
        name = self.user()
        session = self.log_in(name)
        self.fail_logins(name, 5)
        self.log_in(name, OTHER)
        self.await_anomaly(action='new_address', principal=name)
        self.assertEqual({record['action'] for record in self.anomalies()} - {'failed_logins', 'new_address'}, set())
        self.assertEqual(self.answer(session.get(self.server.url + '/_session'), 200)['userCtx']['name'], name)
        self.assertEqual(self.answer(self.server.get('/_node/_local/_blocked_addresses'), 200), [])

    def test_kinds_that_are_not_recorded_are_looked_at(self):
        path = '/_node/_local/_config/audit/events'
        self.answer(self.server.put(path, data='"anomaly"'), 200)
        self.addCleanup(self.server.delete, path)
        self.fail_logins(self.name)
        self.await_anomaly(action='failed_logins', principal=self.name)
        self.assertNotIn('authentication', [record['kind'] for record in self.server.records()[self.begin:]])

    def test_settings_count_while_running(self):
        self.set('failed_logins_threshold', '2')
        self.fail_logins(self.name + 'a', 2, '127.0.1.4')
        self.await_anomaly(action='failed_logins', principal=self.name + 'a')
        self.set('enable', 'false')
        self.fail_logins(self.name + 'b', 5, '127.0.1.5')
        self.set('enable', 'true')
        self.set('kinds', 'new_address')
        self.fail_logins(self.name + 'c', 5, '127.0.1.6')
        name = self.user()
        self.log_in(name)
        self.log_in(name, OTHER)
        self.await_anomaly(action='new_address', principal=name)
        self.set('kinds', 'failed_logins')
        self.fail_logins(self.name + 'd', 2, '127.0.1.7')
        self.await_anomaly(action='failed_logins', address='127.0.1.7')
        self.assertEqual([record['principal'] for record in self.anomalies(action='failed_logins')
                          if 'principal' in record], [self.name + 'a', self.name + 'd'])

    def test_wrong_settings_are_refused(self):
        for key, value in (('failed_logins_threshold', '0'), ('kinds', 'nonsense'), ('refusals_actions', 'shout'),
                           ('block_exempt', 'nonsense')):
            self.error(self.server.put('/_node/_local/_config/anomaly/' + key, data=json.dumps(value)), 400,
                       'bad_request')
        for key in ('webhook_url', 'webhook_secret', 'webhook_ca_file'):
            self.error(self.server.put('/_node/_local/_config/anomaly/' + key, data='"x"'), 403, 'forbidden')

    def test_metrics(self):
        self.fail_logins(self.name)
        self.await_anomaly(action='failed_logins', principal=self.name)
        stats = self.server.get('/_node/_local/_stats/divan/anomaly').json()
        self.assertGreaterEqual(stats['events']['value'], len(self.anomalies()))
        self.assertEqual((stats['dropped']['value'], stats['action_failures']['value']), (0, 0))
        self.assertIn('couchdb_divan_anomaly_events_total', self.server.get('/_node/_local/_prometheus').text)


class ActionsTest(AnomalyCase):
    def assert_done(self, event, action, **details):
        """The server did it because of the event, and recorded that."""
        record = self.await_anomaly(action=action, event=event['details']['event'])
        self.assertEqual((record['outcome'], record['authenticated']), ('granted', 'server'))
        self.assertNotIn('principal', record)
        self.assertEqual(record['details'], {**details, 'anomaly': event['action'], 'event': event['details']['event']})

    def test_lock(self):
        name = self.user()
        session = self.log_in(name)
        self.set('failed_logins_actions', 'lock')
        self.fail_logins(name)
        self.assert_done(self.await_anomaly(action='failed_logins', principal=name), 'account_locked', name=name)
        self.error(self.session(name).get(self.server.url), 403, 'forbidden')
        self.assertIsNone(self.answer(session.get(self.server.url + '/_session'), 200)['userCtx']['name'])
        record = self.server.records(document='org.couchdb.user:' + name)[-1]
        self.assertEqual((record['action'], record['authenticated']), ('updated', 'server'))
        # As an admin takes it back.
        document = self.answer(self.server.get('/_users/org.couchdb.user:' + name), 200)
        self.assertIs(document.pop('locked'), True)
        self.answer(self.server.put('/_users/org.couchdb.user:' + name, json=document), 201)
        self.answer(self.session(name).get(self.server.url), 200)

    def test_who_cannot_be_locked(self):
        self.set('failed_logins_actions', 'lock')
        self.fail_logins('admin')
        record = self.await_anomaly(action='account_locked', name='admin')
        self.assertEqual((record['outcome'], record['reason']),
                         ('failed', 'A server admin of [admins] is not locked.'))
        self.fail_logins(self.name, 3, THIRD)
        record = self.await_anomaly(action='account_locked', name=self.name)
        self.assertEqual((record['outcome'], record['reason']),
                         ('failed', 'The user has no document that could be locked.'))
        self.answer(self.server.get('/_all_dbs'), 200)

    def test_close_sessions(self):
        name = self.user()
        session = self.log_in(name)
        self.set('new_address_actions', 'close_sessions')
        self.log_in(name, OTHER)
        self.assert_done(self.await_anomaly(action='new_address', principal=name), 'sessions_closed', name=name)
        self.assertIsNone(self.answer(session.get(self.server.url + '/_session'), 200)['userCtx']['name'])
        later = self.log_in(name)
        self.assertEqual(self.answer(later.get(self.server.url + '/_session'), 200)['userCtx']['name'], name)

    def block(self, address, seconds=None):
        """Has the address blocked; the event."""
        self.set('failed_logins_actions', 'block_address')
        if seconds:
            self.set('block_seconds', str(seconds))
        for number in range(3):
            self.log_in('%s%d' % (self.name, number), address, WRONG, 401)
        event = self.await_anomaly(action='failed_logins', address=address)
        self.assert_done(event, 'address_blocked', address=address, seconds=seconds or 900)
        return event

    def test_block_address(self):
        name = self.user()
        before = self.log_in(name, BLOCKED)
        event = self.block(BLOCKED)
        refused_before = self.server.get('/_node/_local/_stats/divan/anomaly/refused_requests').json()['value']
        for session in (before, self.session('', address=BLOCKED), self.session('admin', address=BLOCKED)):
            reason = self.error(session.get(self.server.url), 403, 'forbidden')
            self.assertRegex(reason, r'^Requests from 127\.0\.2\.4 are refused for another \d+ seconds')
        count = len(self.server.records(kind='authentication'))
        self.log_in(name, BLOCKED, status=403)
        self.assertEqual(len(self.server.records(kind='authentication')), count, 'no password was looked at')
        self.answer(self.session(name).get(self.server.url), 200)
        refused = self.server.get('/_node/_local/_stats/divan/anomaly/refused_requests').json()['value']
        self.assertEqual(refused - refused_before, 4)
        blocks = self.answer(self.server.get('/_node/_local/_blocked_addresses'), 200)
        self.assertEqual([(block['address'], block['anomaly'], block['event']) for block in blocks],
                         [(BLOCKED, 'failed_logins', event['details']['event'])])
        self.assertTrue(0 < blocks[0]['remaining_seconds'] <= 900, blocks)
        # Undone by an admin, and by nobody else.
        path = '/_node/_local/_blocked_addresses/' + BLOCKED
        self.assertEqual(self.session(name).delete(self.server.url + path).status_code, 401)
        self.answer(self.server.delete(path), 200)
        record = self.await_anomaly(action='address_unblocked')
        self.assertEqual((record['principal'], record['address'], record['details']), (
            'admin', HOME, {'address': BLOCKED, 'anomaly': 'failed_logins', 'event': event['details']['event']}))
        self.log_in(name, BLOCKED)
        self.error(self.server.delete(path), 404, 'not_found')
        self.error(self.server.get('/_node/other/_blocked_addresses'), 404, 'not_found')

    def test_block_ends_by_itself(self):
        event = self.block('127.0.2.1', 1)
        record = self.await_anomaly(action='address_unblocked', event=event['details']['event'])
        self.assertEqual((record['authenticated'], record['reason']), ('server', 'Its time is over.'))
        self.answer(self.session('', address='127.0.2.1').get(self.server.url), 200)

    def test_exempt_addresses_are_not_blocked(self):
        self.set('block_exempt', '127.0.2.0/24')
        self.set('failed_logins_actions', 'block_address')
        self.fail_logins(self.name, 3, '127.0.2.2')
        record = self.await_anomaly(action='address_blocked', address='127.0.2.2')
        self.assertEqual(record['outcome'], 'failed')
        self.assertIn('block_exempt', record['reason'])
        self.answer(self.session('', address='127.0.2.2').get(self.server.url), 200)

    def test_blocks_end_when_nothing_is_watched(self):
        event = self.block('127.0.2.3')
        self.set('enable', 'false')
        self.await_anomaly(action='address_unblocked', event=event['details']['event'])
        self.answer(self.session('', address='127.0.2.3').get(self.server.url), 200)


class WebhookTest(unittest.TestCase):
    def run_with(self, statuses, more=''):
        """A server whose failed logins call the receiver; both."""
        receiver = Receiver(statuses)
        self.addCleanup(receiver.close)
        server = AuditedServer(config=SETTINGS + 'failed_logins_actions = webhook\nwebhook_url = %s\n'
                               'webhook_secret = %s\nwebhook_retry_delay_ms = 1\n%s' % (receiver.url, SECRET, more))
        self.addCleanup(server.close)
        server.start()
        session = server.new_session('')
        self.addCleanup(session.close)
        for number in range(3):
            session.post(server.url + '/_session', json={'name': 'name%d' % number, 'password': WRONG})
        return server, receiver

    def await_call(self, server):
        self.assertTrue(wait_until(lambda: server.records(action='webhook_called')))
        return server.records(action='webhook_called')[0]

    def test_arrives_signed(self):
        server, receiver = self.run_with([200])
        record = self.await_call(server)
        self.assertEqual(record['outcome'], 'granted')
        (path, headers, body), = receiver.got
        self.assertEqual((path, headers['Content-Type']), ('/hooks/path-secret?key=query-secret', 'application/json'))
        self.assertEqual(headers['X-Divan-Signature'],
                         'sha256=' + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest())
        event = json.loads(body)
        self.assertEqual((event['anomaly'], event['address'], event['event'], event['evidence']['names']),
                         ('failed_logins', HOME, record['details']['event'], ['name2', 'name1', 'name0']))
        config = server.get('/_node/_local/_config/anomaly').json()
        self.assertEqual((config['webhook_url'], config['webhook_secret']), ('****', '****'))
        # Nothing of it, and no password, is in the log, in records or in what is sent.
        everything = body.decode() + json.dumps(server.records()) + '\n'.join(server.log)
        for secret in (SECRET, WRONG, 'path-secret', 'query-secret'):
            self.assertNotIn(secret, everything)
        server.stop()

    def test_is_tried_again(self):
        server, receiver = self.run_with([503, 429, 204])
        self.assertEqual(self.await_call(server)['outcome'], 'granted')
        self.assertEqual(len(receiver.got), 3)
        self.assertEqual(len({body for _, _, body in receiver.got}), 1, 'the same event, the same text')

    def test_failures_are_recorded(self):
        server, receiver = self.run_with([500], 'webhook_retries_max = 2\n')
        record = self.await_call(server)
        self.assertEqual((record['outcome'], record['reason']),
                         ('failed', 'http://127.0.0.1:%d answers 500.' % receiver.http.server_port))
        self.assertEqual(len(receiver.got), 3)
        self.assertEqual(server.get('/_node/_local/_stats/divan/anomaly/action_failures').json()['value'], 1)
        server.stop()

    def test_what_is_refused_is_not_tried_again(self):
        server, receiver = self.run_with([404])
        self.assertEqual(self.await_call(server)['outcome'], 'failed')
        self.assertEqual(len(receiver.got), 1)

    def test_wrong_urls_stop_the_start(self):
        for url in ('nonsense', 'http://anna:%s@example.org/' % WRONG):
            server = AuditedServer(config=SETTINGS + 'webhook_url = %s\n' % url)
            self.addCleanup(server.close)
            with self.assertRaisesRegex(AssertionError, 'webhook_url') as refused:
                server.start()
            self.assertNotIn(WRONG, str(refused.exception))


class RestartTest(AnomalyCase):
    def test_what_is_known_survives(self):
        name = self.user()
        self.log_in(name)
        self.fail_logins(name, 2, OTHER)
        self.server.restart()
        self.log_in(name)
        self.log_in(name, THIRD)
        self.assertEqual(self.await_anomaly(action='new_address', principal=name)['address'], THIRD)
        self.assertEqual(len(self.anomalies(action='new_address')), 1)
        self.fail_logins(name, 1, OTHER)
        record = self.await_anomaly(action='failed_logins', principal=name)
        self.assertEqual(record['details']['count'], 3)
        # What was raised before is not raised again.
        self.server.restart()
        self.fail_logins(name, 3, THIRD)
        self.await_anomaly(action='failed_logins', address=THIRD)
        self.assertEqual(len(self.anomalies(action='failed_logins', principal=name)), 1)

    def test_blocks_end_with_the_server(self):
        self.set('failed_logins_actions', 'block_address')
        self.fail_logins(self.name, 3, '127.0.3.1')
        self.await_anomaly(action='address_blocked', address='127.0.3.1')
        self.server.restart()
        record = self.await_anomaly(action='address_unblocked', address='127.0.3.1')
        self.assertEqual(record['reason'], 'The server stops.')
        self.answer(self.session('', address='127.0.3.1').get(self.server.url), 200)


class WithoutAuditTest(ServerTestCase):
    server_arguments = {'memory': True}

    def test_nothing_is_watched(self):
        self.assertEqual(self.answer(self.server.get('/_node/_local/_blocked_addresses'), 200), [])
        self.error(self.server.delete('/_node/_local/_blocked_addresses/127.0.0.1'), 404, 'not_found')
        self.assertEqual(self.server.get('/_node/_local/_stats/divan/anomaly/events').json()['value'], 0)


if __name__ == '__main__':
    unittest.main()
