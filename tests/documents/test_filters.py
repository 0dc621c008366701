"""Functions of design documents that filter the changes feed."""
import json
import threading
import unittest

from harness.case import ServerTestCase, wait_until

DESIGN = {
    'filters': {
        'big': 'function (doc, req) { return doc.v >= req.query.min; }',
        'deleted': 'function (doc) { return doc._deleted; }',
        'even': 'function (doc) { return doc.v % 2 === 0; }',
        'request': "function (doc, req) { if (doc._id === 'd0') throw({error: 'shown', "
                   "reason: JSON.stringify([req, doc])}); }",
        'boom': "function (doc) { throw({forbidden: 'no'}); }",
        'broken': 'function (doc',
        'slow': 'function (doc) { var end = Date.now() + 120; while (Date.now() < end); return false; }',
        'endless': 'function () { for (;;); }',
        'library': "function (doc) { return require('lib/odd').is(doc.v); }",
    },
    'lib': {'odd': 'exports.is = function (v) { return v % 2 === 1; };'},
    'views': {'large': {'map': 'function (doc) { if (doc.v > 3) emit(doc.v); }'},
              'broken': {'map': 'function (doc) { doc.a.b.c; }'}},
}
CONFIG = '[couchdb]\nos_process_timeout = 1500\n'


class FilterTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.bulk([{'_id': 'd%d' % i, 'v': i} for i in range(6)])
        self.answer(self.server.put('/%s/_design/f' % self.db, json=DESIGN), 201)

    def bulk(self, docs, **members):
        return self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'docs': docs, **members}), 201)

    def changes(self, query, **arguments):
        return self.server.get('/%s/_changes?%s' % (self.db, query), **arguments)

    def ids(self, query):
        return [row['id'] for row in self.answer(self.changes(query), 200)['results']]

    def test_functions_choose_rows(self):
        self.assertEqual(self.ids('filter=f/big&min=4'), ['d4', 'd5'])
        self.assertEqual(self.ids('filter=f/big&min=2&descending=true'), ['d5', 'd4', 'd3', 'd2'])
        self.assertEqual(self.ids('filter=f/even'), ['d0', 'd2', 'd4'])
        self.assertEqual(self.ids('filter=f/library'), ['d1', 'd3', 'd5'])
        self.assertEqual(self.ids('filter=_view&view=f/large'), ['d4', 'd5'])
        rows = self.answer(self.changes('filter=f/big&min=5&include_docs=true'), 200)['results']
        self.assertEqual([row['doc']['v'] for row in rows], [5])
        body = self.answer(self.server.post('/%s/_changes?filter=f/big&min=5' % self.db, json={}), 200)
        self.assertEqual([row['id'] for row in body['results']], ['d5'])

    def test_pages_go_on_where_they_ended(self):
        seen, since = [], '0'
        for _ in range(4):
            page = self.answer(self.changes('filter=f/even&limit=1&since=' + since), 200)
            seen += [row['id'] for row in page['results']]
            since = page['last_seq']
        self.assertEqual(seen, ['d0', 'd2', 'd4'])
        self.assertEqual(page['pending'], 0)

    def test_many_rows(self):
        self.bulk([{'_id': 'm%04d' % i, 'v': 7 + i % 5} for i in range(1500)])
        self.assertEqual(self.ids('filter=f/big&min=11'), ['m%04d' % i for i in range(4, 1500, 5)])

    def test_deleted_documents_reach_filters(self):
        rev = self.answer(self.server.get('/%s/d3' % self.db), 200)['_rev']
        self.answer(self.server.delete('/%s/d3?rev=%s' % (self.db, rev)), 200)
        rows = self.answer(self.changes('filter=f/deleted'), 200)['results']
        self.assertEqual([[row['id'], row['deleted']] for row in rows], [['d3', True]])

    def test_each_leaf_is_judged_with_all_docs(self):
        self.bulk([{'_id': 'c', '_rev': '1-b', 'v': 2}, {'_id': 'c', '_rev': '1-a', 'v': 3},
                   {'_id': 'c', '_rev': '1-c', 'v': 1}, {'_id': 'c', '_rev': '1-d', 'v': 4}], new_edits=False)

        def revs(query):
            return [[change['rev'] for change in row['changes']]
                    for row in self.answer(self.changes(query), 200)['results'] if row['id'] == 'c']
        self.assertEqual(revs('filter=f/even&style=all_docs'), [['1-d', '1-b']])
        self.assertEqual(revs('filter=f/even'), [['1-d']])
        self.assertEqual(revs('filter=f/library&style=all_docs'), [['1-c', '1-a']])
        self.assertEqual(revs('filter=f/library'), [])

    def test_request_object(self):
        reason = self.error(self.changes('filter=f/request&x=1', headers={'X-Mine': 'yes', 'X-Auth-Token': 't'}),
                            500, 'shown')
        request, document = json.loads(reason)
        self.assertEqual(request['method'], 'GET')
        self.assertEqual(request['path'], [self.db, '_changes'])
        self.assertEqual(request['query'], {'filter': 'f/request', 'x': '1'})
        self.assertEqual(request['userCtx']['name'], self.server.user)
        self.assertEqual(request['headers']['X-Mine'], 'yes')
        self.assertEqual(request['info']['db_name'], self.db)
        for name in request['headers']:
            self.assertNotIn(name.lower(), ('authorization', 'cookie', 'x-auth-token'))
        self.assertEqual(document['_revisions']['start'], 1)

    def test_errors(self):
        self.error(self.changes('filter=f/none'), 404, 'not_found')
        self.error(self.changes('filter=none/x'), 404, 'not_found')
        self.error(self.changes('filter=_view&view=f/none'), 404, 'not_found')
        self.error(self.changes('filter=a/b/c'), 400, 'bad_request')
        self.error(self.changes('filter=_none'), 400, 'bad_request')
        self.assertEqual(self.error(self.changes('filter=f/boom'), 403, 'forbidden'), 'no')
        self.assertIn('filters.broken', self.error(self.changes('filter=f/broken'), 400, 'compilation_error'))
        self.assertIn('views.broken', self.error(self.changes('filter=_view&view=f/broken'), 500, 'TypeError'))

    def test_live_feeds(self):
        since = self.answer(self.changes('since=now'), 200)['last_seq']
        for kind in ('longpoll', 'continuous', 'eventsource'):
            with self.subTest(kind):
                lines = []

                def read(kind=kind, lines=lines, since=since):
                    with self.changes('filter=f/big&min=100&feed=%s&since=%s&heartbeat=200' % (kind, since),
                                      stream=True) as response:
                        for line in response.iter_lines():
                            lines.append(line.decode())
                            if 'live-' + kind in lines[-1]:
                                return

                reader = threading.Thread(target=read)
                reader.start()
                self.assertTrue(wait_until(lambda lines=lines: len(lines) > 1))  # heartbeats
                self.bulk([{'_id': 'not-' + kind, 'v': 1}])
                self.bulk([{'_id': 'live-' + kind, 'v': 100}])
                reader.join(30)
                self.assertFalse(reader.is_alive())
                self.assertNotIn('not-' + kind, ''.join(lines))

    def test_heartbeats_go_on_while_a_function_runs(self):
        # Seven documents are judged in one call of some 840 ms.
        text = self.changes('filter=f/slow&heartbeat=100').text
        self.assertGreater(text.count('\n\n'), 2, text)
        self.assertEqual(json.loads(text)['results'], [])

    def test_other_requests_are_served_while_functions_run(self):
        readers = [threading.Thread(target=self.changes, args=('filter=f/slow',)) for _ in range(12)]
        for reader in readers:
            reader.start()
        for _ in range(10):
            self.answer(self.server.get('/%s/d1' % self.db), 200)
            self.answer(self.server.get('/%s/_all_docs' % self.db), 200)
        self.assertTrue(any(reader.is_alive() for reader in readers))
        for reader in readers:
            reader.join()


class EndlessFilterTest(ServerTestCase):
    server_arguments = {'config': CONFIG}

    def test_a_function_without_end_is_stopped(self):
        db = self.database()
        self.answer(self.server.put('/%s/d' % db, json={}), 201)
        self.answer(self.server.put('/%s/_design/f' % db, json=DESIGN), 201)
        response = self.server.get('/%s/_changes?filter=f/endless' % db)
        self.assertIn('filters.endless', self.error(response, 500, 'timeout'))
        self.answer(self.server.get('/%s/_changes?filter=f/even' % db), 200)


if __name__ == '__main__':
    unittest.main()
