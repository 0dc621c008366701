"""Replications that documents of a replicator database describe."""
import unittest

from harness.case import wait_until
from harness.fault_proxy import FaultProxy
from harness.replication import (THREE, ReplicationCase, checkpoints, jobs, path_of, scheduler_doc, tasks,
                                 url_of, wait_for_state)

TIME_LIMIT_S = 420
TIME = r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$'
STATS = {'revisions_checked', 'missing_revisions_found', 'docs_read', 'docs_written', 'changes_pending',
         'doc_write_failures', 'bulk_get_docs', 'bulk_get_attempts', 'checkpointed_source_seq'}
STATE_MEMBERS = {'_replication_state', '_replication_state_time', '_replication_state_reason', '_replication_stats',
                 '_replication_id'}


class ReplicatorCase(ReplicationCase):
    replicator = '_replicator'

    def make_document(self, doc_id, source, target, **members):
        """Writes a document that describes a replication; it is deleted when the test ends."""
        doc = {'source': url_of(*source), 'target': url_of(*target), **members}
        answer = self.answer(self.server.put(path_of(self.replicator, doc_id), json=doc), 201)
        self.addCleanup(self.delete_document, doc_id)
        return answer['rev']

    def document(self, doc_id):
        return self.answer(self.server.get(path_of(self.replicator, doc_id)), 200)

    def delete_document(self, doc_id):
        response = self.server.get(path_of(self.replicator, doc_id))
        if response.status_code == 200:
            self.server.delete(path_of(self.replicator, doc_id) + '?rev=' + response.json()['_rev'])

    def wait(self, doc_id, *states):
        return wait_for_state(self.server, doc_id, *states, database=self.replicator)

    def filled(self, kind='pull'):
        source, target = self.places(kind)
        self.bulk(source, THREE)
        return source, target

    def origin(self, place):
        return place[0].url + path_of(place[1]) + '/'


class StateTest(ReplicatorCase):
    def test_completed(self):
        source, target = self.filled()
        self.make_document('once', source, target)
        seen = self.wait('once', 'completed')
        self.assert_same(source, target)
        doc = self.document('once')
        self.assertTrue(doc['_rev'].startswith('2-'), doc)
        self.assertEqual(set(doc), {'_id', '_rev', 'source', 'target', 'owner', '_replication_state',
                                    '_replication_state_time', '_replication_stats'})
        self.assertEqual((doc['owner'], doc['_replication_state']), (self.server.user, 'completed'))
        self.assertRegex(doc['_replication_state_time'], TIME)
        stats = doc['_replication_stats']
        self.assertEqual(set(stats), STATS | {'start_time'})
        self.assertEqual([stats[name] for name in ('revisions_checked', 'missing_revisions_found', 'docs_read',
                                                   'docs_written', 'doc_write_failures')], [3, 3, 3, 3, 0])
        self.assertEqual(set(seen) - {'node'}, {'database', 'doc_id', 'id', 'source', 'target', 'state', 'error_count',
                                                'info', 'start_time', 'last_updated'})
        self.assertEqual((seen['database'], seen['doc_id'], seen['id'], seen['error_count']), ('_replicator', 'once', None, 0))
        self.assertEqual((seen['source'], seen['target']), (self.origin(source), self.origin(target)))
        self.assertEqual(seen['info'], {key: value for key, value in stats.items() if key != 'start_time'})
        self.assertRegex(seen['start_time'], TIME)
        self.assertRegex(seen['last_updated'], TIME)

    def test_running(self):
        source, target = self.filled()
        rev = self.make_document('live', source, target, continuous=True)
        self.assertTrue(wait_until(lambda: self.has(target, 'd2')))
        seen = self.wait('live', 'running')
        self.assertEqual(set(seen) - {'node'}, {'database', 'doc_id', 'id', 'source', 'target', 'state', 'info', 'error_count',
                                                'last_updated', 'start_time', 'source_proxy', 'target_proxy'})
        self.assertRegex(seen['id'], r'^[0-9a-f]{32}\+continuous$')
        self.assertEqual((seen['error_count'], seen['source_proxy'], seen['target_proxy']), (0, None, None))
        self.assertEqual((seen['source'], seen['target']), (self.origin(source), self.origin(target)))
        self.assertTrue(wait_until(lambda: (scheduler_doc(self.server, 'live')['info'] or {}).get('docs_written') == 3))
        self.assertLessEqual(STATS, set(scheduler_doc(self.server, 'live')['info']))
        self.put(source, 'later', {})
        self.assertTrue(wait_until(lambda: self.has(target, 'later')))
        doc = self.document('live')
        self.assertEqual((doc['_rev'], set(doc) & STATE_MEMBERS), (rev, set()))

    def test_states_are_written_when_that_is_set(self):
        setting = '/_node/_local/_config/replicator/update_docs'
        self.answer(self.server.put(setting, json='true'), 200)
        self.addCleanup(self.server.delete, setting)
        source, target = self.filled()
        self.make_document('told', source, target, continuous=True)
        self.assertTrue(wait_until(lambda: self.document('told').get('_replication_state') == 'triggered'))
        self.assertEqual(self.document('told')['_replication_id'], self.wait('told', 'running')['id'])

    def test_crashing(self):
        source, target = self.filled()
        self.answer(target[0].delete(path_of(target[1])), 200)
        self.make_document('crash', source, target, continuous=True)
        seen = self.wait('crash', 'crashing')
        self.assertGreaterEqual(seen['error_count'], 1)
        self.assertIn('could not open ' + self.origin(target), seen['info']['error'])
        self.assertNotIn('_replication_state', self.document('crash'))

    def test_a_filter_that_is_missing_is_tried_again(self):
        source, target = self.filled()
        self.make_document('filtered', source, target, filter='none/none')
        seen = self.wait('filtered', 'error')
        self.assertGreaterEqual(seen['error_count'], 1)
        self.assertIn('error', seen['info'])
        self.assertEqual(self.ids(target), [])

    def test_create_target(self):
        source, target = self.filled()
        self.answer(target[0].delete(path_of(target[1])), 200)
        self.make_document('creates', source, target, create_target=True, continuous=True)
        self.assertTrue(wait_until(lambda: self.has(target, 'd2')))
        self.assertRegex(self.wait('creates', 'running')['id'], r'^[0-9a-f]{32}\+continuous\+create_target$')

    def test_written_with_bulk_docs(self):
        source, target = self.filled()
        docs = [{'_id': 'bulk', 'source': url_of(*source), 'target': url_of(*target)}, {'_id': 'bad', 'source': 'x'}]
        rows = self.answer(self.server.post('/_replicator/_bulk_docs', json={'docs': docs}), 201)
        self.addCleanup(self.delete_document, 'bulk')
        self.assertTrue(rows[0].get('ok'), rows)
        self.assertEqual(rows[1]['error'], 'forbidden')
        self.wait('bulk', 'completed')
        self.assert_same(source, target)


