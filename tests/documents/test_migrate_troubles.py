"""`divan migrate` where something is wrong: command lines, passwords, servers that fail or answer oddly."""
import http.server
import json
import socket
import threading
import time
import unittest
import urllib.parse

from harness.command import RUN_LIMIT_S, Running, divan
from harness.fault_proxy import FaultProxy
from harness.migration import MigrateCase

ALWAYS = 1_000_000  # requests


class UnreadableTest(MigrateCase):
    """One database of the old server cannot be read."""

    def setUp(self):
        super().setUp()
        self.good, self.bad = self.make('_a_good', docs=[{'_id': 'a'}]), self.make('_bad', docs=[{'_id': 'b'}])
        self.proxy = FaultProxy(self.server.url)
        self.proxy.start()
        self.addCleanup(self.proxy.stop)
        self.old_url = self.proxy.url(self.old_url)

    def break_it(self):
        self.proxy.answer(500, ALWAYS, path='^%s$' % self.bad)

    def test_the_others_come_over(self):
        self.make('_later', docs=[{'_id': 'c'}])
        self.break_it()
        done = self.migrate(status=1)
        self.assertRegex(done.errors, r'^divan: %s_bad: the old server: the server answered 500[^\n]*\n$' % self.name)
        self.assertIn(' 1 FAILED', done.output)
        self.assertRegex(done.output, r'\ndone: 3 databases, 2 documents copied, .* 2 compared and equal, 1 FAILED')
        self.assertEqual(self.new.get(self.bad).status_code, 404)
        events = self.events(status=1)
        failed, = [event for event in events if event['event'] == 'database' and not event['ok']]
        self.assertEqual((failed['database'], '500' in failed['reason']), (self.name + '_bad', True))
        self.assertEqual((events[-1]['databases'], events[-1]['failed'], events[-1]['compared']), (3, 1, 2))
        self.assertIn('_bad: the old server: ', self.migrate('--dry-run', status=1).errors)

    def test_the_others_are_followed(self):
        with Running(*self.arguments('--follow', '--follow-interval', 1)) as running:
            running.await_line('up to date')
            self.break_it()
            running.await_line('%s_bad: the old server: ' % self.name)
            self.answer(self.server.put(self.good + '/new', json={}), 201)
            running.await_line('%s_a_good: 1 documents copied' % self.name)
            self.assertEqual(self.new.get(self.good + '/new').status_code, 200)
            # Back again.
            self.answer(self.server.put(self.bad + '/new', json={}), 201)
            self.proxy.clear()
            running.await_line('%s_bad: 1 documents copied' % self.name)
            running.await_line('up to date, 4 documents written')
            status, text = running.interrupt()
            self.assertEqual(status, 0, text)
            self.assertRegex(text, r'\nstopped: 2 databases, 4 documents copied, .* 2 compared and equal, [\d.]+ s\n')

    def test_one_that_fails_still_when_it_is_stopped(self):
        with Running(*self.arguments('--follow', '--follow-interval', 1)) as running:
            running.await_line('up to date')
            self.break_it()
            running.await_line('%s_bad: the old server: ' % self.name)
            status, text = running.interrupt()
            self.assertEqual(status, 1, text)
            self.assertIn(' 1 FAILED', text)

    def test_one_that_is_deleted_fails_no_more(self):
        with Running(*self.arguments('--follow', '--follow-interval', 1)) as running:
            running.await_line('up to date')
            self.break_it()
            running.await_line('%s_bad: the old server: ' % self.name)
            self.answer(self.server.delete(self.bad), 200)
            running.await_line('up to date')
            status, text = running.interrupt()
            self.assertEqual(status, 0, text)
            self.assertNotIn('FAILED', text)

    def test_a_server_that_is_away_is_told_once(self):
        with Running(*self.arguments('--follow', '--follow-interval', 1)) as running:
            running.await_line('up to date')
            self.proxy.answer(503, ALWAYS)
            running.await_line('Looking again every 1 s.')
            self.answer(self.server.put(self.good + '/new', json={}), 201)
            self.proxy.clear()
            running.await_line('%s_a_good: 1 documents copied' % self.name)
            running.await_line('up to date')
            status, text = running.interrupt()
            self.assertEqual((status, text.count('Looking again')), (0, 1), text)


