"""validate_doc_update: every way to write a document passes it, against the state that the write replaces."""
import concurrent.futures
import json
import unittest

import requests

from harness.case import ServerTestCase

REFUSES = """function (newDoc, oldDoc, userCtx, secObj) {
    if (newDoc.bad) throw({forbidden: 'bad ' + newDoc._id});
    if (newDoc.who) throw({unauthorized: 'who are you?'});
    if (newDoc._deleted && oldDoc && oldDoc.keep) throw({forbidden: 'kept'});
    if (newDoc._attachments && newDoc._attachments.no) throw({forbidden: 'attachment'});
    if (newDoc.show) throw({forbidden: JSON.stringify([newDoc, oldDoc, userCtx, secObj])});
}"""
COUNTS = """function (newDoc, oldDoc) {
    var before = oldDoc ? oldDoc.n : 0;
    if (newDoc.n !== before + 1) throw({forbidden: newDoc.n + ' does not follow ' + before});
}"""
FORM = {'Content-Type': 'multipart/form-data; boundary=b'}  # a Referer is asked for, too


class ValidationTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()

    def put_function(self, source, name='v', **members):
        self.answer(self.server.put('/%s/_design/%s' % (self.db, name),
                                    json={'validate_doc_update': source, **members}), 201)

    def path(self, *parts):
        return '/'.join(['', self.db, *parts])

    def bulk(self, docs, **members):
        return self.answer(self.server.post(self.path('_bulk_docs'), json={'docs': docs, **members}), 201)

    def assert_refused(self, response, reason=None):
        given = self.error(response, 403, 'forbidden')
        if reason:
            self.assertEqual(given, reason)

    def test_every_way_to_write_a_document(self):
        bad = json.dumps({'_id': 'w', 'bad': 1})
        self.answer(self.server.put(self.path('source'), json={'bad': 1}), 201)  # before there is a function
        self.put_function(REFUSES)
        self.assert_refused(self.server.put(self.path('w'), data=bad), 'bad w')
        self.assert_refused(self.server.post(self.path(), json={'_id': 'w', 'bad': 1}), 'bad w')
        self.assert_refused(self.server.put(self.path('w?new_edits=false'), json={'_rev': '1-a', 'bad': 1}))
        self.assert_refused(self.server.put(self.path('w?batch=ok'), data=bad))
        self.assert_refused(self.server.request('COPY', self.path('source'), headers={'Destination': 'w'}))
        related = ('--b\r\nContent-Type: application/json\r\n\r\n%s\r\n--b--' % bad).encode()
        self.assert_refused(self.server.put(self.path('w'), data=related,
                                            headers={'Content-Type': 'multipart/related; boundary=b'}))
        form = ('--b\r\nContent-Disposition: form-data; name="_doc"\r\n\r\n%s\r\n--b--' % bad).encode()
        self.assert_refused(self.server.post(
            self.path('w'), data=form, headers={**FORM, 'Referer': self.server.origin}))
        self.assert_refused(self.server.put(self.path('w', 'no'), data=b'x'), 'attachment')
        inline = {'_attachments': {'no': {'data': 'eA=='}}}
        self.assert_refused(self.server.put(self.path('w'), json=inline), 'attachment')
        self.assertEqual(self.bulk([{'_id': 'w', 'bad': 1}, {'_id': 'x', 'who': 1}, {'_id': 'good'}])[:2],
                         [{'id': 'w', 'error': 'forbidden', 'reason': 'bad w'},
                          {'id': 'x', 'error': 'unauthorized', 'reason': 'who are you?'}])
        self.assertEqual(self.bulk([{'_id': 'w', '_rev': '1-a', 'bad': 1}], new_edits=False),
                         [{'id': 'w', 'rev': '1-a', 'error': 'forbidden', 'reason': 'bad w'}])
        self.error(self.server.get(self.path('w')), 404, 'not_found')
        self.answer(self.server.get(self.path('good')), 200)

    def test_deletions_and_attachments_of_documents(self):
        self.put_function(REFUSES)
        rev = self.answer(self.server.put(self.path('d'), json={'keep': 1}), 201)['rev']
        self.assert_refused(self.server.delete(self.path('d?rev=' + rev)), 'kept')
        self.assertEqual(self.bulk([{'_id': 'd', '_rev': rev, '_deleted': True}])[0]['reason'], 'kept')
        rev = self.answer(self.server.put(self.path('d', 'a?rev=' + rev), data=b'x'), 201)['rev']
        rev = self.answer(self.server.put(self.path('d?rev=' + rev),
                                          json={'_attachments': {'a': {'stub': True}}}), 201)['rev']
        self.answer(self.server.delete(self.path('d', 'a?rev=' + rev)), 200)

    def test_what_is_not_validated(self):
        self.put_function("function () { throw({forbidden: 'nothing'}); }")
        self.assert_refused(self.server.put(self.path('w'), json={}), 'nothing')
        self.answer(self.server.put(self.path('_design/w'), json={'x': 1}), 201)
        self.answer(self.server.put(self.path('_local/w'), json={'x': 1}), 201)
        self.answer(self.server.put(self.path('_security'), json={}), 200)

    def test_arguments(self):
        self.put_function(REFUSES)
        security = {'admins': {'names': ['a'], 'roles': []}}
        self.answer(self.server.put(self.path('_security'), json=security), 200)
        rev = self.answer(self.server.put(self.path('d'), json={'x': 1}), 201)['rev']
        rev = self.answer(self.server.put(self.path('d', 'a?rev=' + rev), data=b'x'), 201)['rev']
        reason = self.error(self.server.put(self.path('d'), json={
            '_rev': rev, 'show': 1, '_attachments': {'a': {'stub': True}}}), 403, 'forbidden')
        new, old, user, given = json.loads(reason)
        hashes = [rev.split('-')[1]]
        self.assertEqual(new['_revisions'], {'start': 2, 'ids': hashes})
        self.assertEqual([new['_id'], new['_rev'], new['_attachments']['a']['stub']], ['d', rev, True])
        self.assertEqual([old['x'], old['_rev'], old['_attachments']['a']['length']], [1, rev, 1])
        self.assertEqual(old['_revisions']['ids'][:1], hashes)
        self.assertEqual(user, {'db': self.db, 'name': self.server.user, 'roles': ['_admin']})
        self.assertEqual(given, security)

    def test_replicated_revisions_see_their_nearest_ancestor(self):
        self.put_function(REFUSES)
        self.bulk([{'_id': 'd', '_rev': '1-a', 'x': 1}], new_edits=False)
        path = {'start': 3, 'ids': ['c', 'b', 'a']}
        entry = self.bulk([{'_id': 'd', '_revisions': path, 'show': 1}], new_edits=False)[0]
        new, old = json.loads(entry['reason'])[:2]
        self.assertEqual([new['_rev'], new['_revisions']], ['3-c', path])
        self.assertEqual([old['_rev'], old['x']], ['1-a', 1])
        entry = self.bulk([{'_id': 'd', '_rev': '5-q', 'show': 1}], new_edits=False)[0]
        self.assertIsNone(json.loads(entry['reason'])[1])

    def test_all_functions_must_pass_and_go_with_their_design_document(self):
        self.put_function("function (n) { if (n.a) throw({forbidden: 'a'}); }", 'a')
        self.put_function("function (n) { if (n.b) throw({forbidden: 'b'}); }", 'b',
                          lib={'x': 'exports.y = 1'})
        self.put_function("function (n) { if (n.c && require('lib/x').y) throw({forbidden: 'c'}); }", 'c',
                          lib={'x': 'exports.y = 1'})
        for member in 'abc':
            self.assert_refused(self.server.put(self.path('w'), json={member: 1}), member)
        rev = self.answer(self.server.get(self.path('_design/b')), 200)['_rev']
        self.answer(self.server.delete(self.path('_design/b?rev=' + rev)), 200)
        self.answer(self.server.put(self.path('w'), json={'b': 1}), 201)

    def test_broken_functions_refuse_every_write_and_say_why(self):
        for source, status, word, text in [
                ('function (', 400, 'compilation_error', 'validate_doc_update'),
                ({'a': 1}, 400, 'compilation_error', 'validate_doc_update'),
                ('function (n) { n.x.y.z; }', 500, 'TypeError', 'validate_doc_update'),
                ("function () { throw('plain'); }", 500, 'unknown_error', 'plain'),
                ("function () { throw({error: 'own', reason: 'word'}); }", 500, 'own', 'word')]:
            with self.subTest(source):
                db = self.db
                self.server.delete('/' + db)
                self.answer(self.server.put('/' + db), 201)
                self.put_function(source)
                self.assertIn(text, self.error(self.server.put(self.path('w'), json={}), status, word))
                entry = self.bulk([{'_id': 'w'}])[0]
                self.assertEqual(entry['error'], word)
        self.server.delete('/' + self.db)
        self.answer(self.server.put('/' + self.db), 201)
        self.put_function('x', language='nope')
        self.assertEqual(self.error(self.server.put(self.path('w'), json={}), 500, 'unknown_query_language'),
                         'nope')

    def test_a_conflict_comes_before_a_refusal(self):
        self.answer(self.server.put(self.path('w'), json={}), 201)
        self.put_function("function () { throw({forbidden: 'no'}); }")
        self.error(self.server.put(self.path('w'), json={}), 409, 'conflict')
        self.error(self.server.put(self.path('w'), json={'_rev': '1-abc'}), 409, 'conflict')

    def test_concurrent_writers_are_judged_against_what_they_replace(self):
        self.put_function(COUNTS)
        writers, rounds = 8, 15

        def count(writer):
            session = self.server.new_session()
            url = self.server.origin + self.path('counter')
            written = 0
            while written < rounds:
                old = session.get(url).json()
                members = {'n': old.get('n', 0) + 1, 'by': writer}
                if '_rev' in old:
                    members['_rev'] = old['_rev']
                status = session.put(url, json=members).status_code
                self.assertIn(status, (201, 409))
                written += status == 201
            session.close()

        with concurrent.futures.ThreadPoolExecutor(writers) as pool:
            list(pool.map(count, range(writers)))
        self.assertEqual(self.answer(self.server.get(self.path('counter')), 200)['n'], writers * rounds)
        self.assertIn('does not follow', self.bulk([{'_id': 'other', 'n': 2}])[0]['reason'])

    def test_large_batches(self):
        self.put_function("function (n) { if (n.i % 100 === 7) throw({forbidden: String(n.i)}); }")
        rows = self.bulk([{'_id': 'd%04d' % i, 'i': i} for i in range(1500)])
        refused = [row['reason'] for row in rows if 'error' in row]
        self.assertEqual(refused, [str(i) for i in range(7, 1500, 100)])
        self.assertEqual([row['id'] for row in rows], ['d%04d' % i for i in range(1500)])