class DuplicateTest(ReplicatorCase):
    def test_the_second_fails(self):
        source, target = self.filled()
        self.make_document('first', source, target, continuous=True)
        job = self.wait('first', 'running')['id']
        self.make_document('second', source, target, continuous=True)
        seen = self.wait('second', 'failed')
        doc = self.document('second')
        self.assertEqual(doc['_replication_state'], 'failed')
        self.assertEqual(doc['_replication_state_reason'],
                         'Replication `%s` specified by document `second` already started, triggered by document `first` '
                         'from db `_replicator`' % job)
        self.assertEqual(seen['info'], {'error': doc['_replication_state_reason']})
        self.assertEqual((seen['id'], seen['error_count']), (None, 1))
        self.assertEqual(scheduler_doc(self.server, 'first')['state'], 'running')
        # Without the first, the second runs once it is written again.
        self.delete_document('first')
        self.assertTrue(wait_until(lambda: scheduler_doc(self.server, 'first') is None))
        body = {key: value for key, value in doc.items() if key not in STATE_MEMBERS}
        self.answer(self.server.put('/_replicator/second', json=body), 201)
        self.wait('second', 'running')

    def test_one_of_replicate_goes_first(self):
        source, target = self.filled()
        job = {'source': url_of(*source), 'target': url_of(*target), 'continuous': True}
        self.answer(self.server.post('/_replicate', json=job), 202)
        self.addCleanup(self.server.post, '/_replicate', json={**job, 'cancel': True})
        self.make_document('late', source, target, continuous=True)
        seen = self.wait('late', 'error')
        self.assertIn('already running as a transient replication', seen['info']['error'])


