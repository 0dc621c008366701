"""Selectors that choose the rows of the changes feed: filter=_selector."""
import base64
import json
import threading
import unittest

from harness.case import ServerTestCase, wait_until


class SelectorFilterTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.bulk([{'_id': 'd%d' % i, 'v': i, 'o': {'k': i % 2, 'other': 'x'}} for i in range(6)])

    def bulk(self, docs, **members):
        return self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'docs': docs, **members}), 201)

    def changes(self, selector, query='', stream=False, **members):
        return self.server.post('/%s/_changes?filter=_selector&%s' % (self.db, query),
                                json={'selector': selector, **members}, stream=stream)

    def rows(self, selector, query='', **members):
        return self.answer(self.changes(selector, query, **members), 200)['results']

    def ids(self, selector, query=''):
        return [row['id'] for row in self.rows(selector, query)]

    def revs(self, selector, query=''):
        return [[change['rev'] for change in row['changes']] for row in self.rows(selector, query)]

    def test_selectors_choose_rows(self):
        self.assertEqual(self.ids({'v': {'$gte': 4}}), ['d4', 'd5'])
        self.assertEqual(self.ids({'v': {'$gte': 2}}, 'descending=true'), ['d5', 'd4', 'd3', 'd2'])
        self.assertEqual(self.ids({'o.k': 1, '_id': {'$lt': 'd5'}}), ['d1', 'd3'])
        self.assertEqual(self.ids({'$or': [{'v': 0}, {'_rev': {'$regex': '^2-'}}]}), ['d0'])
        self.assertEqual(self.ids({}), ['d%d' % i for i in range(6)])
        self.assertEqual(self.ids({'v': 9}), [])
        self.assertNotIn('doc', self.rows({'v': 1})[0])

    def test_pages_go_on_where_they_ended(self):
        seen, since = [], '0'
        for _ in range(4):
            page = self.answer(self.changes({'o.k': 1}, 'limit=1&since=' + since), 200)
            seen += [row['id'] for row in page['results']]
            since = page['last_seq']
        self.assertEqual(seen, ['d1', 'd3', 'd5'])
        self.assertEqual(page['pending'], 0)
        page = self.answer(self.changes({'o.k': 1}, 'limit=1'), 200)
        self.assertEqual(page['pending'], 4, 'the rows behind the one that was shown')
        page = self.answer(self.changes({'o.k': 0}, 'descending=true&limit=1'), 200)
        self.assertEqual([[row['id'] for row in page['results']], page['pending']], [['d4'], 4])

    def test_many_rows_and_large_documents(self):
        self.bulk([{'_id': 'm%04d' % i, 'v': 7 + i % 5} for i in range(2500)])
        self.assertEqual(self.ids({'v': 11}), ['m%04d' % i for i in range(4, 2500, 5)])
        for i in range(3):
            self.bulk([{'_id': 'l%d%d' % (i, j), 'large': 'x' * 400_000} for j in range(8)])
        expected = ['l%d%d' % (i, j) for i in range(3) for j in range(8)]
        self.assertEqual(self.ids({'large': {'$exists': True}}), expected)

    def test_documents_show_the_fields_that_are_asked_for(self):
        def docs(**members):
            return [row['doc'] for row in self.rows({'v': 3}, 'include_docs=true', **members)]
        whole = self.answer(self.server.get('/%s/d3' % self.db), 200)
        self.assertEqual(docs(), [whole])
        self.assertEqual(docs(fields=[]), [whole])
        self.assertEqual(docs(fields=['v']), [{'v': 3}])
        self.assertEqual(docs(fields=['o.k', '_id', 'none']), [{'o': {'k': 1}, '_id': 'd3'}])
        self.assertEqual(docs(fields=['none']), [{}])

    def test_deleted_documents(self):
        rev = self.answer(self.server.get('/%s/d3' % self.db), 200)['_rev']
        self.answer(self.server.delete('/%s/d3?rev=%s' % (self.db, rev)), 200)
        self.assertEqual(self.ids({'_deleted': True}), ['d3'])
        self.assertEqual(self.rows({'_deleted': True}, 'include_docs=true', fields=['_id', '_deleted'])[0]['doc'],
                         {'_id': 'd3', '_deleted': True})
        self.assertEqual(self.ids({'v': 3}), [])
        self.assertEqual(self.ids({'_deleted': {'$exists': False}, 'v': {'$lt': 2}}), ['d0', 'd1'])

    def test_what_documents_have_beside_their_members(self):
        data = base64.b64encode(b'hello').decode()
        self.bulk([{'_id': 'a', '_attachments': {'f.txt': {'content_type': 'text/plain', 'data': data}}}])
        for query in ('', 'style=all_docs', 'conflicts=true'):
            self.assertEqual(self.ids({'_attachments': {'f\\.txt': {'length': 5}}}, query), ['a'])
        self.assertEqual(self.ids({'_revisions': {'$exists': True}}), [])

    def test_each_leaf_is_judged_with_all_docs(self):
        self.bulk([{'_id': 'c', '_rev': '1-b', 'v': 2}, {'_id': 'c', '_rev': '1-a', 'v': 30},
                   {'_id': 'c', '_rev': '1-c', 'v': 10}, {'_id': 'c', '_rev': '1-d', 'v': 40}], new_edits=False)
        self.assertEqual(self.revs({'_id': 'c', 'v': {'$gt': 20}}, 'style=all_docs'), [['1-d', '1-a']])
        self.assertEqual(self.revs({'_id': 'c', 'v': {'$gt': 20}}), [['1-d']])
        self.assertEqual(self.revs({'_id': 'c', 'v': 10}, 'style=all_docs'), [['1-c']])
        self.assertEqual(self.revs({'_id': 'c', 'v': 10}), [])
        self.assertEqual(self.ids({'_conflicts': {'$exists': True}}), [])
        self.assertEqual(self.ids({'_conflicts': {'$exists': True}}, 'conflicts=true'), ['c'])
        self.assertEqual(self.ids({'_conflicts': {'$exists': True}}, 'conflicts=true&style=all_docs'), [])

    def test_errors(self):
        def reason(body, method='POST'):
            response = self.server.request(method, '/%s/_changes?filter=_selector' % self.db, json=body)
            return self.error(response, 400, 'bad_request')
        self.assertEqual(reason(None, 'GET'), 'Selector must be specified in POST payload')
        for body in ({}, {'selector': None}, {'selector': []}):
            self.assertEqual(reason(body), 'Selector error: expected a JSON object')
        self.assertEqual(reason({'selector': {'v': {'$x': 1}}}), 'Invalid operator: $x')
        for fields in ('v', None, {}):
            self.assertEqual(reason({'selector': {}, 'fields': fields}),
                             'Selector error: fields must be JSON array')
        self.assertEqual(reason({'selector': {}, 'fields': [1]}), 'Invalid JSON for field spec: 1')
        self.error(self.server.request('POST', '/%s/_changes?filter=_selector' % self.db, data='{"selector":{}}',
                                       headers={'Content-Type': 'text/plain'}), 415, 'bad_content_type')

    def test_limits_are_settings(self):
        path = '/_node/_local/_config/divan/selector_depth_max'
        deep = {'a': {'b': {'c': {'d': 1}}}}
        self.assertEqual(self.ids(deep), [])
        self.answer(self.server.put(path, json='3'), 200)
        self.addCleanup(self.server.delete, path)
        self.assertIn('3', self.error(self.changes(deep), 400, 'bad_request'))
        self.error(self.server.post('/%s/_find' % self.db, json={'selector': deep}), 400, 'bad_arg')

    def test_live_feeds(self):
        since = self.answer(self.server.get('/%s/_changes?since=now' % self.db), 200)['last_seq']
        for kind in ('longpoll', 'continuous', 'eventsource'):
            with self.subTest(kind):
                lines = []

                def read(kind=kind, lines=lines, since=since):
                    query = 'feed=%s&since=%s&heartbeat=200' % (kind, since)
                    with self.changes({'v': {'$gte': 100}}, query, stream=True) as response:
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

    def test_heartbeats_go_on_while_nothing_matches(self):
        for first in range(0, 20_000, 5_000):
            self.bulk([{'_id': 'm%05d' % i} for i in range(first, first + 5_000)])
        text = self.changes({'v': 'none'}, 'heartbeat=1').text
        self.assertGreater(text.split('"last_seq"')[0].count('\n'), 4, text)
        self.assertEqual(json.loads(text)['results'], [])


if __name__ == '__main__':
    unittest.main()
