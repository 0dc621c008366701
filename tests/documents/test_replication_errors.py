"""What goes wrong in replications: refusals, answers of the other side that are errors, bad requests, cancelling."""
import base64
import unittest
import urllib.parse

from harness.case import wait_until
from harness.fault_proxy import FaultProxy
from harness.replication import (THREE, ReplicationCase, all_counts, counts_of_run, jobs, replicate, url_of, wait_for_state)
from harness.replication_data import mixture

TIME_LIMIT_S = 420
VALIDATION = {'_id': '_design/v', 'validate_doc_update': "function (n) { if (n.v === 1) throw({forbidden: 'no'}); }"}
FOREIGN = 'function (n, o, u) { if (n.v === 1) throw({unauthorized: "who"}); }'


class RefusalTest(ReplicationCase):
    def test_refused_documents_are_failures_and_not_tried_again(self):
        for validation in (VALIDATION, {**VALIDATION, 'validate_doc_update': FOREIGN}):
            for kind in ('local', 'push', 'pull'):
                source, target = self.places(kind)
                self.bulk(source, THREE)
                self.bulk(target, [validation])
                answer = self.replicate(source, target)
                self.assertEqual(counts_of_run(answer), all_counts(3, failures=1))
                self.assertEqual(self.ids(target), ['_design/v', 'd0', 'd2'])
                self.assertIs(self.replicate(source, target).get('no_changes'), True)
                self.put(source, 'd3', {'v': 3})
                self.assertEqual(counts_of_run(self.replicate(source, target)), all_counts(1))
                # Edited, it is another revision.
                self.put(source, 'd1', {'v': 'one'})
                self.assertEqual(counts_of_run(self.replicate(source, target)), all_counts(1))
                self.assert_same(source, target, without=['_design/v'])

    def test_refused_with_an_attachment(self):
        """Such documents are written one by one."""
        source, target = self.places('push')
        self.bulk(source, [{**doc, '_attachments': {'a': {'data': 'aGVsbG8='}}} for doc in THREE])
        self.bulk(target, [VALIDATION])
        self.assertEqual(counts_of_run(self.replicate(source, target)), all_counts(3, failures=1))
        self.assertEqual(self.ids(target), ['_design/v', 'd0', 'd2'])


