"""List functions over HTTP: rows, headers, formats, errors, large and slow answers."""
import base64
import json
import socket
import unittest

import requests

from harness.case import ServerTestCase

LISTS = {
    'text': 'function (head, req) { send("head " + JSON.stringify(head) + "\\n"); var row;'
            ' while ((row = getRow())) send(row.key + ":" + row.value + "\\n"); return "tail" }',
    'csv': 'function (head, req) { start({code: 201, headers: {"Content-Type": "text/csv", "X-Foo": "1"}}); send("a") }',
    'first': 'function (head, req) { return JSON.stringify(getRow()) }',
    'nothing': 'function (head, req) {}',
    'formats': 'function (head, req) { provides("html", function () { return "<p>" });'
               ' provides("json", function () { return toJSON({total: head.total_rows}) }) }',
    'refuses': 'function (head, req) { throw({error: "forbidden", reason: "not you"}) }',
    'breaks': 'function (head, req) { send("begun"); getRow(); throw("broken") }',
    'broken': 'function (head, req) { oops( }',
    'splits': 'function (head, req) { start({headers: {"X-A": "1\\r\\nX-B: 2"}}); send("a") }',
    'frames': 'function (head, req) { start({headers: {"Content-Length": "1", "Transfer-Encoding": "x"}}); send("abc") }',
    'request': 'function (head, req) { return toJSON([req.method, req.query, req.path, req.body, req.userCtx.name]) }',
    'repeats': 'function (head, req) { var row; while ((row = getRow())) send(new Array(1000).join("x") + row.id + "\\n") }',
}


class ListTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()
        docs = [{'_id': 'd%d' % i, 'v': i} for i in range(4)]
        self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'docs': docs}), 201)
        self.answer(self.server.put('/%s/_design/d' % self.db, json={'lists': LISTS, 'views': {
            'v': {'map': 'function (doc) { emit(doc.v, doc.v) }'},
            'r': {'map': 'function (doc) { emit(doc.v % 2, doc.v) }', 'reduce': '_sum'}}}), 201)
        self.answer(self.server.put('/%s/_design/e' % self.db, json={'views': {
            'w': {'map': 'function (doc) { emit("e", doc.v) }'}}}), 201)

    def path(self, name, view='v'):
        return '/%s/_design/d/_list/%s/%s' % (self.db, name, view)

    def list(self, name, view='v', status=200, headers=None, **parameters):
        answer = self.server.get(self.path(name, view), params=parameters, headers=headers)
        self.assertEqual(answer.status_code, status, answer.text)
        return answer

    def test_rows(self):
        for view, parameters, expected in (
                ('v', {}, 'head {"total_rows":4,"offset":0}\n0:0\n1:1\n2:2\n3:3\ntail'),
                ('v', {'limit': 2, 'skip': 1}, 'head {"total_rows":4,"offset":1}\n1:1\n2:2\ntail'),
                ('v', {'limit': 0}, 'head {"total_rows":4,"offset":0}\ntail'),
                ('v', {'descending': 'true', 'limit': 1}, 'head {"total_rows":4,"offset":0}\n3:3\ntail'),
                ('v', {'keys': '[2,0]'}, 'head {"total_rows":4,"offset":2}\n2:2\n0:0\ntail'),
                ('r', {}, 'head {}\nnull:6\ntail'),
                ('r', {'group': 'true'}, 'head {}\n0:2\n1:4\ntail'),
                ('e/w', {}, 'head {"total_rows":4,"offset":0}\ne:0\ne:1\ne:2\ne:3\ntail')):
            with self.subTest(view=view, **parameters):
                self.assertEqual(self.list('text', view, **parameters).text, expected)
        answer = self.server.post(self.path('text'), json={'keys': [3, 1]})
        self.assertEqual(answer.text, 'head {"total_rows":4,"offset":3}\n3:3\n1:1\ntail')
        row = json.loads(self.list('first', include_docs='true').text)
        self.assertEqual((row['id'], row['doc']['v']), ('d0', 0))

    def test_all_docs(self):
        text = self.list('text', '_all_docs', startkey='"d"').text
        self.assertTrue(text.startswith('head {"total_rows":6,"offset":2}\nd0:'), text)
        self.assertEqual(json.loads(self.list('first', '_all_docs', include_docs='true', key='"d2"').text)['doc']['v'], 2)

    def test_headers(self):
        answer = self.list('csv', status=201)
        self.assertEqual((answer.text, answer.headers['Content-Type'], answer.headers['X-Foo']), ('a', 'text/csv', '1'))
        answer = self.list('text')
        self.assertEqual(answer.headers['Content-Security-Policy'], 'sandbox')
        self.assertEqual(answer.headers['Content-Type'], 'application/json')
        self.assertEqual(self.list('nothing').content, b'')
        # What would break the framing of the answer is left out, or refused.
        answer = self.list('frames')
        self.assertEqual(answer.text, 'abc')
        self.assertIn(answer.headers.get('Transfer-Encoding'), (None, 'chunked'))
        answer = self.list('splits', status=500)
        self.assertEqual(answer.json()['error'], 'external_response_error')
        self.assertNotIn('X-B', answer.headers)
        head = self.server.head(self.path('csv'))
        self.assertEqual((head.status_code, head.headers['Content-Type'], head.content), (201, 'text/csv', b''))

    def test_formats(self):
        self.assertEqual(self.list('formats', headers={'Accept': 'application/json'}).json(), {'total': 4})
        answer = self.list('formats', headers={'Accept': 'text/html'})
        self.assertEqual((answer.text, answer.headers['Content-Type'].replace(' ', '')), ('<p>', 'text/html;charset=utf-8'))
        self.assertEqual(self.list('formats', format='json').json(), {'total': 4})
        self.assertEqual(self.list('formats', status=406, headers={'Accept': 'image/png'}).json()['error'], 'not_acceptable')

    def test_request(self):
        method, query, path, _, name = self.list('request', limit=1, foo='bar').json()
        self.assertEqual((method, query, name), ('GET', {'limit': '1', 'foo': 'bar'}, self.server.user))
        self.assertEqual(path, [self.db, '_design', 'd', '_list', 'request', 'v'])

    def test_what_is_refused(self):
        for path, status, word, reason in (
                ('_list', 404, 'list_error', 'Invalid path.'),
                ('_list/text', 404, 'list_error', 'Invalid path.'),
                ('_list/text/e/w/x', 404, 'list_error', 'Invalid path.'),
                ('_list/none/v', 404, 'not_found', 'missing json key: none'),
                ('_list/text/none', 404, 'not_found', 'missing_named_view'),
                ('_list/text/none/v', 404, 'not_found', 'missing'),
                ('_list/text/v?limit=x', 400, 'query_parse_error', 'Invalid value for integer: "x"'),
                ('_list/text/v?group=true', 400, 'query_parse_error', 'Invalid use of grouping on a map view.'),
                ('_list/refuses/v', 403, 'forbidden', 'not you')):
            with self.subTest(path):
                answer = self.server.get('/%s/_design/d/%s' % (self.db, path))
                self.assertEqual(self.error(answer, status, word), reason)
        reason = self.error(self.server.get('/%s/_design/e/_list/text/w' % self.db), 404, 'not_found')
        self.assertEqual(reason, 'missing json key: lists')
        answer = self.server.request('PUT', self.path('text'), json={})
        self.error(answer, 405, 'method_not_allowed')
        self.assertEqual(answer.headers['Allow'], 'GET,POST,HEAD')
        reason = self.error(self.server.get(self.path('broken')), 400, 'compilation_error')
        self.assertIn('lists.broken', reason)

    def test_a_function_that_breaks_in_the_middle_is_cut_off(self):
        # What was begun is not ended: the client sees that it is not whole. It may break before the first text is sent.
        try:
            self.list('breaks', status=500)
        except requests.exceptions.ChunkedEncodingError:
            pass

    def add_rows(self, count):
        docs = [{'_id': 'm%05d' % i, 'v': ['m', i]} for i in range(count)]
        self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'docs': docs}), 201)

    def test_large_answers(self):
        self.add_rows(5000)
        lines = self.list('repeats', startkey='["m"]').text.splitlines()
        self.assertEqual([line.lstrip('x') for line in lines], ['m%05d' % i for i in range(5000)])

    def test_a_client_that_goes_ends_the_function(self):
        self.add_rows(20000)
        self.assertEqual(self.list('text', startkey='["n"]').text.splitlines()[-1], 'tail')
        host, port = self.server.url.removeprefix('http://').split(':')
        token = base64.b64encode(('%s:%s' % (self.server.user, self.server.password)).encode()).decode()
        connections = []
        for _ in range(6):  # more than there are workers
            connection = socket.create_connection((host, int(port)))
            self.addCleanup(connection.close)
            connection.sendall(('GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n\r\n' % (
                self.path('repeats'), token)).encode())
            connections.append(connection)
        # Some have begun and wait for a client that does not read; none holds a worker when its client is gone.
        self.assertTrue(connections[0].recv(100).startswith(b'HTTP/1.1 200'))
        for connection in connections:
            connection.close()
        self.assertTrue(self.list('text', limit=1).text.endswith('tail'))


if __name__ == '__main__':
    unittest.main()