class EndlessFunctionTest(ServerTestCase):
    server_arguments = {'config': '[couchdb]\nos_process_timeout = 500\n'}

    def test_a_function_without_end_refuses_and_harms_no_other_database(self):
        bad, good = self.database('_bad'), self.database('_good')
        self.answer(self.server.put('/%s/_design/v' % bad, json={
            'validate_doc_update': "function (newDoc) { while (newDoc.loop); }"}), 201)
        self.answer(self.server.put('/%s/_design/v' % good, json={
            'validate_doc_update': "function (newDoc) { if (newDoc.bad) throw({forbidden: 'no'}); }"}), 201)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            loops = [pool.submit(self.server.put, '/%s/%d' % (bad, i), json={'loop': True}) for i in range(4)]
            self.answer(self.server.put('/%s/d' % good, json={}), 201)
            self.error(self.server.put('/%s/e' % good, json={'bad': 1}), 403, 'forbidden')
            for loop in loops:
                reason = self.error(loop.result(), 500, 'timeout')
                self.assertIn('validate_doc_update', reason)
        self.answer(self.server.put('/%s/d' % bad, json={}), 201)


class StopTest(ServerTestCase):
    server_arguments = {'config': '[couchdb]\nos_process_timeout = 120000\n[divan]\ndrain_timeout_ms = 200\n'}

    def test_a_function_without_end_does_not_hold_up_a_stop(self):
        db = self.database()
        self.answer(self.server.put('/%s/_design/v' % db, json={
            'validate_doc_update': "function (newDoc) { while (newDoc.loop); }"}), 201)

        def write(index):
            try:
                answer = self.server.put('/%s/%d' % (db, index), json={'loop': True})
            except requests.RequestException:
                return  # cut off
            self.error(answer, 503, 'service unavailable')

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            writes = [pool.submit(write, i) for i in range(4)]
            for _ in range(50):
                self.answer(self.server.get('/%s/_all_docs' % db), 200)
            self.server.stop()  # within its limit, which is less than the function's
            for one in writes:
                one.result()
        self.server.start()


if __name__ == '__main__':
    unittest.main()