class TotalsTest(MigrateCase):
    def test_sums_over_all_rounds(self):
        path = self.make(docs=[{'_id': 'a'}])
        with Running(*self.arguments('--follow', '--follow-interval', 1, '--json')) as running:
            running.await_line('up_to_date')
            self.answer(self.server.put(path + '/b', json={}), 201)
            running.await_line('"up_to_date","docs_written":2')
            # Made meanwhile, with a document that the new server does not take.
            fresh = '/' + urllib.parse.quote(self.name + '_fresh', safe='')
            self.addCleanup(self.server.delete, fresh)
            self.addCleanup(self.new.delete, fresh)
            self.answer(self.new.put(fresh), 201)
            self.answer(self.new.put(fresh + '/_design/v', json={
                'validate_doc_update': 'function (doc) { if (doc._id === "bad") throw {forbidden: "no"} }'}), 201)
            self.answer(self.server.put(fresh), 201)
            self.answer(self.server.post(fresh + '/_bulk_docs', json={'docs': [{'_id': 'bad'}, {'_id': 'good'}]}), 201)
            database = json.loads(running.await_line('"database":"%s_fresh"' % self.name))
            self.assertEqual((database['event'], database['ok'], database['equal']), ('database', True, False))
            running.await_line('up_to_date')
            status, text = running.interrupt()
        self.assertEqual(status, 3, text)
        last = json.loads(text.splitlines()[-1])
        self.assertEqual({key: last[key] for key in ('event', 'databases', 'failed', 'compared', 'differing', 'docs_written',
                                                     'docs_refused', 'status')},
                         {'event': 'stopped', 'databases': 2, 'failed': 0, 'compared': 2, 'differing': 1, 'docs_written': 3,
                          'docs_refused': 1, 'status': 3})


class Listing(http.server.BaseHTTPRequestHandler):
    """An old server with a `_replicator` of many documents, of which the last one of each page goes when the page
    has been read."""

    protocol_version = 'HTTP/1.1'
    ids = []
    ignores_startkey = False

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == '/_all_dbs':
            self.answer(['_replicator'])
        elif url.path == '/_replicator':
            self.answer({'db_name': '_replicator', 'update_seq': '1-x', 'doc_count': len(self.ids)})
        elif url.path == '/_replicator/_all_docs':
            self.answer({'rows': self.page(query)})
        elif url.path == '/_replicator/_security':
            self.answer({})
        else:
            self.answer(1000)  # _revs_limit

    def page(self, query):
        first = '' if self.ignores_startkey else json.loads(query.get('startkey', '""'))
        chosen = [name for name in self.ids if name >= first][:int(query['limit'])]
        if len(chosen) == int(query['limit']) and not self.ignores_startkey:
            self.ids.remove(chosen[-1])
        return [{'id': name, 'key': name, 'doc': {'_id': name, '_rev': '1-x', 'source': 'http://127.0.0.1:1/a',
                                                  'target': 'http://127.0.0.1:1/b'}} for name in chosen]

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class PagesTest(MigrateCase):
    def old_server(self, count, **members):
        names = [self.name + '_%04d' % number for number in range(count)]
        handler = type('Handler', (Listing,), {'ids': list(names), **members})
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return 'http://127.0.0.1:%d' % server.server_address[1], names

    def test_where_a_page_begins_may_be_gone(self):
        old, names = self.old_server(250)
        done = divan('migrate', old, '--to', self.new_url, '--no-verify')
        self.assertEqual(done.status, 0, done)
        self.assertRegex(done.output, r'\n_replicator: 250 documents copied, 250 of them paused')
        rows = self.answer(self.new.get('/_replicator/_all_docs?startkey="%s"' % names[0]), 200)['rows']
        self.assertEqual([row['id'] for row in rows if row['id'].startswith(self.name)], names)

    def test_a_listing_that_does_not_go_on(self):
        old, _ = self.old_server(100, ignores_startkey=True)
        done = divan('migrate', old, '--to', self.new_url, '--no-verify')
        self.assertEqual(done.status, 1, done)
        self.assertIn('does not go on behind `%s_0099`' % self.name, done.errors)

    def test_many_local_documents(self):
        path = self.make()
        for number in range(201):
            self.answer(self.server.put('%s/_local/c%03d' % (path, number), json={'n': number}), 201)
        self.assertIn(', 201 _local documents', self.migrate('--local-documents').output)
        self.assertEqual(self.new.get(path + '/_local/c200').json()['n'], 200)


