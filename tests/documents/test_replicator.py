"""Documents of `_replicator` databases, `_replicate` and `_scheduler`, as far as nothing is copied."""
import json

from harness.case import ServerTestCase, wait_until


class ReplicatorDocumentsTest(ServerTestCase):
    """What cannot be a replication is refused, whichever way it is written."""

    def refused(self, response, reason):
        self.assertEqual(self.error(response, 403, 'forbidden'), reason)

    def owner(self, name, database='_replicator'):
        return self.answer(self.server.get('/%s/%s' % (database, name)), 200).get('owner')

    def test_put_and_post(self):
        for members, reason in [
                ({}, 'Missing replicator database'),
                ({'source': 'a'}, 'Missing replicator database'),
                ({'source': 1, 'target': 'b'}, 'endpoint has an invalid url'),
                ({'source': 'ftp://x/y', 'target': 'b'}, 'endpoint has an invalid url'),
                ({'source': 'a', 'target': 'b', 'filter': 'a/b', 'selector': {}},
                 '`doc_ids`,`filter`,`selector` are mutually exclusive'),
                ({'source': 'a', 'target': 'b', 'worker_processes': -1},
                 'parameter `worker_processes` must be a whole number from 1 to 100'),
                ({'source': 'a', 'target': 'b', 'proxy': 'socks5://h:1'},
                 'proxy has an invalid url: socks5 proxies are not supported, name an http:// one')]:
            with self.subTest(members):
                self.refused(self.server.put('/_replicator/bad', json=members), reason)
                self.refused(self.server.post('/_replicator', json={**members, '_id': 'bad'}), reason)
        self.error(self.server.get('/_replicator/bad'), 404, 'not_found')

    def test_what_null_means(self):
        good = {'source': 'a', 'target': 'b', '_replication_state': 'completed'}
        absent = ['worker_processes', 'http_connections', 'doc_ids', 'filter', 'since_seq', 'proxy', 'source_proxy']
        self.answer(self.server.put('/_replicator/nulls', json={**good, **dict.fromkeys(absent)}), 201)
        for name in ('continuous', 'create_target', 'winning_revs_only', 'use_checkpoints', 'use_bulk_get', 'selector',
                     'query_params', 'create_target_params', 'user_ctx', 'source', 'target'):
            with self.subTest(name):
                self.error(self.server.put('/_replicator/bad', json={**good, name: None}), 403, 'forbidden')
        for name in ('headers', 'auth'):
            self.error(self.server.put('/_replicator/bad', json={**good, 'source': {'url': 'http://127.0.0.1:1/a', name: None}}),
                       403, 'forbidden')

    def test_ends_that_are_not_encrypted(self):
        job = {'source': 'http://db.example/a', 'target': 'b', '_replication_state': 'completed'}
        setting = '/_node/_local/_config/replicator/encrypted_replication'
        self.answer(self.server.put('/_replicator/before', json=job), 201)
        self.answer(self.server.put(setting, json='true'), 200)
        self.addCleanup(self.server.delete, setting)
        reason = 'http://db.example/a/ is not encrypted, and [replicator] encrypted_replication asks for https://'
        self.refused(self.server.put('/_replicator/after', json=job), reason)
        self.assertEqual(self.error(self.server.post('/_replicate', json=job), 400, 'invalid_replication'), reason)
        for source in ('https://db.example/a', 'http://127.0.0.1:1/a', 'a'):
            self.answer(self.server.put('/_replicator/to_' + source[:5].strip(':'), json={**job, 'source': source}), 201)

    def test_other_ways(self):
        good = {'source': 'none', 'target': 'none2', '_replication_state': 'completed'}
        docs = [{**good, '_id': 'b1'}, {'_id': 'b2', 'source': 'a'}, {**good, '_id': 'b3'}]
        rows = self.answer(self.server.post('/_replicator/_bulk_docs', json={'docs': docs}), 201)
        self.assertEqual([row.get('error') for row in rows], [None, 'forbidden', None])
        self.assertEqual(self.owner('b1'), self.server.user)
        self.assertEqual(self.owner('b3'), self.server.user)
        # What came by replication is not refused, but fails.
        replicated = {'docs': [{'_id': 'b4', '_rev': '1-a', 'x': 1}], 'new_edits': False}
        self.answer(self.server.post('/_replicator/_bulk_docs', json=replicated), 201)
        self.assertTrue(wait_until(
            lambda: self.server.get('/_replicator/b4').json().get('_replication_state') == 'failed'))
        view = self.answer(self.server.get('/_scheduler/docs/_replicator/b4'), 200)
        self.assertEqual((view['state'], view['info']), ('failed', {'error': 'Missing replicator database'}))
        # An update function, and COPY of what passed.
        update = 'function (doc, req) { return [{_id: req.query.id, source: "a"}, "written"]; }'
        self.answer(self.server.put('/_replicator/_design/d', json={'updates': {'u': update}}), 201)
        self.refused(self.server.post('/_replicator/_design/d/_update/u', params={'id': 'b5'}),
                     'Missing replicator database')
        self.answer(self.server.copy('/_replicator/b1', 'b6'), 201)
        self.assertEqual(self.owner('b6'), self.server.user)

    def test_every_database_of_that_name(self):
        self.answer(self.server.put('/x%2F_replicator'), 201)
        self.addCleanup(self.server.delete, '/x%2F_replicator')
        self.refused(self.server.put('/x%2F_replicator/bad', json={}), 'Missing replicator database')
        for path in ('/_scheduler/docs/x%2F_replicator', '/_scheduler/docs/x/_replicator'):
            self.assertEqual(self.answer(self.server.get(path), 200), {'total_rows': 0, 'offset': 0, 'docs': []})
        for path in ('/_scheduler/docs/x%2F_replicator/n', '/_scheduler/docs/x/_replicator/n'):
            self.assertEqual(self.error(self.server.get(path), 404, 'not_found'), 'missing')
        self.assertEqual(self.error(self.server.get('/_scheduler/docs/y%2F_replicator/n'), 404, 'not_found'),
                         'Database does not exist.')
        for path in ('/_scheduler/docs/y', '/_scheduler/docs/_replicator/a/b'):
            self.assertEqual(self.error(self.server.get(path), 400, 'bad_request'), 'Invalid path')

    def test_duplicates_name_the_other(self):
        db, other = self.database(), self.database('_target')
        body = {'source': db, 'target': other, 'continuous': True}
        self.answer(self.server.put('/_replicator/first', json=body), 201)
        self.assertTrue(wait_until(lambda: self.state('first') == 'running'))
        self.answer(self.server.put('/_replicator/second', json=body), 201)
        self.assertTrue(wait_until(lambda: self.state('second') == 'failed'))
        document = self.answer(self.server.get('/_replicator/second'), 200)
        self.assertIn('already started, triggered by document `first` from db `_replicator`',
                      document['_replication_state_reason'])
        for name in ('first', 'second'):
            rev = self.server.get('/_replicator/' + name).json()['_rev']
            self.answer(self.server.delete('/_replicator/' + name, params={'rev': rev}), 200)

    def state(self, name):
        view = self.server.get('/_scheduler/docs/_replicator/' + name)
        return view.json().get('state')


