"""validate_doc_update as a selector, in design documents of the language "query"."""
import pathlib
import unittest

from harness.case import ServerTestCase, wait_until

TYPED = {'newDoc': {'type': {'$exists': True}}}
REASON = 'document is not valid'


class SelectorValidationTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()

    def path(self, *parts):
        return '/'.join(['', self.db, *parts])

    def put(self, doc_id, json):
        return self.server.put(self.path(doc_id), json=json)

    def put_design(self, selector, name='v', rev=None, **members):
        design = {'language': 'query', 'validate_doc_update': selector, **members}
        return self.put('_design/' + name + ('?rev=' + rev if rev else ''), design)

    def bulk(self, docs, **members):
        return self.answer(self.server.post(self.path('_bulk_docs'), json={'docs': docs, **members}), 201)

    def assert_refused(self, response):
        self.assertEqual(self.error(response, 403, 'forbidden'), REASON)

    def test_what_does_not_match_is_refused(self):
        self.answer(self.put_design(TYPED), 201)
        self.answer(self.put('a', {'type': 'movie'}), 201)
        self.assert_refused(self.put('b', {'no': 'type'}))
        self.assert_refused(self.server.post(self.path(), json={}))
        rows = self.bulk([{'_id': 'c', 'type': 1}, {'_id': 'd'}, {'_id': 'e', 'type': None}])
        self.assertEqual([row.get('error') for row in rows], [None, 'forbidden', None])
        self.assertEqual(rows[1]['reason'], REASON)
        rows = self.bulk([{'_id': 'r', '_rev': '1-a', 'type': 1}, {'_id': 's', '_rev': '1-a'}], new_edits=False)
        self.assertEqual([(row['id'], row['error']) for row in rows], [('s', 'forbidden')])
        self.error(self.server.get(self.path('d')), 404, 'not_found')
        self.answer(self.put('_design/w', {'no': 'type'}), 201)
        self.answer(self.put('_local/w', {'no': 'type'}), 201)

    def test_selectors_see_the_new_and_the_old_document(self):
        self.answer(self.put_design({'$or': [
            {'oldDoc': None, 'newDoc.n': 1},
            {'oldDoc.n': 1, 'newDoc.n': 2, 'newDoc._revisions.start': 1, 'oldDoc._id': 'a'},
            {'newDoc._deleted': True, 'oldDoc.n': 2, 'newDoc._attachments': {'$exists': False}},
            {'newDoc._attachments.f.length': 5}]}), 201)
        self.assert_refused(self.put('a', {'n': 2}))
        rev = self.answer(self.put('a', {'n': 1}), 201)['rev']
        self.assert_refused(self.put('a', {'_rev': rev, 'n': 3}))
        self.assert_refused(self.server.delete(self.path('a?rev=' + rev)))
        rev = self.answer(self.put('a', {'_rev': rev, 'n': 2}), 201)['rev']
        self.answer(self.server.delete(self.path('a?rev=' + rev)), 200)
        self.answer(self.server.put(self.path('b', 'f'), data=b'hello'), 201)
        self.assert_refused(self.server.put(self.path('c', 'f'), data=b'hell'))

    def test_design_documents_that_change(self):
        rev = self.answer(self.put_design(TYPED), 201)['rev']
        rev = self.answer(self.put_design({'newDoc': {'type': {'$type': 'string'}, 'year': {'$lt': 2026}}}, rev=rev),
                          201)['rev']
        self.answer(self.put('a', {'type': 'movie', 'year': 1994}), 201)
        self.assert_refused(self.put('b', {'type': 42, 'year': 1994}))
        self.assert_refused(self.put('b', {'type': 'movie', 'year': 2094}))
        rev = self.answer(self.put_design("function (n) { if (!n.year) throw({forbidden: 'year'}); }", rev=rev,
                                          language='javascript'), 201)['rev']
        self.answer(self.put('b', {'type': 42, 'year': 1994}), 201)
        self.assertEqual(self.error(self.put('c', {}), 403, 'forbidden'), 'year')
        rev = self.answer(self.put_design(TYPED, rev=rev), 201)['rev']
        self.assert_refused(self.put('c', {'year': 1}))
        self.answer(self.server.delete(self.path('_design/v?rev=' + rev)), 200)
        self.answer(self.put('c', {}), 201)

    def test_all_must_match_and_functions_must_pass(self):
        self.answer(self.put_design(TYPED, 'z'), 201)
        self.answer(self.put_design({'newDoc': {'year': {'$lt': 2026}}}, 'y'), 201)
        self.answer(self.put('_design/js', {
            'validate_doc_update': "function (n) { if (n.bad) throw({forbidden: 'bad'}); }"}), 201)
        self.answer(self.put('a', {'type': 1, 'year': 1}), 201)
        self.assert_refused(self.put('b', {'year': 1}))
        self.assert_refused(self.put('b', {'type': 1, 'year': 3000}))
        self.assertEqual(self.error(self.put('b', {'type': 1, 'year': 1, 'bad': 1}), 403, 'forbidden'), 'bad')
        docs = [{'_id': 'm%d' % i, 'type': 1, 'year': i % 3 * 2000, 'bad': i % 2} for i in range(300)]
        rows = self.bulk(docs)
        expected = [REASON if i % 3 == 2 else 'bad' if i % 2 else None for i in range(300)]
        self.assertEqual([row.get('reason') for row in rows], expected)

    def test_malformed_selectors_are_refused_when_they_are_saved(self):
        for selector, text in (({'newDoc': {'$x': 1}}, 'Invalid operator: $x'),
                               ({'newDoc': {'type': {'$type': 'nothing', '$in': 1}}}, '$in'),
                               ({'newDoc': {'a': {'$regex': '('}}}, '$regex'),
                               ('function () {}', 'must be a selector')):
            with self.subTest(selector):
                reason = self.error(self.put_design(selector), 400, 'invalid_design_doc')
                self.assertIn('`validate_doc_update`', reason)
                self.assertIn(text, reason)
        self.error(self.put_design(1), 400, 'invalid_design_doc')
        row = self.bulk([{'_id': '_design/v', 'language': 'query', 'validate_doc_update': {'$x': 1}}])[0]
        self.assertEqual(row['error'], 'invalid_design_doc')
        self.answer(self.put('a', {}), 201)

    def test_lower_limits_do_not_take_stored_selectors_out_of_use(self):
        path = '/_node/_local/_config/divan/selector_depth_max'
        self.answer(self.put_design({'newDoc': {'a': {'b': {'c': 1}}}}), 201)
        self.answer(self.server.put(path, json='2'), 200)
        try:
            self.server.stop()
            self.server.start()
            self.assertIn('2', self.error(self.put_design({'newDoc': {'a': {'b': 1}}}, 'w'), 400, 'invalid_design_doc'))
            self.answer(self.put('a', {'a': {'b': {'c': 1}}}), 201)
            self.assert_refused(self.put('b', {'a': {'b': 1}}))
        finally:
            self.answer(self.server.delete(path), 200)

    def test_no_worker_is_asked(self):
        self.server.stop()
        self.server.start()
        tasks = pathlib.Path('/proc/%d/task' % self.server.process.pid)

        def workers():
            return sorted(pid for file in tasks.glob('*/children') for pid in file.read_text().split())
        # One waits for work; when it gets some, another one takes its place.
        self.assertTrue(wait_until(lambda: len(workers()) == 1))
        before = workers()
        self.answer(self.put_design(TYPED), 201)
        self.bulk([{'type': 1}] * 200 + [{}] * 200)
        self.assertEqual(workers(), before)
        self.answer(self.put('_design/js', {'validate_doc_update': 'function () {}'}), 201)
        self.answer(self.put('a', {'type': 1}), 201)
        self.assertTrue(wait_until(lambda: workers() != before))


if __name__ == '__main__':
    unittest.main()