class OtherSideTest(ReplicationCase):
    """The proxy answers for the remote server."""

    def setUp(self):
        super().setUp()
        self.proxy = FaultProxy(self.other).start()
        self.addCleanup(self.proxy.stop)

    def endpoints(self, kind):
        source, target = self.places(kind)
        return source, target, [url_of(*place, self.proxy) if place[0] is self.other else place[1]
                                for place in (source, target)]

    def check(self, kind, docs, **members):
        """Replicates through the proxy and asserts that nothing is missing."""
        source, target, endpoints = self.endpoints(kind)
        self.bulk(source, docs, new_edits=False)
        answer = self.answer(replicate(self.server, *endpoints, **members), 200)
        self.assertEqual(answer['history'][0]['doc_write_failures'], 0)
        self.assert_same(source, target)
        return answer

    def test_each_request_fails_once(self):
        """500, 503 and 429 are tried again."""
        requests = {'push': [('GET|HEAD', '^/[^/?]+/?($|[?])'), ('GET', '/_local'), ('POST', '/_revs_diff'), ('POST', '/_bulk_docs'),
                             ('PUT', '/file'), ('POST', '/_ensure_full_commit'), ('PUT', '/_local')],
                    'pull': [('GET|HEAD', '^/[^/?]+/?($|[?])'), ('GET', '/_local'), ('GET|POST', '/_changes'), ('POST', '/_bulk_get'),
                             ('GET', '/file'), ('PUT', '/_local')]}
        for kind, paths in requests.items():
            for status in (500, 503, 429):
                with self.subTest(kind, status=status):
                    before = self.proxy.counts[status]
                    for methods, path in paths:
                        for method in methods.split('|'):
                            self.proxy.answer(status, method=method, path=path)
                    self.check(kind, mixture('%s %d' % (kind, status), plain=10))
                    self.assertGreaterEqual(self.proxy.counts[status] - before, len(paths) - 1)
                    self.proxy.clear()

    def test_many_429_are_waited_for(self):
        for kind in ('push', 'pull'):
            self.proxy.answer(429, count=8)
            answer = self.check(kind, mixture(kind, plain=10))
            self.assertEqual(answer['history'][0]['doc_write_failures'], 0)

    def test_errors_without_end(self):
        for kind, path in (('push', '/_bulk_docs'), ('pull', '/_changes')):
            source, target, endpoints = self.endpoints(kind)
            self.bulk(source, THREE)
            self.proxy.answer(500, count=1000, path=path)
            answer = replicate(self.server, *endpoints, retries_per_request=2)
            self.assertEqual(answer.status_code, 500, answer.text)
            self.assertIn('error', answer.json())
            self.proxy.clear()
            self.answer(replicate(self.server, *endpoints), 200)
            self.assert_same(source, target)

    def test_a_batch_that_is_too_large_is_split(self):
        self.proxy.answer(413, count=10000, method='POST', path='/_bulk_docs', body_over=20000)
        self.check('push', [doc for doc in mixture(9, plain=100) if '_attachments' not in doc])
        self.assertGreater(self.proxy.counts[413], 0)

    def test_a_document_that_is_too_large_is_a_failure(self):
        source, target, endpoints = self.endpoints('push')
        self.bulk(source, [{'_id': 'd%d' % number, 'text': 'x' * (100 if number % 10 else 30000)} for number in range(50)])
        self.proxy.answer(413, count=10000, method='POST', path='/_bulk_docs', body_over=20000)
        answer = self.answer(replicate(self.server, *endpoints), 200)
        self.assertEqual(counts_of_run(answer), all_counts(50, failures=5))
        self.assertEqual(len(self.ids(target)), 45)

    def test_the_limit_of_the_target_itself(self):
        setting = '/_node/_local/_config/couchdb/max_document_size'
        source, target = self.places('push')
        self.bulk(source, [{'_id': 'd%d' % number, 'text': 'x' * (100 if number % 10 else 30000)} for number in range(50)])
        self.answer(self.other.put(setting, json='20000'), 200)
        try:
            answer = self.replicate(source, target)
        finally:
            self.answer(self.other.delete(setting), 200)
        self.assertEqual(counts_of_run(answer), all_counts(50, failures=5))
        self.assertEqual(len(self.ids(target)), 45)

    def test_a_peer_that_may_not_be_written_to(self):
        """A checkpoint that is refused ends the run, unless it is to write none."""
        source, target, endpoints = self.endpoints('pull')
        self.bulk(source, THREE)
        self.proxy.answer(403, count=1000, method='PUT', path='/_local')
        self.assertEqual(replicate(self.server, *endpoints).status_code, 500)
        self.answer(replicate(self.server, *endpoints, use_checkpoints=False), 200)
        self.assert_same(source, target)

    def test_nobody_there(self):
        source, target = self.places('push')
        self.bulk(source, THREE)
        port = self.proxy.port
        self.proxy.stop()
        answer = replicate(self.server, source[1], 'http://admin:secret@127.0.0.1:%d/x' % port, retries_per_request=1)
        reason = self.error(answer, 500, 'db_not_found')
        self.assertEqual(reason, 'could not open http://127.0.0.1:%d/x/' % port)


