"""Update handlers, shows, rewrites, and what is told when a design document is saved."""
import base64
import json
import unittest

from harness.case import ServerTestCase, wait_until

SHOWN = "JSON.stringify([req.headers, req.cookie, req.userCtx.name])"
DESIGN = {
    'updates': {
        'bump': "function (doc, req) { if (!doc) return [{_id: req.id || req.uuid, n: 0}, 'new']; "
                "doc.n += 1; return [doc, {body: String(doc.n), headers: {'X-N': doc.n}}]; }",
        'form': "function (doc, req) { return [{_id: req.form.id, form: req.form}, {json: req.form}]; }",
        'bytes': "function () { return [null, {base64: '%s', headers: {'Content-Type': 'image/x'}}]; }"
                 % base64.b64encode(bytes(range(256))).decode(),
        'secrets': "function (doc, req) { return [null, %s]; }" % SHOWN,
        'design': "function (doc, req) { return [{_id: '_design/made', views: {v: {map: 'x('}}}, 'x']; }",
        'status': "function (doc, req) { return [{_id: 's' + req.uuid}, {code: 202, body: 'later'}]; }",
        'stale': "function (doc, req) { return [{_id: 'd', n: 1}, 'x']; }",
        'split': "function () { return [null, {headers: {'X-A': 'a\\r\\nX-B: b'}, body: ''}]; }",
        'odd': "function () { return [null, {body: 'x', more: 1}]; }",
        'local': "function () { return [{_id: '_local/l', x: 1}, 'x']; }",
    },
    'shows': {
        'page': "function (doc, req) { return {headers: {'Content-Type': 'text/html', 'ETag': 'mine'}, "
                "body: doc ? '<b>' + doc.n : 'none ' + req.id}; }",
        'revisions': "function (doc) { return {json: doc}; }",
        'secrets': "function (doc, req) { return %s; }" % SHOWN,
    },
    'rewrites': [
        {'from': '/docs/:id', 'to': '../../:id'},
        {'from': '/bump/:id', 'to': '_update/bump/:id', 'method': 'POST'},
        {'from': '/loop', 'to': '_rewrite/loop'},
        {'from': '/up/:a/:b', 'to': '../../:a/:b'},
        {'from': '/put/:id', 'to': '../../:id', 'method': 'PUT'},
    ],
}
FUNCTION = """function (req) {
    var last = req.path[req.path.length - 1];
    if (last === 'secrets') return {code: 200, body: JSON.stringify([req.headers, req.cookie, req.userCtx.name])};
    if (last === 'put') return {path: '../../made', method: 'PUT', body: JSON.stringify({by: req.body})};
    if (last === 'keep') return {path: '../../kept', method: 'PUT'};
    if (last === 'head') return {path: '../../_all_docs', headers: {'Accept': 'text/html'}, query: {limit: '1'}};
    if (last === 'boom') throw({forbidden: 'no'});
}"""


class DesignFunctionsTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.answer(self.server.put(self.path('d'), json={'n': 5}), 201)
        self.answer(self.server.put(self.path('_design/a'), json=DESIGN), 201)
        self.answer(self.server.put(self.path('_design/f'), json={'rewrites': FUNCTION}), 201)

    def path(self, *parts):
        return '/'.join(['', self.db, *parts])

    def function(self, kind, name, *parts):
        return self.path('_design/a', kind, name, *parts)

    # ------------------------------------------------------------ updates

    def test_update_handlers_write_documents(self):
        made = self.server.post(self.function('_update', 'bump'))
        self.assertEqual([made.status_code, made.text], [201, 'new'])
        self.assertEqual(made.headers['Content-Security-Policy'], 'sandbox')
        stored = self.answer(self.server.get(self.path(made.headers['X-Couch-Id'])), 200)
        self.assertEqual(stored['_rev'], made.headers['X-Couch-Update-NewRev'])
        bumped = self.server.put(self.function('_update', 'bump', 'd'))
        self.assertEqual([bumped.status_code, bumped.text, bumped.headers['X-N']], [201, '6', '6'])
        self.assertEqual(self.answer(self.server.get(self.path('d')), 200)['n'], 6)
        self.assertEqual(self.server.post(self.function('_update', 'status')).status_code, 202)

    def test_update_handlers_get_bodies_and_send_bytes(self):
        answer = self.server.post(self.function('_update', 'form'), data={'id': 'fö', 'x': 'a b'})
        self.assertEqual(self.answer(answer, 201), {'id': 'fö', 'x': 'a b'})
        self.assertEqual(answer.headers['X-Couch-Id'], 'f%C3%B6')
        answer = self.server.post(self.function('_update', 'bytes'))
        self.assertEqual([answer.status_code, answer.headers['Content-Type']], [200, 'image/x'])
        self.assertEqual(answer.content, bytes(range(256)))

    def test_update_handlers_that_may_not_write(self):
        self.error(self.server.post(self.function('_update', 'stale')), 409, 'conflict')
        self.assertIn("map function in the 'v' view",
                      self.error(self.server.post(self.function('_update', 'design')), 400, 'compilation_error'))
        self.answer(self.server.put(self.path('_design/v'), json={
            'validate_doc_update': "function (n) { if (n.n > 5) throw({forbidden: 'enough'}); }"}), 201)
        self.assertEqual(self.error(self.server.put(self.function('_update', 'bump', 'd')), 403, 'forbidden'),
                         'enough')
        self.assertEqual(self.server.post(self.function('_update', 'local')).status_code, 201)
        self.assertEqual(self.answer(self.server.get(self.path('_local/l')), 200)['x'], 1)

    def test_responses_that_no_client_may_get(self):
        self.error(self.server.post(self.function('_update', 'split')), 500, 'external_response_error')
        self.error(self.server.post(self.function('_update', 'odd')), 500, 'external_response_error')

    # ------------------------------------------------------------ shows

    def test_shows(self):
        shown = self.server.get(self.function('_show', 'page', 'd'))
        self.assertEqual([shown.status_code, shown.text], [200, '<b>5'])
        self.assertEqual(shown.headers['Content-Security-Policy'], 'sandbox')
        self.assertEqual(shown.headers['Vary'], 'Accept')
        etag = shown.headers['ETag']
        self.assertNotEqual(etag, 'mine')
        again = {'If-None-Match': etag}
        self.assertEqual(self.server.get(self.function('_show', 'page', 'd'), headers=again).status_code, 304)
        self.server.put(self.function('_update', 'bump', 'd'))
        self.assertEqual(self.server.get(self.function('_show', 'page', 'd'), headers=again).text, '<b>6')
        self.assertEqual(self.server.get(self.function('_show', 'page', 'a/b')).text, 'none a/b')
        self.assertEqual(self.server.head(self.function('_show', 'page', 'd')).text, '')
        document = self.answer(self.server.get(self.function('_show', 'revisions', 'd')), 200)
        self.assertEqual(document['_revisions']['start'], 2)

    def test_functions_never_see_credentials(self):
        headers = {'Cookie': 'a=b', 'X-Auth-CouchDB-Token': 't', 'x-mine': '1'}
        for response in (self.server.post(self.function('_update', 'secrets'), headers=headers),
                         self.server.get(self.function('_show', 'secrets'), headers=headers),
                         self.server.get(self.path('_design/f/_rewrite/secrets'), headers=headers)):
            seen, cookie, user = json.loads(response.text)
            self.assertEqual([cookie, user, seen['X-Mine']], [{}, self.server.user, '1'])
            self.assertEqual([name for name in seen if name.lower() in (
                'authorization', 'cookie', 'x-auth-couchdb-token')], [])

    # ------------------------------------------------------------ rewrites

    def test_rules(self):
        def rewritten(*parts):
            return self.path('_design/a/_rewrite', *parts)
        self.assertEqual(self.answer(self.server.get(rewritten('docs', 'd')), 200)['n'], 5)
        self.error(self.server.get(rewritten('docs', 'none')), 404, 'not_found')
        bumped = self.server.post(rewritten('bump', 'd'))
        self.assertEqual([bumped.status_code, bumped.text], [201, '6'])
        self.error(self.server.get(rewritten('nope')), 404, 'not_found')
        self.assertIn('recursion', self.error(self.server.get(rewritten('loop')), 400, 'bad_request'))
        self.error(self.server.get(rewritten('up', '%2E%2E', '_all_dbs')), 500, 'insecure_rewrite_rule')
        self.answer(self.server.put(rewritten('put', 'p'), json={'x': 1}), 201)
        self.assertEqual(self.answer(self.server.get(self.path('p')), 200)['x'], 1)
        # A method that the target does not have.
        refused = self.server.delete(rewritten('docs', '_all_docs'))
        self.error(refused, 405, 'method_not_allowed')
        self.assertIn('GET', refused.headers['Allow'])

    def test_rewrites_keep_the_rights_of_the_user(self):
        nobody = self.server.new_session(user='', password='')
        nobody.auth = None
        response = nobody.get(self.server.origin + self.path('_design/a/_rewrite/docs/d'))
        self.assertEqual(response.status_code, 401)
        nobody.close()

    def test_functions(self):
        def rewritten(name):
            return self.path('_design/f/_rewrite', name)
        self.answer(self.server.post(rewritten('put'), data='hello'), 201)
        self.assertEqual(self.answer(self.server.get(self.path('made')), 200)['by'], 'hello')
        self.answer(self.server.post(rewritten('keep'), json={'x': 2}), 201)
        self.assertEqual(self.answer(self.server.get(self.path('kept')), 200)['x'], 2)
        self.assertEqual(len(self.answer(self.server.get(rewritten('head')), 200)['rows']), 1)
        self.error(self.server.get(rewritten('none')), 404, 'rewrite_error')
        self.assertEqual(self.error(self.server.get(rewritten('boom')), 403, 'forbidden'), 'no')

    # ------------------------------------------------------------ what is told

    def test_advice_is_logged_and_refuses_nothing(self):
        self.answer(self.server.put(self.path('_design/slow'), json={'views': {
            'all': {'map': 'function (doc) { emit(doc._id, doc); }'},
            'good': {'map': 'function (doc) { emit(doc._id, null); }', 'reduce': '_count'}}}), 201)
        self.answer(self.server.post(self.path('_bulk_docs'), json={'docs': [{'_id': '_design/chance', 'views': {
            'all': {'map': 'function (doc) { emit(Math.random()); }'}}}]}), 201)
        told = lambda: [line for line in list(self.server.log) if line.startswith('[warning]') and self.db in line]
        wait_until(lambda: len(told()) >= 2)  # the log is read on another thread
        warnings = told()
        self.assertEqual(len(warnings), 2, warnings)
        self.assertIn('_design/slow', warnings[0])
        self.assertIn('Math.random()', warnings[1])

    def test_views_must_compile(self):
        for views, text in [({'v': {'map': 'function ('}}, "Compilation of the map function in the 'v' view"),
                            ({'v': {'map': 'x'}}, "map function in the 'v' view"),
                            ({'v': {'map': 'function (doc) {}', 'reduce': '1'}}, "reduce function in the 'v' view")]:
            reason = self.error(self.server.put(self.path('_design/broken'), json={'views': views}),
                                400, 'compilation_error')
            self.assertIn(text, reason)
            entry = self.answer(self.server.post(self.path('_bulk_docs'), json={
                'docs': [{'_id': '_design/broken', 'views': views}, {}]}), 201)[0]
            self.assertEqual(entry['error'], 'compilation_error')
        self.answer(self.server.put(self.path('_design/whole'), json={'views': {
            'lib': {'m': 'exports.x = 1'},
            'v': {'map': "function (doc) { emit(require('views/lib/m').x); }"}}}), 201)


if __name__ == '__main__':
    unittest.main()