class SchedulerTest(ServerTestCase):
    def test_a_continuous_document(self):
        db, target = self.database(), self.database('_target')
        body = {'source': db, 'target': target, 'continuous': True}
        rev = self.answer(self.server.put('/_replicator/c', json=body), 201)['rev']
        path = '/_scheduler/docs/_replicator/c'
        self.assertTrue(wait_until(lambda: self.server.get(path).json().get('state') == 'running'))
        view = self.answer(self.server.get(path), 200)
        self.assertEqual(list(view), ['database', 'doc_id', 'id', 'node', 'source', 'target', 'state', 'info',
                                      'error_count', 'last_updated', 'start_time', 'source_proxy',
                                      'target_proxy'])
        self.assertEqual((view['source'], view['target']), (db, target))
        jobs = self.answer(self.server.get('/_scheduler/jobs'), 200)
        self.assertEqual((jobs['total_rows'], jobs['offset']), (1, 0))
        job = jobs['jobs'][0]
        self.assertEqual(list(job), ['database', 'id', 'pid', 'source', 'target', 'user', 'doc_id', 'info',
                                     'history', 'node', 'start_time'])
        self.assertEqual([event['type'] for event in job['history']], ['started', 'added'])
        self.assertEqual((job['id'], job['doc_id'], job['user']), (view['id'], 'c', self.server.user))
        for written in (job['id'], job['id'].replace('+', '%2B')):
            self.assertEqual(self.answer(self.server.get('/_scheduler/jobs/' + written), 200)['id'], job['id'])
        tasks = [task for task in self.server.get('/_active_tasks').json() if task['type'] == 'replication']
        self.assertEqual([(task['doc_id'], task['continuous']) for task in tasks], [('c', True)])
        stats = self.answer(self.server.get('/_node/_local/_stats/couch_replicator/jobs'), 200)
        self.assertEqual((stats['running']['value'], stats['total']['value']), (1, 1))
        self.answer(self.server.delete('/_replicator/c', params={'rev': rev}), 200)
        self.assertTrue(wait_until(lambda: self.server.get(path).status_code == 404))
        self.assertTrue(wait_until(lambda: self.server.get('/_scheduler/jobs').json()['total_rows'] == 0))

    def test_paging(self):
        for name in 'abcde':
            body = {'source': 'n' + name, 'target': 'm', '_replication_state': 'completed' if name < 'c' else 'failed'}
            self.answer(self.server.put('/_replicator/' + name, json=body), 201)

        def ids(**params):
            docs = self.answer(self.server.get('/_scheduler/docs', params=params), 200)
            return ''.join(doc['doc_id'] for doc in docs['docs']), docs['total_rows'], docs['offset']

        self.assertEqual(ids(), ('abcde', 5, 0))
        self.assertEqual(ids(limit=2, skip=1), ('bc', 5, 1))
        self.assertEqual(ids(states='failed'), ('cde', 3, 0))
        self.assertEqual(ids(descending='true', limit=2), ('ed', 5, 0))
        self.assertEqual(ids(start_key='"b"', end_key='"d"', inclusive_end='false'), ('bc', 5, 1))
        self.assertEqual(ids(keys='["d","a","z"]'), ('da', 5, 0))
        for name in 'abcde':
            rev = self.server.get('/_replicator/' + name).json()['_rev']
            self.server.delete('/_replicator/' + name, params={'rev': rev})

    def test_parameters(self):
        for query, reason in [
                ('jobs?limit=x', 'limit must be an integer'),
                ('jobs?skip=-1', 'skip not in range of [0,infinity]'),
                ('docs?limit=x', 'Invalid value for integer: "x"'),
                ('docs?states=x', 'Unknown states [x]. Choose from: [initializing,error,running,pending,crashing,'
                                  'completed,failed]')]:
            self.assertEqual(self.error(self.server.get('/_scheduler/' + query), 400, 'query_parse_error'), reason)
        for path in ('/_scheduler', '/_scheduler/foo'):
            self.assertEqual(self.answer(self.server.get(path), 404), {'error': 'not found'})
        for path in ('/_scheduler/jobs', '/_scheduler/docs'):
            self.error(self.server.new_session(user='').get(self.server.url + path), 401, 'unauthorized')


