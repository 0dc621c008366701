"""`divan migrate`: every database of a server, copied to another one."""
import base64
import pathlib
import signal
import unittest

from harness.case import wait_until
from harness.command import Running, divan, divan_on_terminal
from harness.migration import MigrateCase


class WholeTest(MigrateCase):
    def test_everything_of_a_database(self):
        plain = self.make(docs=[{'_id': 'd%d' % i, 'n': i} for i in range(20)])
        nested = self.make('/a+b', docs=[{'_id': 'x'}])
        parted = self.make('_parted', docs=[{'_id': 'p:1'}], query='?partitioned=true&q=4')
        # A conflict, a deleted document, attachments, a design document.
        self.answer(self.server.post(plain + '/_bulk_docs', json={'new_edits': False, 'docs': [
            {'_id': 'd1', '_rev': '1-0', 'other': True},
            {'_id': 'gone', '_rev': '2-b', '_revisions': {'start': 2, 'ids': ['b', 'a']}, '_deleted': True}]}), 201)
        content = bytes(range(256)) * 1000
        self.answer(self.server.put(plain + '/file', json={'_attachments': {
            'b': {'content_type': 'application/octet-stream', 'data': base64.b64encode(content).decode()}}}), 201)
        self.answer(self.server.put(plain + '/_design/d', json={'views': {'v': {'map': 'function (d) { emit(d.n) }'}}}), 201)
        security = {'admins': {'names': ['a'], 'roles': []}, 'members': {'names': [], 'roles': ['m']}}
        self.answer(self.server.put(plain + '/_security', json=security), 200)
        self.answer(self.server.put(plain + '/_revs_limit', data='7'), 200)

        done = self.migrate()
        self.assertEqual(done.errors, '')
        self.assertRegex(done.output, r'\n%s: 24 documents copied, [\d.]+ kB, equal: 23 documents with all their leaves\n'
                         % self.name)
        self.assertRegex(done.output, r'\ndone: 3 databases, 26 documents copied, .* 3 compared and equal, ')
        self.assertIn('begins at the start, once', done.output)
        for path in (plain, nested, parted):
            self.assertEqual(self.leaves(self.new, path), self.leaves(self.server, path))
        self.assertEqual(self.new.get(plain + '/file/b').content, content)
        self.assertEqual(self.new.get(plain + '/_security').json(), security)
        self.assertEqual(self.new.get(plain + '/_revs_limit').json(), 7)
        info = self.new.get(parted).json()
        self.assertEqual((info['cluster']['q'], info['props']), (4, {'partitioned': True}))

        # Again: nothing is read twice.
        answer = self.events()
        self.assertEqual([(event['docs_read'], event['ok'], event['differences']) for event in answer
                          if event['event'] == 'database'], [(0, True, 0)] * 3)
        self.assertEqual({key: answer[-1][key] for key in ('event', 'databases', 'differing', 'failed', 'status')},
                         {'event': 'done', 'databases': 3, 'differing': 0, 'failed': 0, 'status': 0})

    def test_dry_run(self):
        self.make('_a', docs=[{'_id': 'x'}, {'_id': 'y'}])
        self.make('_b', query='?partitioned=true&q=4')
        done = self.migrate('--dry-run')
        self.assertRegex(done.output, r'database +documents +deleted +size +q +partitioned\n')
        self.assertRegex(done.output, r'\n%s_a +2 +0 +[\d.]+ k?B +\d+\n' % self.name)
        self.assertRegex(done.output, r'\n%s_b +0 +0 +[\d.]+ k?B +4 +yes\n' % self.name)
        self.assertRegex(done.output, r'\nall +2 +0 ')
        self.assertEqual(self.new.get(self.path('_a')).status_code, 404)
        plan = [event for event in self.events('--dry-run') if event['event'] == 'plan']
        self.assertEqual([(entry['documents'], entry['q'], entry['partitioned']) for entry in plan][1], (0, 4, True))
        # Some of them.
        done = self.migrate('--dry-run', '--exclude', '*_b')
        self.assertNotIn(self.name + '_b', done.output)

    def test_what_belongs_to_the_old_server_stays_there(self):
        self.server.put('/_global_changes')  # it may be there
        self.make()
        self.assertIn('Left out, as they belong to the old server: _global_changes\n', self.migrate().output)

    def test_a_terminal_shows_a_bar(self):
        self.make(docs=[{'_id': 'd%04d' % i, 'text': 'x' * 200} for i in range(1500)])
        status, text = divan_on_terminal(*self.arguments('--kilobytes-per-second', 300, '--batch-size', 100))
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r'\r\x1b\[K\[#*-*\] \d+ %, [\d,]+ of 1,500 changes')
        self.assertRegex(text, r'\r\x1b\[K%s: 1,500 documents copied' % self.name)

    def test_a_stop_and_another_run(self):
        path = self.make(docs=[{'_id': 'd%04d' % i, 'text': 'x' * 500} for i in range(3000)])
        slowly = ['--kilobytes-per-second', '200', '--batch-size', '50', '--workers', '1']
        with Running(*self.arguments(*slowly)) as running:
            self.assertTrue(wait_until(lambda: self.new.get(path).status_code == 200 and
                                       self.new.get(path).json()['doc_count'] > 200))
            status, text = running.interrupt()
            self.assertEqual(status, 1, text)
            self.assertIn('goes on from its last checkpoints', text)
        there = self.new.get(path).json()['doc_count']
        self.assertLess(there, 3000)
        database, = [event for event in self.events() if event['event'] == 'database']
        self.assertLessEqual(database['docs_read'], 3000 - 200)
        self.assertEqual((database['ok'], database['differences']), (True, 0))
        self.assertEqual(self.new.get(path).json()['doc_count'], 3000)

    def test_local_documents(self):
        path = self.make(docs=[{'_id': 'a'}])
        for name in ('of-a-client', 'purge-mrview-x', 'shard-sync-x'):
            self.answer(self.server.put('%s/_local/%s' % (path, name), json={'mine': 1}), 201)
        self.migrate()
        self.assertEqual(self.new.get(path + '/_local/of-a-client').status_code, 404)
        done = self.migrate('--local-documents')
        self.assertIn(', 1 _local documents', done.output)
        self.assertIn('Who pushes goes on where it was', done.output)
        self.assertEqual(self.new.get(path + '/_local/of-a-client').json()['mine'], 1)
        for name in ('purge-mrview-x', 'shard-sync-x'):
            self.assertEqual(self.new.get('%s/_local/%s' % (path, name)).status_code, 404)
        # What is there is not replaced.
        self.answer(self.new.put(path + '/_local/of-a-client', json={'mine': 2, '_rev': '0-1'}), 201)
        self.migrate('--local-documents')
        self.assertEqual(self.new.get(path + '/_local/of-a-client').json()['mine'], 2)

    def test_a_database_of_another_kind_is_there(self):
        path = self.make(docs=[{'_id': 'p:1'}], query='?partitioned=true')
        self.make('_good', docs=[{'_id': 'a'}])
        self.answer(self.new.put(path), 201)
        done = self.migrate(status=1)
        self.assertIn('%s: ' % self.name, done.errors)
        self.assertIn('--exclude', done.errors)
        self.assertIn('1 FAILED', done.output)
        self.assertEqual(self.new.get(self.path('_good') + '/a').status_code, 200)


