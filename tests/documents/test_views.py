"""Views over HTTP: parameters, errors, linked documents, several queries at once, update modes, info, upkeep."""
import base64
import json
import socket
import threading
import time
import unittest

from harness.case import ServerTestCase, wait_until

NO_ROWS = 'No rows can match your key range, reverse your start_key and end_key or set descending='
INCOMPATIBLE = '`keys` is incompatible with `key`, `start_key` and `end_key`'
EMIT_K = 'function (doc) { emit(doc.k, doc.v) }'
# Runs long enough on each document to be seen.
SLOW = 'function (doc) { var x = 0; for (var i = 0; i < 3000000; i++) x += i; emit(doc.k, x) }'


def encoded(parameters):
    """Parameters as a client sends them: keys as JSON, the rest as it is."""
    keys = ('key', 'keys', 'startkey', 'endkey', 'start_key', 'end_key')
    return {name: json.dumps(value) if name in keys or not isinstance(value, str) else value
            for name, value in parameters.items()}


class ViewCase(ServerTestCase):
    def design(self, db, views, name='d', **more):
        """Saves a design document; `views`: {name: map} or {name: (map, reduce)}."""
        definitions = {}
        for view, source in views.items():
            source = (source,) if isinstance(source, str) else source
            definitions[view] = dict(zip(('map', 'reduce'), source))
        path = '/%s/_design/%s' % (db, name)
        old = self.server.get(path)
        rev = {'_rev': old.json()['_rev']} if old.status_code == 200 else {}
        return self.answer(self.server.put(path, json={'views': definitions, **rev, **more}), 201)['rev']

    def save(self, db, docs):
        rows = self.answer(self.server.post('/%s/_bulk_docs' % db, json={'docs': docs}), 201)
        self.assertTrue(all('rev' in row for row in rows), rows)
        return [row['rev'] for row in rows]

    def path(self, db, view='v', name='d'):
        return '/%s/_design/%s/_view/%s' % (db, name, view)

    def view(self, db, view='v', name='d', **parameters):
        return self.answer(self.server.get(self.path(db, view, name), params=encoded(parameters)), 200)

    def post(self, db, body, view='v', name='d', **parameters):
        return self.server.post(self.path(db, view, name), json=body, params=encoded(parameters))

    def values(self, answer, *members):
        members = members or ('key', 'value')
        return [tuple(row.get(member) for member in members) for row in answer['rows']]

    def refused(self, db, reason, word='query_parse_error', view='v', **parameters):
        answer = self.server.get(self.path(db, view), params=parameters)
        self.assertEqual(self.error(answer, 400, word), reason, parameters)