class RequestTest(ReplicationCase):
    def refuse(self, status, word, reason, data=None, **members):
        answer = self.server.post('/_replicate', data=data, headers={'Content-Type': 'application/json'}) \
            if data is not None else self.server.post('/_replicate', json=members)
        found = self.error(answer, status, word)
        if reason is not None:
            self.assertEqual(found, reason)

    def test_bad_bodies(self):
        source, target = [self.endpoint(place) for place in self.places()]
        both = {'source': source, 'target': target}
        self.refuse(400, 'bad_request', 'invalid UTF-8 JSON', data='x')
        self.refuse(400, 'bad_request', 'Request body must be a JSON object', data='[]')
        self.refuse(400, 'invalid_replication', 'Missing replicator database', data='{}')
        self.refuse(400, 'invalid_replication', 'Missing replicator database', source=source)
        self.refuse(400, 'bad_request', 'parameter `doc_ids` must be an array', **both, doc_ids='x')
        self.refuse(400, 'bad_request', 'parameter `selector` must be a JSON object', **both, selector=1)
        self.refuse(400, 'bad_request', 'parameter `create_target` must be a boolean', **both, create_target='x')
        self.refuse(400, 'bad_request', 'min value must be a string.', **both, filter='a/b', query_params={'min': 7})
        self.refuse(400, 'invalid_replication', 'endpoint has an invalid url', source='http://', target=target)

    def test_endpoints_that_are_not_there(self):
        source, target = [self.endpoint(place) for place in self.places()]
        for members, path in (({'source': 'nothing', 'target': target}, 'nothing'),
                              ({'source': source, 'target': 'nothing'}, 'nothing')):
            reason = self.error(self.server.post('/_replicate', json=members), 500, 'db_not_found')
            self.assertRegex(reason, '^could not open .*/%s/$' % path)

    def test_endpoints_that_cannot_be(self):
        target = self.endpoint(self.places()[1])
        self.refuse(400, 'invalid_replication', 'endpoint has an invalid url', source='ftp://x/y', target=target)
        self.refuse(400, 'invalid_replication', None, source=1, target=target)

    def test_members_that_mean_nothing_are_ignored(self):
        source, target = self.places()
        self.replicate(source, target, foo=1)

    def test_content_type(self):
        answer = self.server.post('/_replicate', data='{}', headers={'Content-Type': 'text/plain'})
        self.assertEqual(self.error(answer, 415, 'bad_content_type'), 'Content-Type must be application/json')

    def test_nobody_may_not(self):
        with self.server.new_session(user='') as nobody:
            answer = nobody.post(self.server.url + '/_replicate', json={}, timeout=30)
        self.assertEqual(self.error(answer, 401, 'unauthorized'), 'You are not an authenticated user')


class CancelTest(ReplicationCase):
    def started(self):
        source, target = self.places('push')
        self.bulk(source, THREE)
        job = {'source': self.endpoint(source), 'target': self.endpoint(target), 'continuous': True, 'create_target': True}
        answer = self.answer(self.server.post('/_replicate', json=job), 202)
        self.assertEqual(set(answer), {'ok', '_local_id'})
        self.assertRegex(answer['_local_id'], r'^[0-9a-f]{32}\+continuous\+create_target$')
        self.assertTrue(wait_until(lambda: self.has(target, 'd2')))
        self.put(source, 'late', {})
        self.assertTrue(wait_until(lambda: self.has(target, 'late')))
        return source, target, job, answer['_local_id']

    def check_ended(self, source, target, local_id):
        self.assertNotIn(local_id, [job['id'] for job in jobs(self.server)])
        self.put(source, 'after', {})
        # A run of its own would bring it: the ended job has not.
        self.assertEqual(self.ids(target), ['d0', 'd1', 'd2', 'late'])
        self.assertEqual(counts_of_run(self.replicate(source, target))['docs_written'], 1)

    def test_by_body(self):
        source, target, job, local_id = self.started()
        self.assertEqual(self.answer(self.server.post('/_replicate', json=job), 202)['_local_id'], local_id)
        self.assertEqual(len([each for each in jobs(self.server) if each['id'] == local_id]), 1)
        cancel = {**job, 'cancel': True}
        self.assertEqual(self.answer(self.server.post('/_replicate', json=cancel), 200), {'ok': True, '_local_id': local_id})
        self.check_ended(source, target, local_id)
        self.assertEqual(self.error(self.server.post('/_replicate', json=cancel), 404, 'not_found'), 'missing')

    def test_by_id(self):
        source, target, _, local_id = self.started()
        cancel = {'replication_id': local_id, 'cancel': True}
        self.assertEqual(self.answer(self.server.post('/_replicate', json=cancel), 200), {'ok': True, '_local_id': local_id})
        self.check_ended(source, target, local_id)
        self.assertEqual(self.error(self.server.post('/_replicate', json=cancel), 404, 'not_found'), 'missing')

    def test_unknown(self):
        source, target = self.places()
        for cancel in ({'cancel': True, 'replication_id': 'nope'},
                       {'cancel': True, 'source': source[1], 'target': target[1]}):
            self.assertEqual(self.error(self.server.post('/_replicate', json=cancel), 404, 'not_found'), 'missing')

    def test_a_job_is_gone_with_its_server(self):
        """_replicate keeps nothing: after a restart the job is not there."""
        _, target, _, local_id = self.started()
        self.server.restart()
        self.assertNotIn(local_id, [job['id'] for job in jobs(self.server)])
        self.assertIn('late', self.ids(target))