class EditTest(ReplicatorCase):
    def test_an_edit_restarts(self):
        source, target = self.filled()
        other = (self.server, self.make(self.server, '_other'))
        self.make_document('moves', source, target, continuous=True)
        first = self.wait('moves', 'running')['id']
        self.assertTrue(wait_until(lambda: self.has(target, 'd2')))
        doc = self.document('moves')
        self.answer(self.server.put('/_replicator/moves', json={**doc, 'target': url_of(*other)}), 201)
        self.assertTrue(wait_until(lambda: self.has(other, 'd2')))
        second = self.wait('moves', 'running')
        self.assertNotEqual(second['id'], first)
        self.assertNotIn(first, [job['id'] for job in jobs(self.server)])
        self.put(source, 'later', {})
        self.assertTrue(wait_until(lambda: self.has(other, 'later')))
        self.assertEqual(self.ids(target), ['d0', 'd1', 'd2'])

    def test_a_completed_one_runs_again_when_its_state_is_removed(self):
        source, target = self.filled()
        self.make_document('again', source, target)
        self.wait('again', 'completed')
        self.put(source, 'later', {})
        body = {key: value for key, value in self.document('again').items() if key not in STATE_MEMBERS}
        self.answer(self.server.put('/_replicator/again', json=body), 201)
        self.assertTrue(wait_until(lambda: self.has(target, 'later')))
        self.wait('again', 'completed')

    def test_deletion_stops(self):
        source, target = self.filled()
        self.make_document('ends', source, target, continuous=True)
        job = self.wait('ends', 'running')['id']
        self.assertTrue(wait_until(lambda: self.has(target, 'd2')))
        self.delete_document('ends')
        self.assertTrue(wait_until(lambda: scheduler_doc(self.server, 'ends') is None))
        self.assertTrue(wait_until(lambda: job not in [each['id'] for each in jobs(self.server)]))
        self.assertNotIn('ends', [task['doc_id'] for task in tasks(self.server)])
        # Another one sees what comes now, as the first would have.
        third = (self.server, self.make(self.server, '_third'))
        self.make_document('goes_on', source, third, continuous=True)
        self.assertTrue(wait_until(lambda: self.has(third, 'd2')))
        for doc_id in ('later', 'last'):
            self.put(source, doc_id, {})
            self.assertTrue(wait_until(lambda: self.has(third, doc_id)))
        self.assertEqual(self.ids(target), ['d0', 'd1', 'd2'])
        self.assertEqual(self.error(self.server.get('/_scheduler/docs/_replicator/ends'), 404, 'not_found'), 'missing')

    def test_one_that_says_it_is_completed_is_not_run(self):
        source, target = self.filled()
        self.make_document('done', source, target, _replication_state='completed')
        self.make_document('mark', source, (self.server, self.make(self.server, '_mark')))
        self.wait('mark', 'completed')  # it was seen after the other
        self.assertEqual((self.ids(target), scheduler_doc(self.server, 'done')['state']), ([], 'completed'))


class MalformedTest(ReplicatorCase):
    def test_refused(self):
        source, target = self.places()
        both = {'source': url_of(*source), 'target': url_of(*target)}
        for doc, reason in (
                ({}, 'Missing replicator database'), ({'source': 'x'}, 'Missing replicator database'),
                ({'source': 1, 'target': 2}, None), ({**both, 'doc_ids': 'x'}, None), ({**both, 'continuous': 'x'}, None),
                ({**both, 'filter': 'a/b', 'selector': {'a': 1}}, None), ({**both, 'user_ctx': 1}, None),
                ({**both, 'source': 'ftp://a/b'}, 'endpoint has an invalid url'), ({**both, 'selector': 1}, None),
                ({**both, 'create_target': 1}, None), ({**both, 'worker_processes': 'many'}, None), ({**both, 'worker_processes': -1}, None)):
            with self.subTest(doc=doc):
                found = self.error(self.server.put('/_replicator/bad', json=doc), 403, 'forbidden')
                if reason is not None:
                    self.assertEqual(found, reason)
                self.assertNotIn('correct', found)
        found = self.error(self.server.put('/_replicator/bad', json={**both, 'filter': 'a/b', 'selector': {}}), 403, 'forbidden')
        self.assertIn('`doc_ids`,`filter`,`selector` are mutually exclusive', found)

    def test_taken(self):
        source, target = self.filled()
        self.make_document('text', source, target, worker_processes='1')
        self.wait('text', 'completed')
        self.make_document('none', source, (self.server, self.make(self.server, '_none')), worker_processes=0)
        self.wait('none', 'completed')
        self.answer(self.server.put('/_replicator/_design/d', json={'views': {}}), 201)
        self.answer(self.server.put('/_replicator/_local/l', json={'source': 1}), 201)
        rev = self.document('_design/d')['_rev']
        self.answer(self.server.delete('/_replicator/_design/d?rev=' + rev), 200)

    def test_foreign_failures_are_kept(self):
        """A document that failed elsewhere may say anything."""
        self.answer(self.server.put('/_replicator/failed', json={'source': 'x', '_replication_state': 'failed',
                                                                 '_replication_state_reason': 'why'}), 201)
        self.addCleanup(self.delete_document, 'failed')
        seen = self.wait('failed', 'failed')
        self.assertEqual((seen['info'], seen['error_count']), ({'error': 'why'}, 1))