class UsageTest(MigrateCase):
    def test_what_fails(self):
        self.make()
        wrong = self.old_url.replace('correct', 'wrong')
        for arguments, status, says in (
                ([], 2, ['SERVER is required', 'divan migrate --help']),
                (['x', '--to', self.new_url], 2, ['http://']),
                ([self.old_url, self.new_url], 2, ['not expected', 'admin:***']),
                ([self.old_url, '--timeout', '0'], 2, ['--timeout']),
                ([self.old_url, '--to', self.old_url], 2, ['are the same', '--to']),
                ([self.old_url, '--parallel', '0'], 2, ['--parallel']),
                ([self.old_url, '--to', self.new_url, '--bearer-source', 'NO_SUCH_VARIABLE'], 2, ['NO_SUCH_VARIABLE']),
                ([wrong, '--to', self.new_url], 1,
                 ['the old server: ', '401', 'NAME:PASSWORD', 'DIVAN_SOURCE_LOGIN', '--bearer-source']),
                ([self.old_url, '--to', self.new_url.replace('correct', 'wrong')], 1,
                 ['the new server: ', '401', 'DIVAN_TARGET_LOGIN', '--bearer-target']),
                (['http://127.0.0.1:1', '--to', self.new_url], 1, ['the old server: Cannot connect']),
                ([self.old_url, '--to', self.new_url, '--databases', self.name, '--databases', 'none*', '--databases', 'nor'], 2,
                 ['no database that matches none*, nor'])):
            done = divan('migrate', *arguments)
            self.assertEqual((done.status, done.errors.count('\n')), (status, 1), done)
            for part in says:
                self.assertIn(part, done.errors)
            self.assertNotIn('horse', done.output + done.errors)

    def test_a_server_that_is_silent(self):
        with socket.create_server(('127.0.0.1', 0)) as silent:
            began = time.monotonic()
            done = divan('migrate', 'http://127.0.0.1:%d' % silent.getsockname()[1], '--to', self.new_url, '--timeout', 1)
            self.assertLess(time.monotonic() - began, RUN_LIMIT_S / 2)
        self.assertEqual((done.status, done.errors.count('\n')), (1, 1), done)
        self.assertIn('the old server: ', done.errors)

    def test_logins_from_the_environment(self):
        path = self.make(docs=[{'_id': 'a'}])
        login = '%s:%s' % (self.server.user, self.server.password)
        done = divan('migrate', self.server.url, '--databases', self.name, environment={
            'DIVAN_URL': self.new.url, 'DIVAN_SOURCE_LOGIN': login, 'DIVAN_TARGET_LOGIN': login})
        self.assertEqual(done.status, 0, done)
        self.assertEqual(self.new.get(path + '/a').status_code, 200)

    def test_help(self):
        done = divan('migrate', '--help')
        for part in ('SERVER', '--to', 'DIVAN_URL', '--dry-run', '--follow', '--exclude', '--local-documents',
                     'DIVAN_SOURCE_LOGIN', 'Status: 0', 'docs/migration.md'):
            self.assertIn(part, done.output)


if __name__ == '__main__':
    unittest.main()