class SecretsTest(ReplicationCase):
    """Whatever tells of replications to others does not tell passwords."""

    def secrets(self):
        server = self.other
        pair = '%s:%s' % (server.user, server.password)
        return [server.password, urllib.parse.quote(server.password), urllib.parse.quote_plus(server.password),
                base64.b64encode(pair.encode()).decode().rstrip('='), 'hidden-token']

    def check(self, text, where):
        for secret in self.secrets():
            self.assertNotIn(secret, text, where)

    def test_nobody_tells(self):
        source, target = self.places('pull')
        self.bulk(source, THREE)
        closed = FaultProxy(self.other).start()
        closed.stop()
        good, bad = url_of(*source), closed.url(url_of(*source))
        headers = {'Authorization': 'Bearer hidden-token', 'X-Other': 'hidden-token'}
        login = {'basic': {'username': self.other.user, 'password': self.other.password}}
        local = url_of(*target)
        docs = {
            'runs': {'source': good, 'target': local, 'continuous': True},
            'completes': {'source': good, 'target': local},
            'crashes': {'source': bad, 'target': local, 'continuous': True},
            'is-missing': {'source': good + '-missing', 'target': local, 'continuous': True},
            'has-no-filter': {'source': good, 'target': local, 'filter': 'none/none'},
            'has-headers': {'source': {'url': closed.origin + '/x', 'headers': headers, 'auth': login}, 'target': local},
            'is-twice': {'source': good, 'target': local, 'continuous': True}}
        for doc_id, doc in docs.items():
            self.answer(self.server.put('/_replicator/' + doc_id, json=doc), 201)
        wait_for_state(self.server, 'runs', 'running', 'failed')
        wait_for_state(self.server, 'completes', 'completed')
        wait_for_state(self.server, 'crashes', 'crashing')
        wait_for_state(self.server, 'is-missing', 'crashing')
        wait_for_state(self.server, 'has-no-filter', 'error', 'crashing', 'failed')
        wait_for_state(self.server, 'has-headers', 'crashing')
        wait_for_state(self.server, 'is-twice', 'failed', 'running')
        for path in ('/_scheduler/jobs', '/_scheduler/docs', '/_active_tasks',
                     *('/_scheduler/docs/_replicator/' + doc_id for doc_id in docs)):
            self.check(self.server.get(path).text, path)
        for source_url in (bad, good + '-missing', good.replace(':correct', ':wrong-correct')):
            answer = replicate(self.server, source_url, target[1], retries_per_request=1)
            self.assertGreaterEqual(answer.status_code, 400)
            self.check(answer.text, source_url)
        for doc_id in docs:
            reason = self.server.get('/_replicator/' + doc_id).json().get('_replication_state_reason', '')
            self.check(str(reason), doc_id)
            rev = self.server.get('/_replicator/' + doc_id).json()['_rev']
            self.answer(self.server.delete('/_replicator/%s?rev=%s' % (doc_id, rev)), 200)
        self.check('\n'.join(self.server.log), 'log of the driver')
        self.check('\n'.join(self.other.log), 'log of the other')

    def test_metrics_and_configuration(self):
        for path in ('/_node/_local/_stats', '/_node/_local/_prometheus'):
            self.check(self.server.get(path).text, path)


if __name__ == '__main__':
    unittest.main()