class MapTest(ViewCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.save(self.db, [{'_id': 'd%d' % i, 'k': i // 3, 'v': i} for i in range(9)])
        self.design(self.db, {'v': EMIT_K})

    def ids(self, **parameters):
        return [row['id'] for row in self.view(self.db, **parameters)['rows']]

    def test_text_of_an_answer(self):
        answer = self.server.get(self.path(self.db), params={'limit': 2})
        self.assertEqual(answer.text, '{"total_rows":9,"offset":0,"rows":[\r\n'
                                      '{"id":"d0","key":0,"value":0},\r\n{"id":"d1","key":0,"value":1}\r\n]}\n')
        self.assertEqual(answer.headers['Content-Type'], 'application/json')
        self.assertNotIn('ETag', answer.headers)
        empty = self.server.get(self.path(self.db), params={'limit': 0})
        self.assertEqual(empty.text, '{"total_rows":9,"offset":0,"rows":[\r\n\r\n]}\n')
        head = self.server.head(self.path(self.db))
        self.assertEqual((head.status_code, head.content), (200, b''))

    def test_ranges(self):
        everything = ['d%d' % i for i in range(9)]
        for parameters, expected, offset in (
                ({}, everything, 0),
                ({'startkey': 1}, everything[3:], 3),
                ({'start_key': 1, 'end_key': 1}, everything[3:6], 3),
                ({'endkey': 1, 'inclusive_end': 'false'}, everything[:3], 0),
                ({'endkey': 1, 'inclusive_end': 'FALSE'}, everything[:3], 0),
                ({'key': 2}, everything[6:], 6),
                ({'key': 'none'}, [], 9),
                ({'key': 1.5}, [], 6),
                ({'startkey': 1, 'startkey_docid': 'd4'}, everything[4:], 4),
                ({'startkey_docid': 'd4'}, everything, 0),
                ({'endkey': 1, 'end_key_doc_id': 'd4'}, everything[:5], 0),
                ({'endkey': 1, 'endkey_docid': 'd4', 'inclusive_end': 'false'}, everything[:4], 0),
                ({'descending': 'true'}, everything[::-1], 0),
                ({'descending': 'True', 'startkey': 1}, everything[5::-1], 3),
                ({'descending': 'true', 'startkey': 1, 'startkey_docid': 'd4'}, everything[4::-1], 4),
                ({'descending': 'true', 'startkey': 2, 'endkey': 1}, everything[:2:-1], 0),
                ({'descending': 'true', 'endkey': 1, 'inclusive_end': 'false'}, everything[:5:-1], 0),
                ({'limit': 2, 'skip': 3}, everything[3:5], 3),
                ({'startkey': 1, 'skip': 2, 'limit': 2}, everything[5:7], 5),
                ({'skip': 100}, [], 9),
                ({'limit': 0, 'skip': 2}, [], 2)):
            with self.subTest(parameters):
                answer = self.view(self.db, **parameters)
                self.assertEqual([row['id'] for row in answer['rows']], expected)
                self.assertEqual((answer['total_rows'], answer['offset']), (9, offset))
                posted = self.answer(self.post(self.db, {
                    name: value == 'true' if value in ('true', 'false') else value
                    for name, value in parameters.items()}), 200)
                self.assertEqual(posted, answer)

    def test_later_parameters_win(self):
        path = self.path(self.db)
        self.assertEqual(self.answer(self.server.get(path + '?startkey=2&key=1'), 200)['offset'], 3)
        reason = self.error(self.server.get(path + '?key=1&startkey=2'), 400, 'query_parse_error')
        self.assertEqual(reason, NO_ROWS + 'true')
        answer = self.answer(self.post(self.db, {'limit': 5}, limit=1), 200)
        self.assertEqual(len(answer['rows']), 1)

    def test_inverted_ranges(self):
        self.refused(self.db, NO_ROWS + 'true', startkey='2', endkey='1')
        self.refused(self.db, NO_ROWS + 'false', startkey='1', endkey='2', descending='true')
        self.refused(self.db, NO_ROWS + 'true', startkey='1', endkey='1.0', startkey_docid='z', endkey_docid='a')
        self.assertEqual(self.ids(startkey=1, endkey=1, startkey_docid='z', endkey_docid='a'), [])
        # Bounds are compared as the view's keys: "a" < "B" for ICU, "B" < "a" for bytes.
        self.view(self.db, startkey='a', endkey='B')
        self.refused(self.db, NO_ROWS + 'true', startkey='"B"', endkey='"a"')
        self.answer(self.server.put('/%s/_design/raw' % self.db, json={
            'views': {'v': {'map': EMIT_K, 'options': {'collation': 'raw'}}}}), 201)
        self.view(self.db, name='raw', startkey='B', endkey='a')
        answer = self.server.get(self.path(self.db, name='raw'), params={'startkey': '"a"', 'endkey': '"B"'})
        self.assertEqual(self.error(answer, 400, 'query_parse_error'), NO_ROWS + 'true')

    def test_keys(self):
        for keys, more, expected, offset in (
                ([2, 0], {}, ['d6', 'd7', 'd8', 'd0', 'd1', 'd2'], 6),
                ([0, 0], {}, ['d0', 'd1', 'd2'] * 2, 0),
                ([9], {}, [], 9),
                ([1], {}, ['d3', 'd4', 'd5'], 3),
                ([], {}, [], 0),
                ([9, 1], {}, ['d3', 'd4', 'd5'], 3),
                ([1, 9, 0], {'limit': 4}, ['d3', 'd4', 'd5', 'd0'], 3),
                ([1, 0], {'skip': 2, 'limit': 2}, ['d5', 'd0'], 5),
                ([1, 0], {'skip': 4}, ['d1', 'd2'], 7),
                ([1, 0], {'descending': True}, ['d2', 'd1', 'd0', 'd5', 'd4', 'd3'], 6),
                ([1, 0], {'inclusive_end': False}, [], 0),
                ([1, 9], {'inclusive_end': False}, [], 9),
                ([1, 0], {'limit': 0}, [], 3)):
            with self.subTest(keys=keys, **more):
                posted = self.answer(self.post(self.db, {'keys': keys, **more}), 200)
                self.assertEqual([row['id'] for row in posted['rows']], expected)
                self.assertEqual((posted['total_rows'], posted['offset']), (9, offset))
                self.assertEqual(self.view(self.db, keys=keys, **more), posted)

    def test_many_keys_and_pages(self):
        self.save(self.db, [{'_id': 'm%04d' % i, 'k': ['m', i], 'v': i} for i in range(2500)])
        everything = self.view(self.db, startkey=['m'])
        self.assertEqual([row['value'] for row in everything['rows']], list(range(2500)))
        self.assertEqual([row['value'] for row in self.view(self.db, startkey=['m', {}], descending='true',
                                                            endkey=['m'])['rows']], list(range(2499, -1, -1)))
        keys = [['m', i] for i in range(2499, -1, -2)]
        answer = self.answer(self.post(self.db, {'keys': keys, 'skip': 100, 'limit': 1100}), 200)
        self.assertEqual([row['value'] for row in answer['rows']], list(range(2499, -1, -2))[100:1200])
        self.assertEqual(len(self.view(self.db, skip=1000, limit=1400)['rows']), 1400)

    def test_what_is_refused(self):
        for parameters, reason in (
                ({'limit': 'x'}, 'Invalid value for integer: "x"'),
                ({'limit': ''}, 'Invalid value for integer: []'),
                ({'skip': '-1'}, 'Invalid value for positive integer: "-1"'),
                ({'descending': 'x'}, 'Invalid boolean parameter: "x"'),
                ({'sorted': '1'}, 'Invalid boolean parameter: "1"'),
                ({'stale': 'x'}, 'Invalid value for `stale`.'),
                ({'stable': 'x'}, 'Invalid value for `stable`.'),
                ({'update': 'x'}, 'Invalid value for `update`.'),
                ({'reduce': 'true'}, 'Reduce is invalid for map-only views.'),
                ({'group': 'true'}, 'Invalid use of grouping on a map view.'),
                ({'group_level': '1'}, 'Invalid use of grouping on a map view.'),
                ({'keys': '1'}, '`keys` must be an array of strings.'),
                ({'keys': '[1,2]', 'key': '1'}, INCOMPATIBLE),
                ({'keys': '[1,2]', 'startkey': '1'}, INCOMPATIBLE),
                ({'partition': 'x'}, '`partition` parameter is not supported in this design doc')):
            with self.subTest(parameters):
                self.refused(self.db, reason, **parameters)
        for value in ('{', '[1', '"x', ''):
            self.refused(self.db, 'invalid UTF-8 JSON', 'bad_request', key=value)
        self.refused(self.db, 'Partition must not be empty', 'illegal_partition', partition='')

    def test_a_key_without_quotes_is_shown_with_them(self):
        self.refused(self.db, 'invalid UTF-8 JSON; did you mean key="abc"?', 'bad_request', key='abc')
        self.refused(self.db, 'invalid UTF-8 JSON; did you mean startkey="alice@example.com"?', 'bad_request',
                     startkey="'alice@example.com'")

    def test_bodies_that_are_refused(self):
        path = self.path(self.db)
        for body, reason in (('', 'invalid UTF-8 JSON'), ('x', 'invalid UTF-8 JSON'),
                             ('[]', 'Request body must be a JSON object'),
                             ('{"keys":1}', '`keys` member must be an array.'),
                             ('{"keys":null}', '`keys` member must be an array.'),
                             ('{"queries":[]}', 'The `queries` parameter is no longer supported at this endpoint'),
                             ('{"queries":1}', '`queries` member must be an array.')):
            answer = self.server.post(path, data=body, headers={'Content-Type': 'application/json'})
            self.assertEqual(self.error(answer, 400, 'bad_request'), reason, body)
        self.assertEqual(self.error(self.server.post(path, data='{}'), 415, 'bad_content_type'),
                         'Content-Type must be application/json')
        reason = self.error(self.post(self.db, {'keys': [1], 'startkey': 2}), 400, 'query_parse_error')
        self.assertEqual(reason, NO_ROWS + 'true')

    def test_what_is_not_there(self):
        self.assertEqual(self.error(self.server.get(self.path(self.db, 'none')), 404, 'not_found'), 'missing_named_view')
        self.assertEqual(self.error(self.server.get(self.path(self.db, name='none')), 404, 'not_found'), 'missing')
        rev = self.server.get('/%s/_design/d' % self.db).json()['_rev']
        self.answer(self.server.delete('/%s/_design/d' % self.db, params={'rev': rev}), 200)
        for path in (self.path(self.db), '/%s/_design/d/_info' % self.db):
            self.assertEqual(self.error(self.server.get(path), 404, 'not_found'), 'deleted')

    def test_methods(self):
        for path, methods in (('_view', 'GET,POST,HEAD'), ('_view/v', 'GET,POST,HEAD'),
                              ('_view/v/x', 'GET,POST,HEAD'), ('_view/v/queries', 'POST'), ('_info', 'GET')):
            answer = self.server.request('PATCH', '/%s/_design/d/%s' % (self.db, path))
            self.assertEqual(self.error(answer, 405, 'method_not_allowed'), 'Only %s allowed' % methods)
            self.assertEqual(answer.headers['Allow'], methods)
            answer = self.server.request('PATCH', '/%s/_design/none/%s' % (self.db, path))
            self.error(answer, 404, 'not_found')

    def test_update_seq(self):
        answer = self.view(self.db, update_seq='true', limit=1)
        self.assertTrue(answer['update_seq'].startswith('10-'), answer)
        self.assertEqual(answer['update_seq'], self.server.get('/' + self.db).json()['update_seq'])
        self.assertEqual(list(answer), ['total_rows', 'offset', 'update_seq', 'rows'])
        self.assertIn('update_seq', self.view(self.db, keys=[1, 2], update_seq='true'))


class IncludedDocumentsTest(ViewCase):
    def test_documents_of_rows(self):
        db = self.database()
        self.save(db, [{'_id': 'a', 'k': 1}, {'_id': 'b', 'k': 2, '_attachments': {
            'x.txt': {'content_type': 'text/plain', 'data': 'aGVsbG8gaGVsbG8gaGVsbG8='}}}])
        conflict = [{'_id': 'c', '_rev': '1-' + digit * 32, 'k': 3, 'by': digit} for digit in 'ab']
        self.answer(self.server.post('/%s/_bulk_docs' % db, json={'docs': conflict, 'new_edits': False}), 201)
        self.design(db, {'v': EMIT_K})
        rows = self.view(db, include_docs='true')['rows']
        self.assertEqual([row['doc']['_id'] for row in rows], ['a', 'b', 'c'])
        self.assertEqual(rows[0], {'id': 'a', 'key': 1, 'value': None, 'doc': {
            '_id': 'a', '_rev': rows[0]['doc']['_rev'], 'k': 1}})
        self.assertTrue(rows[1]['doc']['_attachments']['x.txt']['stub'])
        self.assertEqual(rows[2]['doc']['by'], 'b')
        self.assertNotIn('_conflicts', rows[2]['doc'])
        rows = self.view(db, include_docs='true', conflicts='true', attachments='true')['rows']
        self.assertEqual(rows[1]['doc']['_attachments']['x.txt']['data'], 'aGVsbG8gaGVsbG8gaGVsbG8=')
        self.assertEqual(rows[2]['doc']['_conflicts'], ['1-' + 'a' * 32])
        rows = self.view(db, include_docs='true', att_encoding_info='true')['rows']
        self.assertEqual(rows[1]['doc']['_attachments']['x.txt']['encoding'], 'gzip')
        self.assertNotIn('doc', self.view(db, conflicts='true')['rows'][2])
        rows = self.view(db, keys=[3, 1], include_docs='true')['rows']
        self.assertEqual([row['doc']['_id'] for row in rows], ['c', 'a'])

    def test_linked_documents(self):
        db = self.database()
        first, second = self.save(db, [{'_id': 't1', 'n': 1}, {'_id': 'gone'}])
        self.answer(self.server.delete('/%s/gone' % db, params={'rev': second}), 200)
        edited = self.answer(self.server.put('/%s/t1' % db, json={'_rev': first, 'n': 2}), 201)['rev']
        links = [{'_id': 't1'}, {'_id': 'nope'}, {'_id': None}, {'_id': 1}, {'_id': 'gone'}, {'x': 1}, None, 't1',
                 {'_id': 'a'}, {'_id': 't1', '_rev': first}, {'_id': 't1', '_rev': edited},
                 {'_id': 't1', '_rev': '9-z'}, {'_rev': '1-q'}, {'_id': 't1', '_rev': 'x'}]
        self.save(db, [{'_id': 'a', 'links': links}])
        self.design(db, {'v': 'function (doc) { (doc.links || []).forEach(function (x, i) { emit(i, x) }) }'})
        shown = []
        for row in self.view(db, include_docs='true')['rows']:
            shown.append(row['doc'] and (row['doc']['_id'], row['doc'].get('n')))
        a = ('a', None)
        self.assertEqual(shown, [('t1', 2), None, None, None, None, a, a, a, a,
                                 ('t1', 1), ('t1', 2), None, None, None])

    def test_a_document_that_was_deleted_since(self):
        db = self.database()
        rev = self.save(db, [{'_id': 'a', 'k': 1}])[0]
        self.design(db, {'v': EMIT_K})
        self.assertEqual(len(self.view(db)['rows']), 1)
        self.answer(self.server.delete('/%s/a' % db, params={'rev': rev}), 200)
        rows = self.view(db, include_docs='true', update='false')['rows']
        # In the background the index may have been built already.
        self.assertIn(rows, ([], [{'id': 'a', 'key': 1, 'value': None, 'doc': None}]))

    def test_pages_of_large_documents(self):
        db = self.database()
        for part in range(3):
            self.save(db, [{'_id': 'd%03d' % (part * 40 + i), 'k': i, 'text': 'x' * 100000} for i in range(40)])
        self.design(db, {'v': 'function (doc) { emit(doc._id) }'})
        rows = self.view(db, include_docs='true')['rows']
        self.assertEqual([row['doc']['_id'] for row in rows], ['d%03d' % i for i in range(120)])
        self.assertTrue(all(len(row['doc']['text']) == 100000 for row in rows))


class ReduceTest(ViewCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.save(self.db, [{'_id': 'd%d' % i, 'k': [i % 2, i % 3, i], 'v': i} for i in range(8)])
        self.design(self.db, {'v': (EMIT_K, '_sum'),
                              'js': (EMIT_K, 'function (keys, values, rereduce) { return sum(values) }')})

    def test_groups(self):
        for view in ('v', 'js'):
            for parameters, expected in (
                    ({}, [(None, 28)]),
                    ({'group_level': 0}, [(None, 28)]),
                    ({'group': 'false'}, [(None, 28)]),
                    ({'group_level': 1}, [([0], 12), ([1], 16)]),
                    ({'group_level': 1, 'descending': 'true'}, [([1], 16), ([0], 12)]),
                    ({'group_level': 2, 'limit': 2}, [([0, 0], 6), ([0, 1], 4)]),
                    ({'group_level': 2, 'skip': 4}, [([1, 1], 8), ([1, 2], 5)]),
                    ({'group': 'true', 'group_level': 1}, [([0], 12), ([1], 16)]),
                    ({'group': 'true', 'key': [0, 0, 6]}, [([0, 0, 6], 6)]),
                    ({'key': [0, 0, 6]}, [(None, 6)]),
                    ({'startkey': [1], 'endkey': [1, {}]}, [(None, 16)]),
                    ({'startkey': [5]}, []),
                    ({'limit': 0}, []),
                    ({'skip': 1}, []),
                    ({'keys': [[0, 0, 6]]}, [(None, 6)]),
                    ({'group': 'true', 'keys': [[1, 1, 7], [9], [0, 0, 0], [1, 1, 7]]},
                     [([1, 1, 7], 7), ([0, 0, 0], 0), ([1, 1, 7], 7)]),
                    ({'group': 'true', 'keys': [[1, 1, 7], [0, 0, 0], [0, 0, 6]], 'skip': 1, 'limit': 1},
                     [([0, 0, 0], 0)]),
                    ({'group': 'true', 'keys': []}, [])):
                with self.subTest(view=view, **parameters):
                    answer = self.view(self.db, view, **parameters)
                    self.assertEqual(self.values(answer), expected)
                    self.assertEqual(list(answer), ['rows'])

    def test_text_of_an_answer(self):
        self.assertEqual(self.server.get(self.path(self.db)).text, '{"rows":[\r\n{"key":null,"value":28}\r\n]}\n')
        self.assertEqual(self.server.get(self.path(self.db) + '?limit=0').text, '{"rows":[\r\n\r\n]}\n')
        answer = self.view(self.db, update_seq='true')
        self.assertEqual(list(answer), ['update_seq', 'rows'])

    def test_rows_without_reduce(self):
        answer = self.view(self.db, reduce='false', limit=1, include_docs='true')
        self.assertEqual((answer['total_rows'], answer['rows'][0]['doc']['v']), (8, 0))

    def test_what_is_refused(self):
        multi = 'Multi-key fetches for reduce views must use `group=true`'
        for parameters, reason in (
                ({'include_docs': 'true'}, '`include_docs` is invalid for reduce'),
                ({'conflicts': 'true'}, '`conflicts` is invalid for reduce views.'),
                ({'keys': '[1,2]'}, multi),
                ({'keys': '[1,2]', 'group_level': '1'}, multi),
                ({'group': 'false', 'group_level': '1'}, "Can't specify group=false and group_level>0 at the same time"),
                ({'reduce': 'false', 'group': 'true'}, 'Invalid use of grouping on a map view.'),
                ({'reduce': 'x'}, 'Invalid boolean parameter: "x"')):
            with self.subTest(parameters):
                self.refused(self.db, reason, **parameters)

    def test_functions_that_fail(self):
        self.design(self.db, {'stats': ('function (doc) { emit(doc.k, "x") }', '_stats'),
                              'grows': (EMIT_K, 'function () { return new Array(20000).join("x") }')}, 'e')
        self.error(self.server.get(self.path(self.db, 'stats', 'e')), 500, 'invalid_value')
        self.design(self.db, {'throws': (EMIT_K, 'function () { throw "broken" }')}, 'f')
        row = self.view(self.db, 'throws', 'f')['rows'][0]
        self.assertEqual((row['key'], row['value']), (None, None))
        self.assertIn('views.throws.reduce', row['reason'])
        row = self.view(self.db, 'grows', 'e')['rows'][0]
        self.assertEqual((row['key'], row['error']), (None, 'reduce_overflow_error'))
        self.assertNotIn('value', row)

    def test_more_groups_than_a_page(self):
        self.save(self.db, [{'_id': 'm%04d' % i, 'k': ['m', i], 'v': 1} for i in range(2500)])
        answer = self.view(self.db, group='true', startkey=['m'], endkey=['m', {}])
        self.assertEqual(self.values(answer), [(['m', i], 1) for i in range(2500)])
        answer = self.view(self.db, group='true', startkey=['m'], skip=1200, limit=1100)
        self.assertEqual([row['key'][1] for row in answer['rows']], list(range(1200, 2300)))


class QueriesTest(ViewCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.save(self.db, [{'_id': 'd%d' % i, 'k': [i % 2, i], 'v': i} for i in range(8)])
        self.design(self.db, {'v': (EMIT_K, '_sum')})

    def queries(self, body, **parameters):
        return self.server.post(self.path(self.db) + '/queries', json=body, params=parameters)

    def test_several_queries(self):
        answer = self.queries({'queries': [{'group_level': 1}, {'reduce': False, 'limit': 1}, {},
                                           {'keys': [[1, 1], [0, 0]], 'group': True}]})
        self.assertEqual([self.values(result) for result in self.answer(answer, 200)['results']],
                         [[([0], 12), ([1], 16)], [([0, 0], 0)], [(None, 28)], [([1, 1], 1), ([0, 0], 0)]])
        answer = self.queries({'queries': [{}, {'limit': 0}]})
        self.assertEqual(answer.text, '{"results":[\r\n{"rows":[\r\n{"key":null,"value":28}\r\n]},\r\n'
                                      '{"rows":[\r\n\r\n]}\r\n]}\n')
        self.assertEqual(self.queries({'queries': []}).text, '{"results":[\r\n]}\n')

    def test_the_url_has_the_defaults(self):
        answer = self.answer(self.queries({'queries': [{}, {'limit': 2}]}, reduce='false', limit='1', group_level='1'), 200)
        self.assertEqual([len(result['rows']) for result in answer['results']], [1, 2])

    def test_what_is_refused(self):
        for body, word, reason in (
                ({}, 'bad_request', 'POST body must include `queries` parameter.'),
                ({'queries': 1}, 'bad_request', '`queries` member must be an array.'),
                ({'queries': [1]}, 'bad_request', 'A query must be a JSON object.'),
                ({'queries': [{}, {'include_docs': True}]}, 'query_parse_error', '`include_docs` is invalid for reduce'),
                ({'queries': [{'limit': -1}]}, 'query_parse_error', 'Invalid value for positive integer: -1'),
                ({'queries': [{'keys': 1}]}, 'query_parse_error', '`keys` must be an array of strings.')):
            with self.subTest(body):
                self.assertEqual(self.error(self.queries(body), 400, word), reason)


class UpdateTest(ViewCase):
    # What is built in the background would be seen by update=false.
    server_arguments = {'config': '[ken]\nbatch_channels = 0\n'}

    def test_false_does_not_wait_and_true_does(self):
        db = self.database()
        self.save(db, [{'_id': 'd%d' % i, 'k': i} for i in range(5)])
        self.design(db, {'v': EMIT_K}, autoupdate=False)
        for parameters in ({'update': 'false'}, {'stale': 'ok'}):
            self.assertEqual(self.view(db, **parameters), {'total_rows': 0, 'offset': 0, 'rows': []})
        self.assertEqual(self.view(db)['total_rows'], 5)
        self.save(db, [{'_id': 'new', 'k': 'n'}])
        self.assertEqual(self.view(db, update='false', key='n')['rows'], [])
        self.assertEqual(len(self.view(db, update='true', key='n')['rows']), 1)

    def test_lazy_answers_first(self):
        for parameters in ({'update': 'lazy'}, {'stale': 'update_after'}):
            db = self.database()
            self.save(db, [{'_id': 'a', 'k': 1}])
            self.design(db, {'v': EMIT_K}, autoupdate=False)
            self.assertEqual(self.view(db, **parameters)['total_rows'], 0)
            self.assertTrue(wait_until(lambda: self.view(db, update='false')['total_rows'] == 1))

    def test_a_client_that_waits_can_go(self):
        db = self.database()
        self.save(db, [{'_id': 'd%03d' % i, 'k': i} for i in range(200)])
        self.design(db, {'v': SLOW}, autoupdate=False)
        host, port = self.server.url.removeprefix('http://').split(':')
        for _ in range(5):
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(('GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n' % (
                    self.path(db), self.authorization())).encode())
        # Others go on meanwhile.
        self.answer(self.server.get('/' + db), 200)
        self.assertEqual(self.view(db)['total_rows'], 200)

    def authorization(self):
        text = '%s:%s' % (self.server.user, self.server.password)
        return 'Basic ' + base64.b64encode(text.encode()).decode()

    def test_clients_wait_together(self):
        db = self.database()
        self.save(db, [{'_id': 'd%03d' % i, 'k': i} for i in range(100)])
        self.design(db, {'v': SLOW}, autoupdate=False)
        totals = []
        threads = [threading.Thread(target=lambda: totals.append(self.view(db, limit=1)['total_rows']))
                   for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(totals, [100] * 8)

    def test_a_build_is_shown(self):
        db = self.database()
        self.save(db, [{'_id': 'd%03d' % i, 'k': i} for i in range(400)])
        self.design(db, {'v': SLOW}, autoupdate=False)
        self.view(db, update='lazy')
        seen = []

        def built():
            seen.extend(task for task in self.server.get('/_active_tasks').json()
                        if task['type'] == 'indexer' and task['database'] == db)
            return self.view(db, update='false')['total_rows'] == 400
        self.assertTrue(wait_until(built))
        self.assertTrue(seen)
        for task in seen:
            self.assertEqual(task['design_document'], '_design/d')
            for member in ('changes_done', 'total_changes', 'progress', 'started_on', 'updated_on'):
                self.assertIsInstance(task[member], int, task)
            self.assertTrue(task['node'] and task['pid'])


class StopTest(ViewCase):
    STOP_LIMIT_S = 15

    def test_a_build_does_not_hold_the_server(self):
        db = self.database()
        self.save(db, [{'_id': 'd%04d' % i, 'k': i} for i in range(2000)])
        self.design(db, {'v': SLOW.replace('3000000', '30000000')}, autoupdate=False)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(self.server.get(self.path(db))))
        waiting.start()
        self.assertTrue(wait_until(lambda: self.server.get('/_active_tasks').json()))
        begun = time.monotonic()
        self.server.stop()
        self.assertLess(time.monotonic() - begun, self.STOP_LIMIT_S)
        waiting.join()
        self.assertEqual(answers[0].status_code, 503)
        self.server.start()


class UpkeepTest(ViewCase):
    def info(self, db, name='d'):
        answer = self.answer(self.server.get('/%s/_design/%s/_info' % (db, name)), 200)
        self.assertEqual(answer['name'], name)
        return answer['view_index']

    def test_info(self):
        db = self.database()
        self.save(db, [{'_id': 'd%d' % i, 'k': i} for i in range(5)])
        self.design(db, {'v': EMIT_K})
        self.view(db)
        info = self.info(db)
        self.assertRegex(info['signature'], '^[0-9a-f]{32}$')
        self.assertEqual(info['updates_pending'], {'minimum': 0, 'preferred': 0, 'total': 0})
        self.assertEqual((info['update_seq'], info['purge_seq'], info['language']), (6, 0, 'javascript'))
        self.assertFalse(info['updater_running'] or info['compact_running'])
        self.assertEqual(set(info['sizes']), {'file', 'external', 'active'})
        self.assertEqual(len(info['collator_versions']), 1)
        # Another name, the same views: the same index.
        self.design(db, {'w': EMIT_K}, 'e')
        self.assertEqual(self.info(db, 'e')['signature'], info['signature'])
        self.design(db, {'v': EMIT_K + ' '}, 'f')
        self.assertNotEqual(self.info(db, 'f')['signature'], info['signature'])

    def test_info_warns_of_likely_mistakes(self):
        db = self.database()
        self.design(db, {'v': EMIT_K})
        self.assertNotIn('warnings', self.server.get('/%s/_design/d/_info' % db).json())
        self.design(db, {'all': 'function (doc) { emit(doc._id, doc) }',
                         'count': (EMIT_K, 'function (keys, values) { return values.length }')}, 'e')
        warnings = self.server.get('/%s/_design/e/_info' % db).json()['warnings']
        self.assertEqual({entry['view'] for entry in warnings}, {'all', 'count'})
        self.assertTrue(all(entry['warning'].endswith('.') for entry in warnings), warnings)

    def test_compaction_and_cleanup(self):
        db = self.database()
        self.save(db, [{'_id': 'd%d' % i, 'k': i} for i in range(5)])
        self.design(db, {'v': EMIT_K})
        self.view(db)
        self.assertEqual(self.answer(self.server.post('/%s/_compact/d' % db, json={}), 202), {'ok': True})
        self.assertTrue(wait_until(lambda: not self.info(db)['compact_running']))
        self.error(self.server.post('/%s/_compact/none' % db, json={}), 404, 'not_found')
        self.assertEqual(self.view(db)['total_rows'], 5)
        self.design(db, {'v': EMIT_K + '// changed'})
        self.view(db)
        self.assertEqual(self.answer(self.server.post('/%s/_view_cleanup' % db, json={}), 202), {'ok': True})
        self.assertEqual(self.view(db)['total_rows'], 5)


class QueryLimitTest(ViewCase):
    server_arguments = {'config': '[query_server_config]\nquery_limit = 3\n'}

    def test_more_rows_are_refused(self):
        db = self.database()
        self.save(db, [{'_id': 'd%d' % i, 'k': i} for i in range(5)])
        self.design(db, {'v': EMIT_K})
        self.assertEqual(len(self.view(db)['rows']), 3)
        self.assertEqual(len(self.view(db, limit=2)['rows']), 2)
        self.refused(db, 'Limit is too large, must not exceed 3', limit='4')
        answer = self.server.post(self.path(db) + '/queries', json={'queries': [{'limit': 4}]})
        self.error(answer, 400, 'query_parse_error')
        self.assertEqual(len(self.server.get('/%s/_all_docs' % db).json()['rows']), 3)
        self.error(self.server.get('/%s/_all_docs?limit=4' % db), 400, 'query_parse_error')


class SeedTest(ViewCase):
    """The views of the guide that this project began with, as they stand there."""

    BY_EMAIL = '''
                function(doc) {
                    if (doc.type === 'user' && doc.email) {
                        emit(doc.email, {
                            name: doc.name,
                            created_at: doc.created_at
                        });
                    }
                }
                '''
    BY_AGE_RANGE = '''
                function(doc) {
                    if (doc.type === 'user' && doc.age) {
                        var ageRange;
                        if (doc.age < 18) ageRange = 'minor';
                        else if (doc.age < 30) ageRange = 'young_adult';
                        else if (doc.age < 50) ageRange = 'adult';
                        else ageRange = 'senior';

                        emit(ageRange, {
                            name: doc.name,
                            age: doc.age,
                            email: doc.email
                        });
                    }
                }
                '''
    COUNT_VALUES = '''
                function(keys, values, rereduce) {
                    return values.length;
                }
                '''
    ACTIVE_USERS = '''
                function(doc) {
                    if (doc.type === 'user' && doc.last_login) {
                        var lastLogin = new Date(doc.last_login);
                        var thirtyDaysAgo = new Date();
                        thirtyDaysAgo.setDate(thirtyDaysAgo.getDate() - 30);

                        if (lastLogin > thirtyDaysAgo) {
                            emit(doc.last_login, {
                                name: doc.name,
                                email: doc.email
                            });
                        }
                    }
                }
                '''
    BY_STATUS = '''
            function(doc) {
                if (doc.type === 'order') {
                    emit(doc.status, 1);
                }
            }
            '''
    BY_DATE_AND_STATUS = '''
            function(doc) {
                if (doc.type === 'order') {
                    emit([doc.created_date, doc.status], doc);
                }
            }
            '''

    def test_users(self):
        db = self.database()
        self.save(db, [{'_id': 'u%d' % age, 'type': 'user', 'name': 'User %d' % age, 'age': age,
                        'email': 'u%d@example.com' % age, 'created_at': '2024-01-01',
                        'last_login': '2999-01-%02d' % (age % 28 + 1) if age > 20 else '2001-01-01'}
                       for age in (12, 20, 25, 40, 60)])
        self.design(db, {'by_email': self.BY_EMAIL, 'by_age_range': (self.BY_AGE_RANGE, self.COUNT_VALUES),
                         'active_users': self.ACTIVE_USERS}, 'users', language='javascript')
        found = self.view(db, 'by_email', 'users', key='u25@example.com', include_docs='true')['rows']
        self.assertEqual([(row['id'], row['value']['name'], row['doc']['age']) for row in found], [('u25', 'User 25', 25)])
        self.assertEqual(self.values(self.view(db, 'by_age_range', 'users', group='true')),
                         [('adult', 1), ('minor', 1), ('senior', 1), ('young_adult', 2)])
        self.assertEqual(self.values(self.view(db, 'by_age_range', 'users', key='young_adult')), [(None, 2)])
        self.assertEqual(len(self.view(db, 'by_age_range', 'users', key='young_adult', reduce='false')['rows']), 2)
        active = self.view(db, 'active_users', 'users', include_docs='true', descending='true')['rows']
        self.assertEqual([row['doc']['age'] for row in active], [25, 40, 60])

    def test_orders(self):
        db = self.database()
        self.save(db, [{'_id': 'o%d' % i, 'type': 'order', 'status': ['open', 'paid', 'sent'][i % 3],
                        'created_date': '2024-01-%02d' % (i + 1)} for i in range(9)] + [{'_id': 'x', 'type': 'user'}])
        self.design(db, {'by_status': (self.BY_STATUS, '_count')}, 'orders')
        self.design(db, {'by_date_and_status': self.BY_DATE_AND_STATUS}, 'complex_queries')
        self.assertEqual(self.values(self.view(db, 'by_status', 'orders', group='true')),
                         [('open', 3), ('paid', 3), ('sent', 3)])
        self.assertEqual(self.values(self.view(db, 'by_status', 'orders', key='open')), [(None, 3)])
        rows = self.view(db, 'by_date_and_status', 'complex_queries', startkey=['2024-01-03'],
                         endkey=['2024-01-05', {}])['rows']
        self.assertEqual([(row['key'], row['value']['_id']) for row in rows],
                         [(['2024-01-03', 'sent'], 'o2'), (['2024-01-04', 'open'], 'o3'), (['2024-01-05', 'paid'], 'o4')])


class LargeRowsTest(ViewCase):
    """Keys that are longer than the engine's, ids likewise, values of megabytes."""

    PREFIX = 'long key ' * 400  # 3,600 characters

    def same(self, got, expected, what=None):
        """As assertEqual(), without hours of comparing long texts when they differ."""
        if got != expected:
            first = next((i for i, (left, right) in enumerate(zip(got, expected)) if left != right), 'the end')
            self.fail('%s and %s elements differ from %s on: %s' % (len(got), len(expected), first, what))

    def test_long_keys_keep_their_order(self):
        db = self.database()
        keys = [self.PREFIX + '%03d' % (i * 37 % 100) for i in range(100)]
        keys += ['a', 'z', self.PREFIX, self.PREFIX[:1000], self.PREFIX[:2500]]
        self.save(db, [{'_id': 'd%03d' % i, 'k': key} for i, key in enumerate(keys)])
        self.design(db, {'v': ('function (doc) { emit(doc.k, 1) }', '_count')})
        whole = self.view(db, reduce='false')
        self.assertEqual(whole['total_rows'], len(keys))
        in_order = [row['key'] for row in whole['rows']]
        self.same(in_order, sorted(keys))
        down = self.view(db, reduce='false', descending='true')
        self.same([row['key'] for row in down['rows']], in_order[::-1])
        for begin, end in ((0, 3), (5, 60), (50, 104), (30, 30)):
            bounds = {'startkey': in_order[begin], 'endkey': in_order[end]}
            body = {'reduce': False, **bounds}
            self.same([row['key'] for row in self.post(db, body).json()['rows']], in_order[begin:end + 1])
            self.assertEqual(self.post(db, body).json()['offset'], begin)
            self.assertEqual(self.post(db, {'reduce': True, **bounds}).json()['rows'],
                             [{'key': None, 'value': end + 1 - begin}])
            turned = {'reduce': False, 'descending': True, 'startkey': in_order[end], 'endkey': in_order[begin]}
            self.same([row['key'] for row in self.post(db, turned).json()['rows']],
                             in_order[begin:end + 1][::-1])
        for skip in (0, 1, 40, 70, 103, 105):
            rows = self.view(db, reduce='false', skip=skip, limit=7)['rows']
            self.same([row['key'] for row in rows], in_order[skip:skip + 7], skip)
        rev = self.server.get('/%s/d010' % db).json()['_rev']
        self.answer(self.server.delete('/%s/d010' % db, params={'rev': rev}), 200)
        self.same([row['key'] for row in self.view(db, reduce='false')['rows']],
                         [key for key in in_order if key != keys[10]])

    def test_long_ids_stand_in_their_order(self):
        db = self.database()
        ids = ['i' * 1990 + '%02d' % (i * 7 % 20) for i in range(20)]
        self.save(db, [{'_id': doc_id, 'k': 1} for doc_id in ids])
        self.design(db, {'v': EMIT_K})
        self.same([row['id'] for row in self.view(db)['rows']], sorted(ids))

    def test_values_of_megabytes(self):
        db = self.database()
        text = 'x' * (3 << 20)
        self.save(db, [{'_id': 'a', 'k': 1, 'v': text}, {'_id': 'b', 'k': 2, 'v': 'small'}])
        self.design(db, {'v': EMIT_K})
        self.same(self.values(self.view(db)), [(1, text), (2, 'small')])
        rev = self.server.get('/%s/a' % db).json()['_rev']
        self.answer(self.server.put('/%s/a' % db, json={'_rev': rev, 'k': 3, 'v': 'little'}), 201)
        self.assertEqual(self.values(self.view(db)), [(2, 'small'), (3, 'little')])

    def test_a_document_with_very_many_rows(self):
        db = self.database()
        self.save(db, [{'_id': 'many', 'n': 30000}])
        self.design(db, {'v': ('function (doc) { for (var i = 0; i < doc.n; i++) emit("key number " + i % 1000, i) }',
                               '_sum')})
        self.assertEqual(self.view(db)['rows'], [{'key': None, 'value': 30000 * 29999 // 2}])
        rows = self.view(db, reduce='false', key='key number 7')['rows']
        self.assertEqual([row['value'] for row in rows], list(range(7, 30000, 1000)), 'in the order of emit()')
        rev = self.server.get('/%s/many' % db).json()['_rev']
        self.answer(self.server.put('/%s/many' % db, json={'_rev': rev, 'n': 3}), 201)
        self.assertEqual(self.view(db, reduce='false')['total_rows'], 3)


if __name__ == '__main__':
    unittest.main()