class DifferenceTest(MigrateCase):
    def test_what_differs_is_shown(self):
        path = self.make(docs=[{'_id': 'd%d' % i} for i in range(30)])
        self.migrate()
        gone = self.new.get(path + '/d7').json()['_rev']
        self.answer(self.new.post(path + '/_purge', json={'d7': [gone]}), 201)
        self.answer(self.new.put(path + '/mine', json={}), 201)
        self.answer(self.new.put(path + '/_revs_limit', data='3'), 200)
        # A client has changed it there.
        self.answer(self.new.put(path + '/d8', json={'_rev': self.new.get(path + '/d8').json()['_rev']}), 201)
        done = self.migrate(status=3)
        self.assertIn('DIFFERS', done.output)
        self.assertIn('%s: `d7` is only at the old server: %s\n' % (self.name, gone), done.errors)
        self.assertIn('`mine` is only at the new server: 1-', done.errors)
        self.assertRegex(done.errors, r'`d8` differs: 1-\w+ at the old server, 2-\w+ at the new one\n')
        # The old server's setting was set again before anything was compared.
        self.assertEqual(self.new.get(path + '/_revs_limit').json(), 1000)
        events = self.events('--differences', 1, status=3)
        self.assertEqual([event['difference'] for event in events if event['event'] == 'difference'],
                         ['`d7` is only at the old server: ' + gone, '... and 2 more documents'])
        self.assertEqual([event['differences'] for event in events if event['event'] == 'database'], [3])
        self.assertIn('0 documents copied', self.migrate('--no-verify').output)

    def test_documents_that_the_new_server_refuses(self):
        path = self.make(docs=[{'_id': 'bad'}, {'_id': 'good'}])
        self.answer(self.new.put(path), 201)
        self.answer(self.new.put(path + '/_design/v', json={
            'validate_doc_update': 'function (doc) { if (doc._id === "bad") throw {forbidden: "no"} }'}), 201)
        done = self.migrate(status=3)
        self.assertIn('the new server refuses document `bad` (1-', done.errors)
        self.assertIn(' of %s%s/: forbidden, no\n' % (self.server.url, path), done.errors)
        self.assertIn('1 documents REFUSED', done.output)


