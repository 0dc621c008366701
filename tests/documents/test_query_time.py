"""The time that a query may take as a whole: [fabric] view_timeout, as in CouchDB."""
import requests

from harness.case import ServerTestCase

SPIN = 'function (doc) { var end = Date.now() + 200; while (Date.now() < end) {} emit(doc._id, 1); }'
DOCUMENTS = 5000


class QueryTimeTest(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name in ('whole', 'parts'):
            cls.server.put('/' + name, params={'partitioned': str(name == 'parts').lower()}).raise_for_status()
            documents = [{'_id': 'p:%05d' % number, 'number': number} for number in range(DOCUMENTS)]
            cls.server.post('/%s/_bulk_docs' % name, json={'docs': documents}).raise_for_status()

    def setUp(self):
        super().setUp()
        self.addCleanup(self.limit, 'view_timeout', None)
        self.addCleanup(self.limit, 'partition_view_timeout', None)

    def limit(self, setting, value):
        path = '/_node/_local/_config/fabric/' + setting
        if value is None:
            self.server.delete(path)
        else:
            self.answer(self.server.put(path, json=str(value)), 200)

    def count(self, metric):
        stats = self.answer(self.server.get('/_node/_local/_stats/couchdb/httpd/' + metric), 200)
        return stats['value']

    def assert_cut_off(self, method, path, metric, **options):
        """An answer that has not begun is 500; one that has is cut off, and never looks whole."""
        before = self.count(metric)
        try:
            answer = self.server.request(method, path, **options)
        except requests.exceptions.ChunkedEncodingError:
            pass
        else:
            self.assertIn('reasonable amount of time', self.error(answer, 500, 'timeout'))
        self.assertEqual(self.count(metric), before + 1)

    def test_a_listing(self):
        self.limit('view_timeout', 1)
        self.assert_cut_off('GET', '/whole/_all_docs', 'all_docs_timeouts', params={'include_docs': 'true'})
        self.limit('view_timeout', 'infinity')
        self.assertEqual(len(self.answer(self.server.get('/whole/_all_docs'), 200)['rows']), DOCUMENTS)

    def test_a_selector_without_an_index(self):
        query = {'selector': {'number': {'$lt': 0}}}
        self.limit('view_timeout', 1)
        self.assert_cut_off('POST', '/whole/_find', 'find_timeouts', json=query)
        self.limit('view_timeout', 3_600_000)
        self.assertEqual(self.answer(self.server.post('/whole/_find', json=query), 200)['docs'], [])

    def test_waiting_for_an_index_counts(self):
        self.answer(self.server.put('/slow'), 201)
        self.addCleanup(self.server.delete, '/slow')
        self.answer(self.server.put('/slow/_design/d', json={
            'views': {'v': {'map': SPIN}}, 'lists': {'l': 'function () { return "x"; }'}}), 201)
        self.answer(self.server.put('/slow/a', json={}), 201)
        self.limit('view_timeout', 20)
        self.assert_cut_off('GET', '/slow/_design/d/_view/v', 'view_timeouts')
        # The index was built all the same.
        self.limit('view_timeout', 'infinity')
        self.assertEqual(len(self.answer(self.server.get('/slow/_design/d/_view/v'), 200)['rows']), 1)

    def test_a_list_function(self):
        self.answer(self.server.put('/listed'), 201)
        self.addCleanup(self.server.delete, '/listed')
        self.answer(self.server.put('/listed/_design/d', json={
            'views': {'v': {'map': 'function (doc) { emit(1, 1); }'}},
            'lists': {'l': 'function () { var end = Date.now() + 500; while (Date.now() < end) {} return "x"; }'}}), 201)
        self.answer(self.server.put('/listed/a', json={}), 201)
        self.answer(self.server.get('/listed/_design/d/_view/v'), 200)
        self.limit('view_timeout', 100)
        self.assert_cut_off('GET', '/listed/_design/d/_list/l/v', 'view_timeouts')

    def test_partitions_have_their_own(self):
        self.limit('partition_view_timeout', 1)
        self.assert_cut_off('GET', '/parts/_partition/p/_all_docs', 'partition_all_docs_timeouts',
                            params={'include_docs': 'true'})
        self.assert_cut_off('POST', '/parts/_partition/p/_find', 'partition_find_timeouts',
                            json={'selector': {'number': {'$lt': 0}}})
        self.assertEqual(len(self.answer(self.server.get('/parts/_all_docs'), 200)['rows']), DOCUMENTS)

    def test_bad_limits_are_refused(self):
        for value in ('0', '-1', 'soon'):
            self.error(self.server.put('/_node/_local/_config/fabric/view_timeout', json=value), 400, 'bad_request')
