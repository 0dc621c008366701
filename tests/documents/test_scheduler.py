"""What the scheduler tells of its jobs and documents, and the rows of _active_tasks."""
import time
import unittest

from harness.case import wait_until
from harness.replication import (QUICK, THREE, ReplicationCase, jobs, path_of, scheduler_doc, tasks, url_of,
                                 wait_for_state)

TIME_LIMIT_S = 300
TIME = r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$'
JOBS = 5


class SchedulerTest(ReplicationCase):
    """Some jobs for all tests: the sources and targets are made once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other.put('/source')
        cls.other.post('/source/_bulk_docs', json={'docs': THREE})
        for number in range(JOBS):
            cls.server.put('/target%d' % number)
            cls.put_document('live%d' % number, 'target%d' % number, continuous=True)
        cls.put_document('once', 'target0')
        cls.put_document('crash', 'nothing', continuous=True)
        cls.put_document('twice', 'target0', continuous=True)

    @classmethod
    def put_document(cls, doc_id, target, **members):
        cls.server.put('/_replicator/' + doc_id, json={
            'source': url_of(cls.other, 'source'), 'target': url_of(cls.server, target), **members})

    failure = None

    def settled(self):
        """Waits until every job is in its state; a wait that failed once is not waited for again."""
        if SchedulerTest.failure is None:
            SchedulerTest.failure = ''
            try:
                self.wait_for_all()
            except AssertionError as failure:
                SchedulerTest.failure = str(failure)
        self.assertEqual(SchedulerTest.failure, '')

    def wait_for_all(self):
        for number in range(JOBS):
            wait_for_state(self.server, 'live%d' % number, 'running')
        wait_for_state(self.server, 'once', 'completed')
        wait_for_state(self.server, 'crash', 'crashing')
        wait_for_state(self.server, 'twice', 'failed')

    def test_jobs(self):
        self.settled()
        answer = self.answer(self.server.get('/_scheduler/jobs'), 200)
        self.assertEqual((answer['total_rows'], answer['offset']), (JOBS + 1, 0))
        ids = [job['id'] for job in answer['jobs']]
        self.assertEqual(ids, sorted(ids))
        self.assertEqual({job['doc_id'] for job in answer['jobs']}, {'live%d' % number for number in range(JOBS)} | {'crash'})
        for job in answer['jobs']:
            self.assertEqual(set(job), {'id', 'pid', 'source', 'target', 'database', 'user', 'doc_id', 'info', 'history',
                                        'node', 'start_time'})
            self.assertEqual((job['database'], job['source']), ('_replicator', self.other.url + '/source/'))
            self.assertRegex(job['start_time'], TIME)
            self.assertGreaterEqual(len(job['history']), 2)
            for event in job['history']:
                self.assertRegex(event['timestamp'], TIME)
                self.assertIn(event['type'], ('added', 'started', 'stopped', 'crashed'))
                self.assertEqual('reason' in event, event['type'] == 'crashed')
            self.assertEqual(job['history'][-1]['type'], 'added')
            times = [event['timestamp'] for event in job['history']]
            self.assertEqual(times, sorted(times, reverse=True))
        crashed = next(job for job in answer['jobs'] if job['doc_id'] == 'crash')
        reason = next(event['reason'] for event in crashed['history'] if event['type'] == 'crashed')
        self.assertIn('could not open %s/nothing/' % self.server.url, reason)

    def test_pages_of_jobs(self):
        self.settled()
        ids = [job['id'] for job in jobs(self.server)]
        for query, expected in (('limit=2', ids[:2]), ('limit=2&skip=2', ids[2:4]), ('skip=100', []), ('limit=0', []),
                                ('limit=100&skip=%d' % (len(ids) - 1), ids[-1:])):
            answer = self.answer(self.server.get('/_scheduler/jobs?' + query), 200)
            self.assertEqual([job['id'] for job in answer['jobs']], expected, query)
            self.assertEqual(answer['total_rows'], len(ids))
        self.assertEqual(self.answer(self.server.get('/_scheduler/jobs?skip=3'), 200)['offset'], 3)
        self.assertEqual(self.error(self.server.get('/_scheduler/jobs?limit=x'), 400, 'query_parse_error'),
                         'limit must be an integer')
        self.error(self.server.get('/_scheduler/jobs?skip=-1'), 400, 'query_parse_error')

    def test_one_job(self):
        self.settled()
        job = next(job for job in jobs(self.server) if job['doc_id'] == 'live0')
        for written in (job['id'], job['id'].replace('+', '%2B'), job['id'].replace('+', '%20')):
            found = self.answer(self.server.get('/_scheduler/jobs/' + written), 200)
            self.assertEqual((found['id'], found['doc_id']), (job['id'], 'live0'))
        self.assertEqual(self.error(self.server.get('/_scheduler/jobs/nope'), 404, 'not_found'), 'missing')

    def docs(self, query=''):
        return self.answer(self.server.get('/_scheduler/docs?' + query), 200)

    def test_docs(self):
        self.settled()
        everything = sorted(['live%d' % number for number in range(JOBS)] + ['crash', 'once', 'twice'])
        for path in ('/_scheduler/docs', '/_scheduler/docs/_replicator'):
            answer = self.answer(self.server.get(path), 200)
            self.assertEqual([row['doc_id'] for row in answer['docs']], everything)
            self.assertEqual((answer['total_rows'], answer['offset']), (len(everything), 0))
        for row in answer['docs']:
            self.assertLessEqual({'database', 'doc_id', 'id', 'state', 'info', 'error_count', 'last_updated', 'start_time'}, set(row))
            self.assertEqual(row['id'] is None, row['state'] in ('completed', 'failed'))
            single = scheduler_doc(self.server, row['doc_id'])
            self.assertEqual((single['state'], single['id']), (row['state'], row['id']))

    def test_states(self):
        self.settled()
        for states, expected in (('completed', ['once']), ('failed,completed', ['once', 'twice']), ('crashing', ['crash']),
                                 ('running', ['live%d' % number for number in range(JOBS)]), ('COMPLETED', ['once']),
                                 ('initializing', [])):
            self.assertEqual([row['doc_id'] for row in self.docs('states=' + states)['docs']], expected)
        reason = self.error(self.server.get('/_scheduler/docs?states=x'), 400, 'query_parse_error')
        self.assertEqual(reason, 'Unknown states [x]. Choose from: '
                                 '[initializing,error,running,pending,crashing,completed,failed]')

    def test_pages_of_docs(self):
        self.settled()
        ids = [row['doc_id'] for row in self.docs()['docs']]
        for query, expected in (('limit=2', ids[:2]), ('limit=3&skip=2', ids[2:5]), ('skip=100', []), ('limit=0', []),
                                ('descending=true', ids[::-1]), ('startkey="live2"', ids[ids.index('live2'):])):
            self.assertEqual([row['doc_id'] for row in self.docs(query)['docs']], expected, query)
        self.assertEqual(self.error(self.server.get('/_scheduler/docs?limit=x'), 400, 'query_parse_error'),
                         'Invalid value for integer: "x"')

    def test_active_tasks(self):
        self.settled()
        self.assertTrue(wait_until(lambda: len(tasks(self.server)) == JOBS))
        rows = tasks(self.server)
        self.assertEqual({row['doc_id'] for row in rows}, {'live%d' % number for number in range(JOBS)})
        running = {job['doc_id']: job['id'] for job in jobs(self.server)}
        for row in rows:
            self.assertLessEqual({
                'type', 'pid', 'node', 'started_on', 'updated_on', 'replication_id', 'doc_id', 'database', 'user', 'source',
                'target', 'continuous', 'checkpoint_interval', 'checkpointed_source_seq', 'source_seq', 'through_seq',
                'docs_read', 'docs_written', 'doc_write_failures', 'missing_revisions_found', 'revisions_checked',
                'changes_pending', 'bulk_get_attempts', 'bulk_get_docs'}, set(row))
            self.assertEqual(row['replication_id'], running[row['doc_id']])
            self.assertEqual((row['continuous'], row['database'], row['source']),
                             (True, '_replicator', self.other.url + '/source/'))
            self.assertTrue(abs(row['started_on'] - time.time()) < 300)
        self.assertTrue(wait_until(lambda: all(row['docs_written'] == 3 for row in tasks(self.server))))

    def test_a_job_of_replicate(self):
        source, target = self.places('pull')
        job = {'source': url_of(*source), 'target': target[1], 'continuous': True}
        job_id = self.answer(self.server.post('/_replicate', json=job), 202)['_local_id']
        found = self.answer(self.server.get('/_scheduler/jobs/' + job_id), 200)
        self.assertEqual((found['doc_id'], found['database'], found['user']), (None, None, self.server.user))
        self.assertNotIn(job_id, [row['id'] for row in self.docs()['docs']])
        self.answer(self.server.post('/_replicate', json={**job, 'cancel': True}), 200)
        self.error(self.server.get('/_scheduler/jobs/' + job_id), 404, 'not_found')

    def test_unknown_places(self):
        for path in ('/_scheduler', '/_scheduler/foo'):
            self.assertEqual(self.server.get(path).status_code, 404)
        self.assertEqual(self.error(self.server.get('/_scheduler/docs/_replicator/nope'), 404, 'not_found'), 'missing')
        self.assertEqual(self.error(self.server.get('/_scheduler/docs/nope'), 400, 'bad_request'), 'Invalid path')
        self.assertEqual(self.error(self.server.get('/_scheduler/docs/no%2F_replicator/x'), 404, 'not_found'),
                         'Database does not exist.')

    def test_nobody_may_see_them(self):
        with self.server.new_session(user='') as nobody:
            for path in ('/_scheduler/jobs', '/_scheduler/docs', '/_active_tasks'):
                answer = nobody.get(self.server.url + path, timeout=30)
                self.assertEqual(self.error(answer, 401, 'unauthorized'), 'You are not a server admin.')


class TurnsTest(ReplicationCase):
    """More jobs than may run at a time: they take turns."""

    server_arguments = {'config': QUICK + 'max_jobs = 1\nmax_churn = 1\n'}

    def test_all_get_through(self):
        source, _ = self.places('pull')
        self.bulk(source, THREE)
        targets = [(self.server, self.make(self.server, '_%d' % number)) for number in range(3)]
        for number, target in enumerate(targets):
            doc = {'source': url_of(*source), 'target': url_of(*target), 'continuous': True}
            self.answer(self.server.put('/_replicator/turn%d' % number, json=doc), 201)
        self.assertTrue(wait_until(lambda: all(self.has(target, 'd2') for target in targets), 60))
        states = [row['state'] for row in self.server.get('/_scheduler/docs').json()['docs']]
        self.assertEqual(len(states), 3)
        self.assertLessEqual(states.count('running'), 1)
        self.assertLessEqual(set(states), {'running', 'pending'})
        self.put(source, 'later', {})
        self.assertTrue(wait_until(lambda: all(self.has(target, 'later') for target in targets), 60))
        self.assertEqual({row['error_count'] for row in self.server.get('/_scheduler/docs').json()['docs']}, {0})
        for number in range(3):
            rev = self.server.get('/_replicator/turn%d' % number).json()['_rev']
            self.answer(self.server.delete(path_of('_replicator', 'turn%d' % number) + '?rev=' + rev), 200)


if __name__ == '__main__':
    unittest.main()