class ReplicateTest(ServerTestCase):
    def replicate(self, **members):
        return self.server.post('/_replicate', json=members)

    def test_bad_requests(self):
        for members, word, reason in [
                ({'source': 'a'}, 'invalid_replication', 'Missing replicator database'),
                ({'source': 'http://', 'target': 'b'}, 'invalid_replication', 'endpoint has an invalid url'),
                ({'source': 'a', 'target': 'b', 'doc_ids': 'x'}, 'bad_request',
                 'parameter `doc_ids` must be an array'),
                ({'source': 'a', 'target': 'b', 'query_params': {'x': 1}}, 'bad_request',
                 'x value must be a string.')]:
            self.assertEqual(self.error(self.replicate(**members), 400, word), reason)
        self.error(self.server.post('/_replicate', json=[]), 400, 'bad_request')
        wrong = self.server.post('/_replicate', data='{}', headers={'Content-Type': 'text/plain'})
        self.assertEqual(self.error(wrong, 415, 'bad_content_type'), 'Content-Type must be application/json')

    def test_continuous_ones_are_cancelled(self):
        db, target = self.database(), self.database('_target')
        body = {'source': db, 'target': target, 'continuous': True}
        started = self.answer(self.replicate(**body), 202)
        self.assertTrue(started['_local_id'].endswith('+continuous'))
        self.assertEqual(self.answer(self.replicate(**body), 202), started)
        job = self.answer(self.server.get('/_scheduler/jobs/' + started['_local_id']), 200)
        self.assertEqual((job['database'], job['doc_id']), (None, None))
        self.assertEqual(self.answer(self.replicate(cancel=True, **body), 200), started)
        self.assertEqual(self.error(self.replicate(cancel=True, **body), 404, 'not_found'), 'missing')
        self.assertEqual(self.error(self.replicate(cancel=True, replication_id='nope'), 404, 'not_found'), 'missing')

    def test_credentials_are_not_shown(self):
        db = self.database()
        source = {'url': 'http://joe:SeCrEt1@192.0.2.1:1/db', 'headers': {'X-Key': 'SeCrEt2'}}
        started = self.answer(self.replicate(source=source, target=db, continuous=True,
                                             source_proxy='http://u:SeCrEt3@192.0.2.2:2'), 202)
        for path in ('/_scheduler/jobs', '/_active_tasks', '/_scheduler/jobs/' + started['_local_id']):
            self.assertNotIn('SeCrEt', self.server.get(path).text)
        self.replicate(cancel=True, replication_id=started['_local_id'])
        bad = self.replicate(source='http://joe:SeCrEt@', target=db)
        self.assertNotIn('SeCrEt', json.dumps(self.answer(bad, 400)))
        self.assertNotIn('SeCrEt', self.server.log_tail())