class RestartTest(ReplicatorCase):
    """The driver is started again; source and target are on the other server, whose port stays."""

    def check(self, end):
        source, target = self.filled('remote')
        other = (self.other, self.make(self.other, '_other'))
        self.make_document('goes-on', source, target, continuous=True)
        self.make_document('is-done', source, other)
        self.wait('is-done', 'completed')
        rev = self.document('is-done')['_rev']
        self.assertTrue(wait_until(lambda: self.has(target, 'd2') and checkpoints(*target)))
        end()
        self.bulk(source, [{'_id': 'meanwhile'}])
        self.server.start()
        self.assertTrue(wait_until(lambda: self.has(target, 'meanwhile')))
        seen = self.wait('goes-on', 'running')
        self.assertEqual(seen['error_count'], 0)
        self.assertTrue(wait_until(lambda: len(self.history(target)) == 2))
        newest, before = self.history(target)
        self.assertEqual(newest['start_last_seq'], before['recorded_seq'])
        self.assertEqual(newest['docs_read'] - before['docs_read'], 1)
        # What was completed is not run again, and is still told.
        self.assertEqual(scheduler_doc(self.server, 'is-done')['state'], 'completed')
        self.assertEqual((self.document('is-done')['_rev'], self.ids(other)), (rev, ['d0', 'd1', 'd2']))

    def history(self, place):
        (doc,) = checkpoints(*place).values()
        return doc['history']

    def test_after_a_stop(self):
        self.check(self.server.stop)

    def test_after_a_kill(self):
        self.check(self.server.kill)

    def test_a_stop_is_quick_and_records_what_was_done(self):
        source, target = self.filled('remote')
        self.make_document('goes-on', source, target, continuous=True)
        self.assertTrue(wait_until(lambda: self.has(target, 'd2')))
        self.server.stop()  # asserts status 0 and no error in the log
        self.assertEqual(len(self.history(target)), 1)
        self.server.start()


class OtherDatabasesTest(ReplicatorCase):
    replicator = 'team/_replicator'

    def setUp(self):
        super().setUp()
        self.answer(self.server.put(path_of(self.replicator)), 201)
        self.addCleanup(lambda: self.server.delete(path_of(self.replicator)))

    def test_a_replicator_database_of_another_name(self):
        source, target = self.filled()
        self.make_document('once', source, target)
        seen = self.wait('once', 'completed')
        self.assertEqual((seen['database'], seen['doc_id']), (self.replicator, 'once'))
        for path in ('team%2F_replicator/once', 'team/_replicator/once'):
            self.assertEqual(self.answer(self.server.get('/_scheduler/docs/' + path), 200)['state'], 'completed')
        for path in ('team%2F_replicator', 'team/_replicator'):
            rows = self.answer(self.server.get('/_scheduler/docs/' + path), 200)['docs']
            self.assertEqual([row['doc_id'] for row in rows], ['once'])
        self.assertIsNone(scheduler_doc(self.server, 'once'))
        self.error(self.server.put(path_of(self.replicator, 'bad'), json={'source': 'x'}), 403, 'forbidden')

    def test_its_end_ends_its_jobs(self):
        source, target = self.filled()
        self.make_document('live', source, target, continuous=True)
        job = self.wait('live', 'running')['id']
        self.answer(self.server.delete(path_of(self.replicator)), 200)
        self.assertTrue(wait_until(lambda: job not in [each['id'] for each in jobs(self.server)]))


class RetryTest(ReplicatorCase):
    def test_a_short_outage_does_not_crash_the_job(self):
        """Requests are tried again before a job gives up."""
        source, target = self.places('pull')
        self.bulk(source, THREE)
        with FaultProxy(self.other) as proxy:
            doc = {'source': url_of(*source, proxy), 'target': url_of(*target), 'continuous': True}
            self.answer(self.server.put('/_replicator/shaky', json=doc), 201)
            self.addCleanup(self.delete_document, 'shaky')
            self.assertTrue(wait_until(lambda: self.has(target, 'd2')))
            for number in range(3):
                proxy.cut_all()
                self.put(source, 'later%d' % number, {})
                self.assertTrue(wait_until(lambda number=number: self.has(target, 'later%d' % number)))
            self.assertEqual(self.wait('shaky', 'running')['error_count'], 0)
            self.delete_document('shaky')


if __name__ == '__main__':
    unittest.main()
