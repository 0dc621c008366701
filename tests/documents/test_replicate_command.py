"""`divan replicate`: a replication that runs in the command, between two servers."""
import http.server
import json
import os
import pathlib
import pty
import signal
import subprocess
import tempfile
import threading
import unittest

from harness.case import ServerTestCase, wait_until
from harness.command import RUN_LIMIT_S, Running, clean_environment, divan, divan_on_terminal
from harness.server import BINARY, Server
from harness.tls import TlsFront


class ServerOfOnePort(Server):
    """One that is started again where it was."""

    port = '0'

    def command(self):
        command = super().command()
        command[command.index('--port') + 1] = self.port
        return command


class ReplicateCase(ServerTestCase):
    """`server` is where documents come from, `other` where they go."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = Server()
        cls.addClassCleanup(cls.other.close)
        cls.other.start()

    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.other.delete('/' + self.db)
        self.source = '%s/%s' % (self.server.url_with_credentials, self.db)
        self.target = '%s/%s' % (self.other.url_with_credentials, self.db)

    def save(self, docs, server=None):
        self.answer((server or self.server).post('/%s/_bulk_docs' % self.db, json={'docs': docs}), 201)

    def ids(self):
        rows = self.answer(self.other.get('/%s/_all_docs' % self.db), 200)['rows']
        return [row['id'] for row in rows]

    def make_target(self):
        self.answer(self.other.put('/' + self.db), 201)

    def replicate(self, *arguments, status=0, **options):
        done = divan('replicate', self.source, self.target, *arguments, **options)
        self.assertEqual(done.status, status, done)
        self.assertNotIn(self.server.password, done.output + done.errors)
        self.assertNotIn('correct%20horse', done.output + done.errors)
        return done


class OnceTest(ReplicateCase):
    def test_lines_that_are_read_by_people(self):
        self.save([{'_id': 'd%d' % i} for i in range(5)])
        done = self.replicate('--create-target')
        self.assertEqual(done.errors, '')
        self.assertRegex(done.output, r'^http://127\.0\.0\.1:\d+/%s/ to http://127\.0\.0\.1:\d+/%s/\n'
                         r'done: 5 documents read, 5 written, 0 refused, [\d.]+ k?B in, [\d.]+ k?B out, \d+\.\d s\n$'
                         % (self.db, self.db))
        self.assertEqual(len(self.ids()), 5)
        # Only what is new.
        self.save([{'_id': 'new'}])
        self.assertIn('done: 1 documents read, 1 written, 0 refused', self.replicate().output)
        self.assertIn('done: 0 documents read, 0 written, 0 refused', self.replicate().output)
        self.assertEqual(self.replicate('--quiet').output, '')

    def test_json(self):
        self.save([{'_id': 'a'}, {'_id': 'b'}])
        done = self.replicate('--create-target', '--json')
        first, *_, last = [json.loads(line) for line in done.output.splitlines()]
        self.assertEqual((first['event'], first['continuous']), ('started', False))
        self.assertEqual(first['source'], '%s/%s/' % (self.server.url, self.db))
        self.assertEqual({key: last[key] for key in ('event', 'docs_read', 'docs_written', 'docs_refused', 'status')},
                         {'event': 'done', 'docs_read': 2, 'docs_written': 2, 'docs_refused': 0, 'status': 0})
        self.assertGreater(last['bytes_in'], 0)
        self.assertIsInstance(last['seconds'], float)

    def test_what_is_copied(self):
        self.save([{'_id': 'a', 'type': 'x'}, {'_id': 'b', 'type': 'y'}, {'_id': 'c', 'type': 'y'}, {'_id': '50%'}])
        self.answer(self.server.put('/%s/_design/d' % self.db, json={
            'filters': {'f': 'function (doc, req) { return doc.type === req.query.type }'},
            'views': {'v': {'map': 'function (doc) { if (doc.type === "x") emit(1) }'}}}), 201)
        file = tempfile.NamedTemporaryFile('w', suffix='.txt')
        self.addCleanup(file.close)
        file.write('b\n\na\n')
        file.flush()
        for arguments, expected in (
                (['--selector', '{"type": "y"}'], ['b', 'c']),
                (['--filter', 'd/f', '--query-param', 'type=x'], ['a']),
                (['--view', 'd/v'], ['a']),
                (['--doc-id', 'c', '--doc-id', '50%'], ['50%', 'c']),
                (['--doc-ids-file', file.name], ['a', 'b'])):
            with self.subTest(arguments):
                self.other.delete('/' + self.db)
                self.replicate('--create-target', *arguments)
                self.assertEqual(self.ids(), expected)

    def test_the_target_is_made_as_asked(self):
        self.replicate('--create-target', '--q', 4, '--partitioned')
        info = self.answer(self.other.get('/' + self.db), 200)
        self.assertEqual((info['cluster']['q'], info['props']), (4, {'partitioned': True}))

    def test_names_of_databases_of_one_server(self):
        self.save([{'_id': 'a'}])
        copy = self.database('_copy')
        for options in ({'environment': {'DIVAN_URL': self.server.url_with_credentials}},):
            done = divan('replicate', self.db, copy, **options)
            self.assertEqual((done.status, done.errors), (0, ''), done)
        done = divan('replicate', copy, self.db, '--url', self.server.url_with_credentials)
        self.assertEqual((done.status, done.errors), (0, ''), done)
        self.assertEqual(self.server.get('/%s/a' % copy).status_code, 200)

    def test_credentials_from_the_environment(self):
        self.save([{'_id': 'a'}])
        login = '%s:%s' % (self.server.user, self.server.password)
        done = divan('replicate', '%s/%s' % (self.server.url, self.db), '%s/%s' % (self.other.url, self.db),
                     '--create-target', environment={'DIVAN_SOURCE_LOGIN': login, 'DIVAN_TARGET_LOGIN': login})
        self.assertEqual((done.status, done.errors), (0, ''), done)
        self.assertEqual(self.ids(), ['a'])

    def test_conflicts_stay_behind_if_asked(self):
        self.save([{'_id': 'a'}])
        self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'new_edits': False, 'docs': [
            {'_id': 'a', '_rev': '1-0', 'other': True}]}), 201)
        self.replicate('--create-target', '--winning-revs-only')
        self.assertNotIn('_conflicts', self.other.get('/%s/a?conflicts=true' % self.db).json())
        self.replicate()
        self.assertEqual(self.other.get('/%s/a?conflicts=true' % self.db).json()['_conflicts'], ['1-0'])

    def test_documents_that_the_target_refuses(self):
        self.save([{'_id': 'good'}, {'_id': 'bad', 'bad': True}])
        self.make_target()
        self.answer(self.other.put('/%s/_design/v' % self.db, json={
            'validate_doc_update': 'function (doc) { if (doc.bad) throw {forbidden: "not this one"} }'}), 201)
        # Server admins are judged, too.
        done = self.replicate(status=3)
        self.assertRegex(done.errors, r'^divan: the target refuses document `bad` \(1-\w+\) of %s/%s/: forbidden, not this one\n$'
                         % (self.server.url, self.db))
        self.assertIn('2 documents read, 1 written, 1 refused', done.output)
        self.save([{'_id': 'worse', 'bad': True}])
        events = [json.loads(line) for line in self.replicate('--json', status=3).output.splitlines()]
        refused, = [event for event in events if event['event'] == 'refused']
        self.assertEqual((refused['source'], refused['id'], refused['error'], refused['reason']),
                         ('%s/%s/' % (self.server.url, self.db), 'worse', 'forbidden', 'not this one'))
        self.assertEqual(events[-1]['docs_refused'], 1)

    def test_what_fails(self):
        nobody = 'http://127.0.0.1:1/x'
        wrong = self.source.replace('correct', 'wrong')
        for source, target, status, says in (
                (nobody, self.target, 1, ['the source: ', 'Cannot connect to http://127.0.0.1:1', 'running']),
                (wrong, self.target, 1, ['the source: ', ' 401', 'DIVAN_SOURCE_LOGIN']),
                (self.source, self.target.replace('correct', 'wrong'), 1, ['the target: ', ' 401', 'DIVAN_TARGET_LOGIN']),
                (self.source + '_none', self.target, 1, ['the source: ', 'could not open', 'Is the name right?']),
                (self.source, self.target, 1, ['the target: ', 'could not open', '--create-target'])):
            done = divan('replicate', source, target, '--retries', 0)
            self.assertEqual((done.status, done.errors.count('\n')), (status, 1), done)
            for part in says:
                self.assertIn(part, done.errors)
            self.assertNotIn('horse', done.output + done.errors)
        # A continuous one does not go on trying what cannot succeed.
        self.assertIn(' 401', divan('replicate', wrong, self.target, '--continuous').errors)

    def test_wrong_command_lines(self):
        for arguments, says in (
                ([self.source], 'TARGET is required'),
                ([self.source, 'http://x:y'], 'invalid url'),
                ([self.source, self.target, self.source], 'not expected'),
                ([self.source, self.target, '--timeout', 0], '--timeout'),
                ([self.source, self.target, '--selector', '{'], '--selector must be a JSON object'),
                ([self.source, self.target, '--selector', '{}', '--doc-id', 'a'], 'mutually exclusive'),
                ([self.source, self.target, '--workers', -1], 'worker_processes'),
                ([self.source, self.target, '--query-param', 'a=b'], 'needs --filter'),
                ([self.source, self.target, '--bearer-source', 'NO_SUCH_VARIABLE'], 'NO_SUCH_VARIABLE')):
            done = divan('replicate', *arguments)
            self.assertEqual((done.status, done.output, done.errors.count('\n')), (2, '', 1), done)
            self.assertIn(says, done.errors)
            self.assertIn('replicate --help', done.errors)
            self.assertNotIn('horse', done.errors)

    def test_help(self):
        done = divan('replicate', '--help')
        for part in ('SOURCE', 'TARGET', '--continuous', '--selector', '--reset-checkpoint', 'DIVAN_URL', 'DIVAN_SOURCE_LOGIN',
                     '--ca', '--json', 'Status: 0'):
            self.assertIn(part, done.output)
        self.assertIn('replicate', divan('--help').output)

    def test_a_terminal_shows_a_bar(self):
        self.save([{'_id': 'd%04d' % i, 'text': 'x' * 200} for i in range(1500)])
        status, text = divan_on_terminal('replicate', self.source, self.target, '--create-target',
                                         '--kilobytes-per-second', 300, '--batch-size', 100)
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r'\r\x1b\[K\[#*-*\] \d+ %, [\d,]+ of 1,500 changes')
        self.assertRegex(text, r'\r\x1b\[Kdone: 1,500 documents read, 1,500 written')


class TlsTest(ReplicateCase):
    def test_certificates_are_verified(self):
        self.save([{'_id': 'a'}])
        with TlsFront(int(self.server.url.rsplit(':', 1)[1])) as front:
            source = self.source.replace('http://', 'https://').replace(self.server.url.rsplit(':', 1)[1], str(front.port))
            done = divan('replicate', source, self.target, '--create-target', '--retries', 0)
            self.assertEqual(done.status, 1, done)
            for part in ('the source: ', 'certificate', '--ca '):
                self.assertIn(part, done.errors)
            done = divan('replicate', source, self.target, '--create-target', '--ca', front.certificate)
            self.assertEqual((done.status, done.errors), (0, ''), done)
            self.assertEqual(self.ids(), ['a'])
            done = divan('replicate', source, self.target, '--insecure')
            self.assertEqual((done.status, done.errors.count('warning: the certificate of https://')), (0, 1), done)


class HalfServer(http.server.BaseHTTPRequestHandler):
    """A database that lacks everything and takes no document with attachments."""

    protocol_version = 'HTTP/1.1'

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if '/_local/' in self.path:
            self.answer(404, {'error': 'not_found', 'reason': 'missing'})
        else:
            self.answer(200, {'db_name': 'x', 'update_seq': 0, 'instance_start_time': '0'})

    def body(self):
        return self.rfile.read(int(self.headers.get('Content-Length', 0)))

    def do_POST(self):
        body = json.loads(self.body() or b'{}')
        if self.path.endswith('/_revs_diff'):
            self.answer(200, {name: {'missing': revs} for name, revs in body.items()})
        else:
            self.answer(201, {'ok': True, 'instance_start_time': '0'})

    def do_PUT(self):
        self.body()
        self.answer(500, {'error': 'broken', 'reason': 'not today'})

    def log_message(self, *_):
        pass


class StreamedTest(ReplicateCase):
    def test_a_target_that_fails_under_an_attachment_is_named(self):
        self.answer(self.server.put('/%s/a/big' % self.db, data=b'x' * 3_000_000,
                                    headers={'Content-Type': 'application/octet-stream'}), 201)
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), HalfServer)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        done = divan('replicate', self.source, 'http://127.0.0.1:%d/x' % server.server_address[1], '--retries', 0)
        self.assertEqual(done.status, 1, done)
        self.assertIn('the target: ', done.errors)
        self.assertIn('not today', done.errors)


class ContinuousTest(ReplicateCase):
    def follow(self, *arguments, **options):
        return Running('replicate', self.source, self.target, '--create-target', '--continuous', *arguments, **options)

    def test_until_it_is_told_to_stop(self):
        self.save([{'_id': 'a'}])
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.follow() as running:
                running.await_line('up to date')
                self.save([{'_id': 'while_%d' % number}])
                running.await_line('up to date, ')
                self.assertTrue(wait_until(lambda: 'while_%d' % number in self.ids()))
                status, text = running.interrupt(number)
                self.assertEqual(status, 0, text)
                self.assertRegex(text, r'\nstopped: \d documents read, \d written, 0 refused')
        # It left a checkpoint.
        self.assertIn('done: 0 documents read', self.replicate().output)

    def test_json(self):
        with self.follow('--json') as running:
            first = json.loads(running.await_line('up_to_date'))
            self.assertEqual(first, {'event': 'up_to_date', 'docs_written': 0})
            self.save([{'_id': 'a'}])
            self.assertEqual(json.loads(running.await_line('"docs_written":1'))['event'], 'up_to_date')
            status, text = running.interrupt()
            self.assertEqual((status, json.loads(text.splitlines()[-1])['event']), (0, 'stopped'))

    def test_it_goes_on_when_the_target_is_back(self):
        folder = tempfile.TemporaryDirectory(prefix='divan-test-')
        self.addCleanup(folder.cleanup)
        with ServerOfOnePort(data_dir=pathlib.Path(folder.name) / 'data') as target:
            target.port = target.url.rsplit(':', 1)[1]
            target_url = '%s/%s' % (target.url_with_credentials, self.db)
            with Running('replicate', self.source, target_url, '--create-target', '--continuous', '--retries', 1,
                         '--retry-first', 1, '--retry-max', 1) as running:
                running.await_line('up to date')
                target.kill()
                self.save([{'_id': 'meanwhile'}])
                running.await_line('Trying again in 1 s')
                target.start()
                running.await_line('up to date')
                self.assertTrue(wait_until(lambda: target.get('/%s/meanwhile' % self.db).status_code == 200))
                self.assertEqual(running.interrupt()[0], 0)

    def test_passwords_are_hidden(self):
        with self.follow() as running:
            running.await_line('up to date')
            line = pathlib.Path('/proc/%d/cmdline' % running.process.pid).read_bytes().decode()
            self.assertNotIn('horse', line)
            self.assertIn('admin:***', line)
            self.assertEqual(running.interrupt()[0], 0)


class ResetTest(ReplicateCase):
    def locals(self, server):
        rows = self.answer(server.get('/%s/_local_docs' % self.db), 200)['rows']
        return [row['id'] for row in rows]

    def test_a_checkpoint_is_forgotten(self):
        self.save([{'_id': 'd%d' % i} for i in range(7)])
        self.replicate('--create-target')
        self.assertEqual((len(self.locals(self.server)), len(self.locals(self.other))), (1, 1))
        done = self.replicate('--reset-checkpoint', status=2)
        self.assertIn('--yes', done.errors)
        self.assertIn('reads 7 changes of the source again', done.output)
        self.assertIn('No document is copied twice', done.output)
        self.assertEqual(len(self.locals(self.server)), 1)
        done = self.replicate('--reset-checkpoint', '--yes')
        self.assertTrue(done.output.endswith('Forgotten.\n'), done)
        self.assertEqual((self.locals(self.server), self.locals(self.other)), ([], []))
        self.assertIn('Nothing is recorded', self.replicate('--reset-checkpoint', '--yes').output)
        # Everything is there already.
        self.assertIn('done: 0 documents read, 0 written', self.replicate().output)

    def test_of_another_job(self):
        self.save([{'_id': 'a'}])
        self.make_target()
        for server in (self.server, self.other):
            self.answer(server.put('/%s/_local/abc123' % self.db, json={
                'session_id': 's', 'source_last_seq': 0, 'history': []}), 201)
        done = self.replicate('--reset-checkpoint', '--id', 'abc123+continuous', '--yes', '--json')
        answer = json.loads(done.output)
        self.assertEqual((answer['event'], answer['id'], answer['at_source'], answer['at_target'], answer['changes']),
                         ('forgotten', 'abc123', True, True, 0))
        self.assertEqual((self.locals(self.server), self.locals(self.other)), ([], []))

    def test_a_terminal_is_asked(self):
        self.save([{'_id': 'a'}])
        self.replicate('--create-target')
        for reply, status, left in ((b'n\n', 1, 1), (b'y\n', 0, 0)):
            master, slave = pty.openpty()
            try:
                os.write(master, reply)
                done = subprocess.run([str(BINARY), 'replicate', self.source, self.target, '--reset-checkpoint'],
                                      stdin=slave, capture_output=True, text=True, timeout=RUN_LIMIT_S,
                                      env=clean_environment())
            finally:
                os.close(slave)
                os.close(master)
            self.assertEqual(done.returncode, status, done)
            self.assertIn('Forget it? [y/N]', done.stdout)
            self.assertEqual(len(self.locals(self.server)), left)

    def test_a_database_that_is_not_there(self):
        self.make_target()
        done = divan('replicate', self.source + '_none', self.target, '--reset-checkpoint', '--yes')
        self.assertEqual(done.status, 1)
        self.assertIn('the source: ', done.errors)

    def test_failures_for_machines(self):
        self.make_target()
        for source, arguments, status, cause, says in (
                (self.source + '_none', ['--yes'], 1, 'source', 'Is the name right?'),
                (self.source.replace('correct', 'wrong'), ['--yes'], 1, 'auth', 'DIVAN_SOURCE_LOGIN'),
                (self.source, ['--yes', '--filter', 'none/f'], 1, 'filter', '_design/none')):
            done = divan('replicate', source, self.target, '--reset-checkpoint', '--json', *arguments)
            self.assertEqual((done.status, done.errors), (status, ''), done)
            answer = json.loads(done.output)
            self.assertEqual((answer['event'], answer['cause']), ('failed', cause))
            self.assertIn(says, answer['reason'])
        self.replicate()
        done = self.replicate('--reset-checkpoint', '--json', status=2)
        self.assertEqual((json.loads(done.output)['event'], done.errors), ('failed', ''))
        self.assertIn('--yes', json.loads(done.output)['reason'])


if __name__ == '__main__':
    unittest.main()