class SystemDatabasesTest(MigrateCase):
    def test_users_keep_their_passwords(self):
        self.answer(self.server.put('/_users/org.couchdb.user:ann', json={
            'name': 'ann', 'password': 'her secret', 'roles': ['r'], 'type': 'user'}), 201)
        done = divan('migrate', self.old_url, '--to', self.new_url, '--databases', '_users')
        self.assertEqual(done.status, 0, done)
        old, new = (server.get('/_users/org.couchdb.user:ann').json() for server in (self.server, self.new))
        self.assertEqual(old, new)

    def test_replications_do_not_run_twice(self):
        self.make('_from', docs=[{'_id': 'a'}])
        self.make('_to')
        jobs = {
            'running': {'source': self.old_url + self.path('_from'), 'target': self.old_url + self.path('_to'),
                        'continuous': True, 'owner': 'admin'},
            'ended': {'source': self.old_url + self.path('_from'), 'target': self.old_url + self.path('_to'),
                      '_replication_state': 'completed', '_replication_state_time': '2024-01-01T00:00:00Z',
                      'owner': 'admin'}}
        for name, job in jobs.items():
            self.answer(self.server.put('/_replicator/' + name, json=job), 201)
        done = divan('migrate', self.old_url, '--to', self.new_url, '--databases', '_replicator')
        self.assertEqual(done.status, 0, done)
        self.assertRegex(done.output, r'\n_replicator: 2 documents copied, 1 of them paused')
        self.assertIn('To start one, write it', done.output)
        running = self.new.get('/_replicator/running').json()
        self.assertEqual((running['_replication_state'], running['source'], running['owner']),
                         ('failed', jobs['running']['source'], 'admin'))
        self.assertIn('paused by divan migrate', running['_replication_state_reason'])
        ended = self.new.get('/_replicator/ended').json()
        self.assertEqual((ended['_replication_state'], ended['_replication_state_time']),
                         ('completed', '2024-01-01T00:00:00Z'))
        # What the operator does with them is not undone.
        started = {key: value for key, value in running.items() if not key.startswith('_replication_')}
        self.answer(self.new.put('/_replicator/running', json=started), 201)
        self.answer(self.new.delete('/_replicator/ended?rev=' + ended['_rev']), 200)
        done = divan('migrate', self.old_url, '--to', self.new_url, '--databases', '_replicator')
        self.assertRegex(done.output, r'\n_replicator: 0 documents copied')
        self.assertEqual(self.new.get('/_replicator/ended').status_code, 404)


class FollowTest(MigrateCase):
    def test_what_is_written_meanwhile(self):
        path = self.make(docs=[{'_id': 'a'}])
        with Running(*self.arguments('--follow', '--follow-interval', 1)) as running:
            running.await_line('up to date')
            self.answer(self.server.put(path + '/b', json={}), 201)
            running.await_line('%s: 1 documents copied' % self.name)
            self.assertEqual(self.new.get(path + '/b').status_code, 200)
            fresh = self.make('_fresh', docs=[{'_id': 'c'}])
            running.await_line('%s_fresh: 1 documents copied' % self.name)
            self.assertEqual(self.new.get(fresh + '/c').status_code, 200)
            running.await_line('up to date, 3 documents written')
            status, text = running.interrupt(signal.SIGTERM)
            self.assertEqual(status, 0, text)
            self.assertIn('begins at the start, once', text)

    def test_what_fails_is_tried_again(self):
        path = self.make(docs=[{'_id': 'p:1'}], query='?partitioned=true')
        self.answer(self.new.put(path), 201)
        with Running(*self.arguments('--follow', '--follow-interval', 1)) as running:
            running.await_line('--exclude')
            self.answer(self.new.delete(path), 200)
            running.await_line('%s: 1 documents copied' % self.name)
            running.await_line('up to date')
            status, text = running.interrupt()
            self.assertEqual(status, 0, text)
            self.assertIn('\nstopped: ', text)
            self.assertNotIn('FAILED', text)

    def test_passwords_are_hidden(self):
        self.make()
        with Running(*self.arguments('--follow')) as running:
            running.await_line('up to date')
            line = pathlib.Path('/proc/%d/cmdline' % running.process.pid).read_bytes().decode()
            self.assertNotIn('horse', line)
            self.assertEqual(running.interrupt()[0], 0)


if __name__ == '__main__':
    unittest.main()
