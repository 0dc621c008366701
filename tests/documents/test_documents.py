"""Documents, attachments, conflicts, bulk requests, listings and feeds, each with its parameters."""
import base64
import concurrent.futures
import gzip
import hashlib
import json
import time
import unittest

from harness.case import ServerTestCase

WAIT_LIMIT_S = 30
JSON = {'Accept': 'application/json'}


def parts_of(response):
    """[(head, body)] of a multipart answer; names of header fields in lower case."""
    return split_parts(response.headers['Content-Type'], response.content)


def split_parts(content_type, body):
    boundary = content_type.split('boundary=')[1].strip('"').encode()
    found = []
    pieces = (b'\r\n' + body).split(b'\r\n--' + boundary)
    assert pieces[-1].startswith(b'--'), 'the last boundary is missing'
    for piece in pieces[1:-1]:
        head, _, content = piece.partition(b'\r\n\r\n')
        lines = [line.split(': ', 1) for line in head.decode().split('\r\n') if line]
        found.append(({name.lower(): value for name, value in lines}, content))
    return found


def revs_of(rows):
    return [row['rev'] for row in rows]


class DocumentCase(ServerTestCase):
    def put(self, path, **body):
        """Writes a document and returns its revision."""
        return self.answer(self.server.put(path, json=body), 201)['rev']

    def replicate(self, db, *docs):
        """Stores revisions as they are: (id, 'N-a N-1-b ...', body)."""
        stored = []
        for name, revisions, body in docs:
            revs = revisions.split()
            ids = [rev.split('-', 1)[1] for rev in revs]
            stored.append({'_id': name, '_rev': revs[0], **body,
                           '_revisions': {'start': int(revs[0].split('-')[0]), 'ids': ids}})
        rows = self.answer(self.server.post(db + '/_bulk_docs', json={
            'docs': stored, 'new_edits': False}), 201)
        self.assertEqual(rows, [])

    def compact(self, db):
        self.answer(self.server.post(db + '/_compact', json={}), 202)
        limit = time.monotonic() + WAIT_LIMIT_S
        while self.answer(self.server.get(db), 200)['compact_running']:
            self.assertLess(time.monotonic(), limit, 'the compaction does not end')


class DocumentTest(DocumentCase):
    def test_etag_and_conditions(self):
        db = '/' + self.database()
        rev = self.put(db + '/a', v=1)
        tag = '"%s"' % rev
        for match in (tag, 'W/' + tag, '"x", ' + tag):
            answer = self.server.get(db + '/a', headers={'If-None-Match': match})
            self.assertEqual((answer.status_code, answer.content, answer.headers['ETag']), (304, b'', tag))
        for match in ('*', rev):
            self.answer(self.server.get(db + '/a', headers={'If-None-Match': match}), 200)
        head = self.server.head(db + '/a')
        get = self.server.get(db + '/a', params={'conflicts': 'true', 'revs': 'true'})
        self.assertEqual((head.headers['ETag'], get.headers['ETag']), (tag, tag))
        self.assertEqual(int(head.headers['Content-Length']), len(self.server.get(db + '/a').content))
        self.assertNotIn('ETag', self.server.get(db + '/a', params={'revs_info': 'true'}).headers)
        self.assertNotIn('ETag', self.server.get(db + '/a', params={'local_seq': 'true'}).headers)

    def test_revision_of_a_write(self):
        db = '/' + self.database()
        rev = self.put(db + '/a')
        for arguments in ({'params': {'rev': rev}}, {'headers': {'If-Match': rev}},
                          {'headers': {'If-Match': '"%s"' % rev}}):
            self.error(self.server.put(db + '/a', json={'_rev': '1-x'}, **arguments), 400, 'bad_request')
        self.assertEqual(self.error(self.server.put(db + '/a', json={}, params={'rev': rev},
                                                    headers={'If-Match': '1-x'}), 400, 'bad_request'),
                         'Document rev and etag have different values')
        second = self.answer(self.server.put(db + '/a', json={}, headers={'If-Match': rev}), 201)['rev']
        self.error(self.server.put(db + '/a', json={}, params={'rev': rev}), 409, 'conflict')
        self.error(self.server.delete(db + '/a'), 409, 'conflict')
        gone = self.answer(self.server.put(db + '/a', json={'_rev': second, '_deleted': True, 'why': 1}), 200)
        self.assertEqual(self.error(self.server.get(db + '/a'), 404, 'not_found'), 'deleted')
        kept = self.answer(self.server.get(db + '/a', params={'rev': gone['rev']}), 200)
        self.assertEqual((kept['_deleted'], kept['why']), (True, 1))
        self.assertTrue(self.put(db + '/a').startswith('4-'), 'goes on from the tombstone')

    def test_accepted_only(self):
        db = '/' + self.database()
        made = self.answer(self.server.put(db + '/a', json={}, params={'w': 2}), 202)
        self.assertIn('rev', made)
        batch = self.answer(self.server.put(db + '/b', json={}, params={'batch': 'ok'}), 202)
        self.assertEqual(batch, {'ok': True, 'id': 'b'})
        posted = self.answer(self.server.post(db, json={'_id': 'c'}, params={'batch': 'ok'}), 202)
        self.assertEqual(posted, {'ok': True, 'id': 'c'})
        for path in ('/a', '/b', '/c'):
            self.answer(self.server.get(db + path), 200)
        rows = self.answer(self.server.post(db + '/_bulk_docs', json={'docs': [{'_id': 'd'}], 'w': 3}), 202)
        self.assertTrue(rows[0]['accepted'])

    def test_revs_info_before_and_after_compaction(self):
        db = '/' + self.database()
        revs = [self.put(db + '/a', v=1)]
        for value in (2, 3):
            revs.append(self.put(db + '/a', v=value, _rev=revs[-1]))
        for status in ('available', 'missing'):
            info = self.answer(self.server.get(db + '/a', params={'revs_info': 'true'}), 200)['_revs_info']
            self.assertEqual(info, [{'rev': revs[2], 'status': 'available'},
                                    {'rev': revs[1], 'status': status}, {'rev': revs[0], 'status': status}])
            old = self.server.get(db + '/a', params={'rev': revs[0]})
            if status == 'available':
                self.assertEqual(self.answer(old, 200)['v'], 1)
                self.compact(db)
            else:
                self.assertEqual(self.error(old, 404, 'not_found'), 'missing')

    def test_conflict_tree(self):
        db = '/' + self.database()
        self.replicate(db, ('d', '3-c 2-b 1-a', {'v': 3}), ('d', '3-z 2-y 1-a', {'v': 4}),
                       ('d', '4-x 3-w 2-b 1-a', {'_deleted': True}), ('d', '2-q 1-p', {'v': 5}))
        meta = self.answer(self.server.get(db + '/d', params={'meta': 'true', 'revs': 'true'}), 200)
        self.assertEqual((meta['_rev'], meta['v']), ('3-z', 4))
        self.assertEqual(meta['_conflicts'], ['3-c', '2-q'])
        self.assertEqual(meta['_deleted_conflicts'], ['4-x'])
        self.assertEqual(meta['_revisions'], {'start': 3, 'ids': ['z', 'y', 'a']})
        self.assertEqual([(row['rev'], row['status']) for row in meta['_revs_info']],
                         [('3-z', 'available'), ('2-y', 'missing'), ('1-a', 'missing')])
        self.assertEqual(self.answer(self.server.get(db + '/d', params={
            'rev': '3-c', 'conflicts': 'true'}), 200), {'_id': 'd', '_rev': '3-c', 'v': 3})
        self.error(self.server.get(db + '/d', params={'rev': '2-y'}), 404, 'not_found')
        self.error(self.server.get(db + '/d', params={'rev': 'x'}), 400, 'bad_request')
        listed = self.answer(self.server.get(db + '/_all_docs', params={
            'include_docs': 'true', 'conflicts': 'true'}), 200)['rows'][0]
        self.assertEqual(listed['doc']['_conflicts'], ['3-c', '2-q'])
        row = self.answer(self.server.get(db + '/_changes', params={'style': 'all_docs'}), 200)['results'][0]
        self.assertEqual(sorted(revs_of(row['changes'])), ['2-q', '3-c', '3-z', '4-x'])
        self.assertNotIn('deleted', row)
        # An ancestor's body that comes later is kept, and goes with the next compaction.
        self.replicate(db, ('d', '2-y 1-a', {'v': 'y'}))
        self.assertEqual(self.answer(self.server.get(db + '/d', params={'rev': '2-y'}), 200)['v'], 'y')
        self.compact(db)
        self.error(self.server.get(db + '/d', params={'rev': '2-y'}), 404, 'not_found')
        # Solving: the winner is deleted, the next one wins.
        self.answer(self.server.delete(db + '/d', params={'rev': '3-z'}), 200)
        self.assertEqual(self.answer(self.server.get(db + '/d'), 200)['_rev'], '3-c')

    def test_open_revs(self):
        db = '/' + self.database()
        self.replicate(db, ('d', '3-c 2-b 1-a', {'v': 3}), ('d', '2-z 1-a', {'_deleted': True}))

        def ask(revs, **parameters):
            text = revs if isinstance(revs, str) else json.dumps(revs)
            rows = self.answer(self.server.get(db + '/d', headers=JSON, params={
                'open_revs': text, **parameters}), 200)
            return [row.get('missing') or row['ok']['_rev'] for row in rows]

        self.assertEqual(ask('all'), ['2-z', '3-c'])
        self.assertEqual(ask(['3-c', '9-q', '3-c', '9-q']), ['3-c', '9-q'])
        self.assertEqual(ask(['1-a'], latest='true'), ['2-z', '3-c'])
        self.assertEqual(ask(['2-b'], latest='true'), ['3-c'])
        self.assertEqual(ask(['1-a']), ['1-a'])
        plain = self.answer(self.server.get(db + '/d', headers=JSON, params={
            'open_revs': '["3-c"]', 'revs': 'true', 'meta': 'true'}), 200)[0]['ok']
        self.assertEqual(set(plain), {'_id', '_rev', '_revisions', 'v'})
        self.error(self.server.get(db + '/none', params={'open_revs': 'all'}), 404, 'not_found')
        self.error(self.server.get(db + '/d', params={'open_revs': 'x'}), 400, 'bad_request')
        mixed = parts_of(self.server.get(db + '/d', params={'open_revs': '["3-c","9-q"]'}))
        self.assertEqual([(head['content-type'], json.loads(body)) for head, body in mixed],
                         [('application/json', {'_id': 'd', '_rev': '3-c', 'v': 3}),
                          ('application/json; error="true"', {'missing': '9-q'})])

    def test_copy(self):
        db = '/' + self.database()
        rev = self.answer(self.server.put(db + '/a/file.txt', data=b'text ' * 99,
                                          headers={'Content-Type': 'text/plain'}), 201)['rev']
        second = self.put(db + '/a', v=2, _rev=rev)
        copied = self.server.copy(db + '/a', 'b%2Fc', params={'rev': rev})
        self.assertEqual(self.answer(copied, 201)['id'], 'b/c')
        self.assertTrue(copied.headers['Location'].endswith(db + '/b%2Fc'))
        self.assertEqual(self.server.get(db + '/b%2Fc/file.txt').content, b'text ' * 99)
        self.error(self.server.copy(db + '/a', 'b%2Fc'), 409, 'conflict')
        over = self.answer(self.server.copy(db + '/a', 'b%2Fc?rev=' + copied.json()['rev']), 201)
        self.assertTrue(over['rev'].startswith('2-'))
        self.assertEqual(self.answer(self.server.get(db + '/b%2Fc'), 200)['v'], 2)
        self.answer(self.server.copy(db + '/a', 'd', headers={'If-Match': second}), 201)
        self.error(self.server.copy(db + '/none', 'e'), 404, 'not_found')
        self.error(self.server.copy(db + '/a', 'http://x/' + db + '/e'), 400, 'bad_request')
        self.error(self.server.request('COPY', db + '/a'), 400, 'bad_request')
        self.assertEqual(self.error(self.server.copy(db + '/bad', '_design/x'), 404, 'not_found'), 'missing')
        self.put(db + '/bad', views=1)
        self.error(self.server.copy(db + '/bad', '_design/x'), 400, 'invalid_design_doc')

    def test_local_documents(self):
        db = '/' + self.database()
        rows = self.answer(self.server.post(db + '/_bulk_docs', json={'docs': [
            {'_id': '_local/a', 'v': 1}, {'_id': '_local/a', 'v': 2}, {'_id': '_local/b'}]}), 201)
        self.assertEqual(revs_of(rows), ['0-1', '0-1', '0-1'])
        self.assertEqual(self.answer(self.server.get(db + '/_local/a'), 200)['v'], 1, 'the first stays')
        self.answer(self.server.post(db + '/_bulk_docs', json={
            'docs': [{'_id': '_local/r', '_rev': '0-7'}], 'new_edits': False}), 201)
        self.assertEqual(self.answer(self.server.get(db + '/_local/r'), 200)['_rev'], '0-7')
        listing = self.answer(self.server.get(db + '/_local_docs', params={'update_seq': 'true'}), 200)
        self.assertIsNone(listing['update_seq'])
        self.assertEqual([row['id'] for row in listing['rows']], ['_local/a', '_local/b', '_local/r'])
        deleted = self.answer(self.server.post(db + '/_bulk_docs', json={
            'docs': [{'_id': '_local/a', '_deleted': True}]}), 201)
        self.assertEqual(deleted, [{'ok': True, 'id': '_local/a', 'rev': '0-0'}])
        self.answer(self.server.post(db, json={'_id': '_local/r', '_deleted': True}), 200)
        for name in ('a', 'r'):
            self.error(self.server.get(db + '/_local/' + name), 404, 'not_found')
        erased = self.server.put(db + '/_local/b', json={'_deleted': True})
        self.answer(erased, 200)
        self.assertTrue(erased.headers['Location'].endswith('/_local%2Fb'))
        self.assertEqual(self.answer(self.server.get(db + '/_changes'), 200)['results'], [])

    def test_bad_revisions_lose_nothing(self):
        db = '/' + self.database()
        self.error(self.server.post(db + '/_bulk_docs', json={
            'docs': [{'_id': 'a', '_rev': '0-x'}], 'new_edits': False}), 400, 'bad_request')
        refused = self.server.post(db + '/_bulk_docs', json={'docs': [{'_id': 'a'}, {
            '_id': 'b', '_attachments': {'x': {'stub': True}}}, {'_id': '_local/c'}]})
        self.assertEqual(self.error(refused, 412, 'missing_stub'), 'Invalid attachment stub in b for x')
        self.assertEqual(self.answer(self.server.get(db + '/_all_docs'), 200)['rows'], [])
        self.error(self.server.get(db + '/_local/c'), 404, 'not_found')
        rows = self.answer(self.server.post(db + '/_bulk_docs', json={
            'docs': [{'_id': 'a'}, {'_id': 'b', '_rev': '3-x'}], 'all_or_nothing': True}), 417)
        self.assertEqual([(row['rev'], row['error']) for row in rows],
                         [('0-', 'not_implemented'), ('3-x', 'not_implemented')])

    def test_design_documents(self):
        db = '/' + self.database()
        function = 'function(doc) {}'
        refused = [
            ({'views': 1}, '`views` field must have object type'),
            ({'views': {'v': {}}}, 'View `v` must contain map function'),
            ({'views': {'v': {'map': function, 'reduce': '_nope'}}},
             '`_nope` is not a supported reduce function.'),
            ({'views': {'v': {'map': function, 'reduce': '_top_101'}}},
             'rank value must be between 1 and 100'),
            ({'language': 'query', 'views': {'v': {'map': function}}},
             '`views.v.map` field must have object type'),
            ({'filters': {'f': 1}}, '`filters.f` field must have string or object type'),
            ({'options': {'partitioned': True}},
             'partitioned option cannot be true in a non-partitioned database.'),
            ({'validate_doc_update': None},
             '`validate_doc_update` field must have object or string type')]
        for number, (body, reason) in enumerate(refused):
            with self.subTest(body=body):
                name = '_design/d%d' % number
                self.assertEqual(self.error(self.server.put('%s/%s' % (db, name), json=body), 400,
                                            'invalid_design_doc'), reason)
                rows = self.answer(self.server.post(db + '/_bulk_docs', json={
                    'docs': [{'_id': name, **body}, {'_id': 'ok%d' % number}]}), 201)
                self.assertEqual((rows[0]['reason'], rows[1]['ok']), (reason, True))
        empty = {'views': {'v': {'map': ''}}}
        self.assertEqual(self.error(self.server.put(db + '/_design/x', json=empty), 404, 'not_found'),
                         'missing function')
        self.put(db + '/_design/x', language='unknown', **empty)
        self.put(db + '/_design/y', views={'v': {'map': function, 'reduce': '_summ'}, 'lib': {'a': 'x'}})
        self.put(db + '/plain', views=1)
        self.assertEqual(self.server.get(db + '/_design%2Fx', allow_redirects=False).status_code, 301)


class AttachmentTest(DocumentCase):
    def test_ranges(self):
        db = '/' + self.database()
        data = b'0123456789abcdefghij'
        self.answer(self.server.put(db + '/d/x', data=data,
                                    headers={'Content-Type': 'application/octet-stream'}), 201)
        cases = [('bytes=0-4', 206, 'bytes 0-4/20', data[:5]), ('bytes=-5', 206, 'bytes 15-19/20', data[15:]),
                 ('bytes=0-19', 206, 'bytes 0-19/20', data), ('bytes=0-', 200, None, data),
                 ('bytes=-100', 206, 'bytes 0-19/20', data), ('bytes=x', 200, None, data)]
        for header, status, content_range, content in cases:
            with self.subTest(range=header):
                answer = self.server.get(db + '/d/x', headers={'Range': header})
                self.assertEqual((answer.status_code, answer.headers.get('Content-Range'), answer.content),
                                 (status, content_range, content))
        for header in ('bytes=5-2', 'bytes=20-', 'bytes=-0'):
            self.error(self.server.get(db + '/d/x', headers={'Range': header}), 416,
                       'requested_range_not_satisfiable')
        several = self.server.get(db + '/d/x', headers={'Range': 'bytes=0-1,18-19'})
        self.assertEqual([body for _, body in parts_of(several)], [b'01', b'ij'])
        ten = ','.join('%d-%d' % (at, at) for at in range(10))
        self.assertEqual(self.server.get(db + '/d/x', headers={'Range': 'bytes=' + ten}).status_code, 200)

    def test_encodings(self):
        db = '/' + self.database()
        text = b'hello ' * 100
        rev = self.answer(self.server.put(db + '/d/t', data=text, headers={'Content-Type': 'text/plain'}),
                          201)['rev']
        stub = self.answer(self.server.get(db + '/d', params={'att_encoding_info': 'true'}),
                           200)['_attachments']['t']
        self.assertEqual((stub['encoding'], stub['length']), ('gzip', len(text)))
        raw = self.server.get(db + '/d/t', headers={'Accept-Encoding': 'gzip'}, stream=True)
        stored = raw.raw.read(decode_content=False)
        self.assertEqual((raw.headers['Content-Encoding'], gzip.decompress(stored)), ('gzip', text))
        self.assertEqual(stub['digest'], 'md5-' + base64.b64encode(hashlib.md5(stored).digest()).decode())
        plain = self.server.get(db + '/d/t', headers={'Accept-Encoding': 'identity'})
        self.assertEqual((plain.content, plain.headers['Accept-Ranges']), (text, 'none'))
        self.assertEqual(self.server.get(db + '/d/t', headers={
            'If-None-Match': plain.headers['ETag']}).status_code, 304)
        # What was read with its encoding can be written back.
        read = self.answer(self.server.get(db + '/d', headers=JSON, params={
            'attachments': 'true', 'att_encoding_info': 'true'}), 200)
        self.answer(self.server.put(db + '/d', json=read), 201)
        again = self.server.get(db + '/d/t', headers={'Accept-Encoding': 'identity'})
        self.assertEqual(again.content, text)
        self.assertEqual(self.server.get(db + '/d/t', params={'rev': rev}).content, text)

    def test_lifecycle(self):
        db = '/' + self.database()
        self.error(self.server.delete(db + '/d/x', params={'rev': '1-a'}), 409, 'not_found')
        rev = self.answer(self.server.put(db + '/d/a/b.txt', data=b'one'), 201)['rev']
        self.error(self.server.put(db + '/d/two', data=b'two'), 409, 'conflict')
        rev = self.answer(self.server.put(db + '/d/two', data=b'two', params={'rev': rev}), 201)['rev']
        stubs = self.answer(self.server.get(db + '/d'), 200)['_attachments']
        self.assertEqual({name: stub['revpos'] for name, stub in stubs.items()}, {'a/b.txt': 1, 'two': 2})
        self.error(self.server.delete(db + '/d/two'), 409, 'conflict')
        self.assertEqual(self.error(self.server.delete(db + '/d/none', params={'rev': rev}), 404,
                                    'not_found'), 'Document is missing attachment')
        self.answer(self.server.delete(db + '/d/a/b.txt', headers={'If-Match': rev}), 200)
        self.error(self.server.get(db + '/d/a/b.txt'), 404, 'not_found')
        self.assertEqual(self.server.get(db + '/d/a/b.txt', params={'rev': rev}).content, b'one')
        self.error(self.server.put(db + '/d/_x', data=b''), 400, 'bad_request')

    def test_atts_since(self):
        db = '/' + self.database()
        first = self.answer(self.server.put(db + '/d/one', data=b'1'), 201)['rev']
        second = self.answer(self.server.put(db + '/d/two', data=b'2', params={'rev': first}), 201)['rev']
        read = self.answer(self.server.get(db + '/d', headers=JSON, params={
            'atts_since': json.dumps([first, '1-unknown'])}), 200)['_attachments']
        self.assertEqual((read['one']['stub'], base64.b64decode(read['two']['data'])), (True, b'2'))
        for asked, followed in (([first], ['two']), ([], ['one', 'two']), ([second], [])):
            entry = {'id': 'd', 'atts_since': asked}
            parts = parts_of(self.server.post(db + '/_bulk_get', json={'docs': [entry]},
                                              headers={'Accept': 'multipart/mixed'}))
            head, body = parts[0]
            if followed:
                self.assertEqual((head['x-doc-id'], head['x-rev-id']), ('d', second))
                inner = split_parts(head['content-type'], body)
                names = [part['content-disposition'].split('"')[1] for part, _ in inner[1:]]
                self.assertEqual(names, followed)
            else:
                self.assertEqual(head['content-type'], 'application/json')

    def test_multipart_both_ways(self):
        db = '/' + self.database()
        files = {'a.bin': bytes(range(256)) * 2000, 'b.txt': b'text ' * 500}
        document = {'v': 1, '_attachments': {
            'a.bin': {'follows': True, 'content_type': 'application/octet-stream', 'length': 512000},
            'b.txt': {'follows': True, 'content_type': 'text/plain', 'length': 2500}}}
        body = b'--XX\r\nContent-Type: application/json\r\n\r\n' + json.dumps(document).encode()
        for name, data in files.items():
            body += (b'\r\n--XX\r\nContent-Disposition: attachment; filename="%s"\r\n\r\n' % name.encode()) + data
        body += b'\r\n--XX--'
        headers = {'Content-Type': 'multipart/related;boundary=XX'}
        rev = self.answer(self.server.put(db + '/d', data=body, headers=headers), 201)['rev']
        for name, data in files.items():
            self.assertEqual(self.server.get('%s/d/%s' % (db, name)).content, data)
        related = self.server.get(db + '/d', params={'attachments': 'true'},
                                  headers={'Accept': 'multipart/related'})
        parts = parts_of(related)
        stubs = json.loads(parts[0][1])['_attachments']
        self.assertTrue(all(stub['follows'] for stub in stubs.values()))
        self.assertEqual(parts[1][1], files['a.bin'])
        self.assertEqual(gzip.decompress(parts[2][1]), files['b.txt'])
        self.assertEqual((parts[2][0]['content-encoding'], stubs['b.txt']['encoding']), ('gzip', 'gzip'))
        # What came out goes in again, as a peer sends it.
        back = self.server.put(db + '/copy', data=related.content, params={'new_edits': 'false'},
                               headers={'Content-Type': related.headers['Content-Type']})
        self.assertEqual(self.answer(back, 201)['rev'], rev)
        for name in files:
            self.assertEqual(self.server.get('%s/copy/%s' % (db, name)).content, files[name])
        self.error(self.server.put(db + '/cut', data=body[:-600], headers=headers), 400, 'bad_request')
        self.error(self.server.get(db + '/cut'), 404, 'not_found')

    def test_names_and_types_cannot_forge_headers(self):
        db = '/' + self.database()
        name = 'a"\r\nX-Name: 1\r\n.txt'
        self.answer(self.server.put(db + '/d%0D%0AX-Id: 1', json={'_attachments': {
            name: {'data': 'aGk=', 'content_type': 'image/png\r\nX-Type: 1\r\n\r\n<b>'}}}), 201)
        single = self.server.get(db + '/d%0D%0AX-Id: 1/a%22%0D%0AX-Name: 1%0D%0A.txt')
        self.assertEqual((single.status_code, single.content), (200, b'hi'))
        self.assertNotIn('X-Type', single.headers)
        parts = parts_of(self.server.post(db + '/_bulk_get', json={'docs': [{'id': 'd\r\nX-Id: 1'}]},
                                          headers={'Accept': 'multipart/mixed'}))
        inner = split_parts(parts[0][0]['content-type'], parts[0][1])
        self.assertEqual(inner[1][1], b'hi')
        for head in (parts[0][0], inner[1][0]):
            self.assertFalse({'x-id', 'x-name', 'x-type'} & set(head))


class FormTest(DocumentCase):
    def post_form(self, path, files, **headers):
        return self.server.post(path, files=files, headers={'Referer': self.server.url + '/page', **headers})

    def test_new_document_and_files(self):
        db = '/' + self.database()
        big = bytes(range(256)) * 8192
        made = self.post_form(db + '/d', [
            ('_attachments', ('big;name=x.bin', big, 'application/octet-stream')),
            ('_attachments', ('', b'', 'application/octet-stream')),
            ('_doc', (None, '{"v":1}')), ('other', (None, 'ignored')),
            ('_attachments', ('note.txt', b'note', 'text/plain'))])
        rev = self.answer(made, 201)['rev']
        self.assertEqual(made.headers['ETag'], '"%s"' % rev)
        stubs = self.answer(self.server.get(db + '/d'), 200)['_attachments']
        self.assertEqual(sorted(stubs), ['big;name=x.bin', 'note.txt'])
        self.assertEqual(stubs['note.txt']['content_type'], 'text/plain')
        self.assertEqual(self.server.get(db + '/d/big;name=x.bin').content, big)
        added = self.answer(self.post_form(db + '/d', [
            ('_rev', (None, rev)), ('_attachments', ('note.txt', b'new', 'text/plain'))]), 201)['rev']
        read = self.answer(self.server.get(db + '/d'), 200)
        self.assertEqual((read['_rev'], read['v'], len(read['_attachments'])), (added, 1, 2))
        self.assertEqual(self.server.get(db + '/d/note.txt').content, b'new')
        self.error(self.post_form(db + '/d', [('_rev', (None, rev))]), 409, 'conflict')

    def test_refusals(self):
        db = '/' + self.database()
        document = [('_doc', (None, '{}'))]
        self.assertEqual(self.error(self.server.post(db + '/d', files=document), 400, 'bad_request'),
                         'Referer header required.')
        self.assertEqual(self.error(self.post_form(db + '/d', document, Referer='http://elsewhere/x'), 400,
                                    'bad_request'), 'Referer header must match host.')
        self.error(self.server.post(db + '/d', json={}, headers={'Referer': self.server.url}), 415,
                   'bad_content_type')
        self.error(self.post_form(db + '/d', [('x', (None, '1'))]), 400, 'bad_request')
        self.error(self.post_form(db + '/d', [('_doc', (None, '{'))]), 400, 'bad_request')
        self.error(self.post_form(db + '/d', [('_rev', (None, '1-a'))]), 404, 'not_found')
        self.error(self.post_form(db + '/d', document + [('_attachments', ('_x', b'', 'a/b'))]), 400,
                   'bad_request')
        self.error(self.post_form(db + '/_local/d', document), 400, 'bad_request')
        self.error(self.post_form(db + '/_design/d', [('_doc', (None, '{"views":1}'))]), 400,
                   'invalid_design_doc')
        self.assertEqual(self.answer(self.server.get(db + '/_all_docs'), 200)['rows'], [])


class BulkTest(DocumentCase):
    def test_bulk_get(self):
        db = '/' + self.database()
        self.replicate(db, ('a', '2-d 1-a', {'v': 2}), ('a', '2-c 1-a', {'v': 1}))
        rev = self.put(db + '/b', w=1)
        asked = [{'id': 'a'}, {'id': 'nope'}, {'id': 'b', 'rev': rev}, {'id': 'a', 'rev': '7-q'},
                 {'id': 'b', 'rev': 1}, {'id': '_x'}, {}, {'rev': '1-a'}, {'id': 'a', 'atts_since': 1}]
        results = self.answer(self.server.post(db + '/_bulk_get', json={'docs': asked}), 200)['results']
        self.assertEqual([row['id'] for row in results],
                         ['a', 'nope', 'b', 'a', 'b', '_x', None, None, 'a'])
        self.assertEqual([doc['ok']['_rev'] for doc in results[0]['docs']], ['2-c', '2-d'])
        errors = [(row['docs'][0]['error']['rev'], row['docs'][0]['error']['error'])
                  for row in results if 'error' in row['docs'][0]]
        self.assertEqual(errors, [('undefined', 'not_found'), ('7-q', 'not_found'), (1, 'bad_request'),
                                  (None, 'illegal_docid'), (None, 'bad_request'), (None, 'bad_request'),
                                  (1, 'bad_request')])
        latest = self.answer(self.server.post(db + '/_bulk_get', params={'latest': 'true', 'revs': 'true'},
                                              json={'docs': [{'id': 'a', 'rev': '1-a'}]}), 200)
        self.assertEqual([doc['ok']['_revisions']['ids'] for doc in latest['results'][0]['docs']],
                         [['c', 'a'], ['d', 'a']])
        mixed = self.server.post(db + '/_bulk_get', json={'docs': asked},
                                 headers={'Accept': 'multipart/mixed, multipart/related'})
        self.assertTrue(mixed.headers['Content-Type'].startswith('multipart/mixed; boundary='))
        parts = parts_of(mixed)
        self.assertEqual(len(parts), 10)
        self.assertEqual([head['content-type'] for head, _ in parts].count('application/json'), 3)
        self.assertEqual(json.loads(parts[2][1]), {'rev': 'undefined', 'reason': 'missing', 'id': 'nope',
                                                   'error': 'not_found'})
        self.assertEqual(json.loads(parts[4][1]), {'rev': '7-q', 'error': 'not_found', 'reason': 'missing'})
        nothing = self.server.post(db + '/_bulk_get', json={'docs': []},
                                   headers={'Accept': 'multipart/related'})
        self.assertEqual((nothing.status_code, nothing.content), (200, b''))

    def test_bulk_get_of_many(self):
        db = '/' + self.database()
        docs = [{'_id': '%03d' % number, 'text': 'x' * 5000} for number in range(350)]
        self.answer(self.server.post(db + '/_bulk_docs', json={'docs': docs}), 201)
        asked = {'docs': [{'id': doc['_id']} for doc in docs] + [{'id': 'none'}]}
        results = self.answer(self.server.post(db + '/_bulk_get', json=asked), 200)['results']
        self.assertEqual([row['id'] for row in results], [entry['id'] for entry in asked['docs']])
        parts = parts_of(self.server.post(db + '/_bulk_get', json=asked, headers={'Accept': 'multipart/mixed'}))
        self.assertEqual([json.loads(body).get('_id', 'none') for _, body in parts],
                         [entry['id'] for entry in asked['docs']])

    def test_purge(self):
        db = '/' + self.database()
        self.replicate(db, ('a', '2-c 1-a', {}), ('a', '2-d 1-a', {}))
        self.put(db + '/b')
        since = self.answer(self.server.get(db + '/_changes'), 200)['last_seq']
        purged = self.answer(self.server.post(db + '/_purge', json={
            'a': ['1-a', '2-d'], 'none': ['1-x']}), 201)
        self.assertEqual(purged, {'purge_seq': None, 'purged': {'a': ['2-d'], 'none': []}})
        rows = self.answer(self.server.get(db + '/_changes', params={'since': since}), 200)['results']
        self.assertEqual([(row['id'], revs_of(row['changes'])) for row in rows], [('a', ['2-c'])])
        self.answer(self.server.post(db + '/_purge', json={'a': ['2-c']}), 201)
        self.assertEqual(self.error(self.server.get(db + '/a'), 404, 'not_found'), 'missing')
        feed = self.answer(self.server.get(db + '/_changes'), 200)
        self.assertEqual([row['id'] for row in feed['results']], ['b'])
        infos = self.answer(self.server.get(db + '/_purged_infos'), 200)['purged_infos']
        self.assertEqual(infos, [{'id': 'a', 'revs': ['2-d']}, {'id': 'a', 'revs': ['2-c']}])
        self.error(self.server.post(db + '/_purge', json={'a': 'x'}), 400, 'bad_request')

    def test_revs_diff(self):
        db = '/' + self.database()
        self.replicate(db, ('a', '3-c 2-b 1-a', {}))
        diff = self.answer(self.server.post(db + '/_revs_diff', json={
            'a': ['3-c', '4-d', '2-x'], 'none': ['1-a']}), 200)
        self.assertEqual(diff, {'a': {'missing': ['4-d', '2-x'], 'possible_ancestors': ['3-c']},
                                'none': {'missing': ['1-a']}})
        self.assertEqual(self.answer(self.server.post(db + '/_revs_diff', json={'a': ['2-b']}), 200), {})
        missing = self.answer(self.server.post(db + '/_missing_revs', json={'a': ['1-z']}), 200)
        self.assertEqual(missing, {'missing_revs': {'a': ['1-z']}})


class ListingTest(DocumentCase):
    def setUp(self):
        super().setUp()
        self.db = '/' + self.database()
        names = ['10', 'B', '_design/a', '_design/b', 'a', 'b', 'c']
        self.answer(self.server.post(self.db + '/_bulk_docs', json={
            'docs': [{'_id': name, 'v': name} for name in names]}), 201)

    def ids(self, path='_all_docs', status=200, **parameters):
        answer = self.answer(self.server.get('%s/%s' % (self.db, path), params=parameters), status)
        return [row['id'] for row in answer['rows']], answer['offset']

    def test_parameters(self):
        self.assertEqual(self.ids(startkey='"a"', endkey='"b"'), (['a', 'b'], 4))
        self.assertEqual(self.ids(start_key='"a"', end_key='"b"', inclusive_end='false'), (['a'], 4))
        self.assertEqual(self.ids(descending='true', startkey='"b"', limit=2), (['b', 'a'], 1))
        self.assertEqual(self.ids(skip=2, limit=1), (['_design/a'], 2))
        self.assertEqual(self.ids(key='"c"', sorted='false', stale='ok', update='lazy', stable='true'),
                         (['c'], 6))
        self.assertEqual(self.ids('_design_docs'), (['_design/a', '_design/b'], 2))
        self.assertEqual(self.ids('_design_docs', descending='true'), (['_design/b', '_design/a'], 2))
        full = self.answer(self.server.get(self.db + '/_all_docs', params={
            'include_docs': 'true', 'update_seq': 'true', 'key': '"a"'}), 200)
        self.assertEqual((full['total_rows'], full['rows'][0]['doc']['v']), (7, 'a'))
        self.assertRegex(full['update_seq'], '^7-g')

    def test_refused_parameters(self):
        for parameters, reason in [
                ({'limit': 'x'}, 'Invalid value for integer: "x"'),
                ({'skip': '-1'}, 'Invalid value for positive integer: "-1"'),
                ({'descending': 'x'}, 'Invalid boolean parameter: "x"'),
                ({'sorted': 'x'}, 'Invalid boolean parameter: "x"'),
                ({'stale': 'x'}, 'Invalid value for `stale`.'),
                ({'update': 'x'}, 'Invalid value for `update`.'),
                ({'stable': 'x'}, 'Invalid value for `stable`.'),
                ({'partition': 'x'}, '`partition` parameter is not supported on this db'),
                ({'reduce': 'true'}, 'Reduce is invalid for map-only views.'),
                ({'group_level': '1'}, 'Invalid use of grouping on a map view.'),
                ({'keys': '["a","b"]', 'key': '"a"'},
                 '`keys` is incompatible with `key`, `start_key` and `end_key`')]:
            with self.subTest(parameters=parameters):
                self.assertEqual(self.error(self.server.get(self.db + '/_all_docs', params=parameters), 400,
                                            'query_parse_error'), reason)
        for body, reason in [({'limit': -1}, 'Invalid value for positive integer: -1'),
                             ({'descending': 1}, 'Invalid boolean parameter: 1')]:
            self.assertEqual(self.error(self.server.post(self.db + '/_all_docs', json=body), 400,
                                        'query_parse_error'), reason)

    def test_keys(self):
        rev = self.answer(self.server.get(self.db + '/c'), 200)['_rev']
        gone = self.answer(self.server.delete(self.db + '/c', params={'rev': rev}), 200)['rev']
        answer = self.answer(self.server.post(self.db + '/_all_docs', params={'include_docs': 'true'}, json={
            'keys': ['b', 'none', 'c', 1, 'b'], 'update_seq': True}), 200)
        self.assertEqual((answer['offset'], answer['update_seq']), (None, None))
        rows = answer['rows']
        self.assertEqual([row.get('id', row.get('error')) for row in rows],
                         ['b', 'not_found', 'c', 'not_found', 'b'])
        self.assertEqual((rows[2]['value'], rows[2]['doc']), ({'rev': gone, 'deleted': True}, None))
        one = self.answer(self.server.post(self.db + '/_all_docs', json={'keys': ['b'], 'key': 'b'}), 200)
        self.assertEqual(len(one['rows']), 1)

    def test_precedence_and_queries(self):
        rows = self.answer(self.server.post(self.db + '/_all_docs', params={'limit': 1}, json={'limit': 3}),
                           200)['rows']
        self.assertEqual(len(rows), 1, 'the URL wins')
        for path, counts in (('_all_docs', [1, 3, 2]), ('_design_docs', [1, 2, 1]), ('_local_docs', [0, 0, 0])):
            results = self.answer(self.server.post('%s/%s/queries' % (self.db, path), params={'limit': 1}, json={
                'queries': [{}, {'limit': 3}, {'keys': ['a', '_design/a'], 'limit': 9}]}), 200)['results']
            self.assertEqual([len(result['rows']) for result in results], counts, path)
        self.assertEqual(self.error(self.server.post(self.db + '/_all_docs/queries', json={}), 400,
                                    'bad_request'), 'POST body must include `queries` parameter.')


class LargeDocumentsTest(DocumentCase):
    def test_answers_in_parts_lose_no_row(self):
        """More than an answer is gathered for at once, so that memory stays bounded."""
        db = '/' + self.database()
        names = ['d%d' % number for number in range(8)]
        for name in names:
            self.put('%s/%s' % (db, name), text=name * 200_000)

        def ids(path, rows, **parameters):
            answer = self.answer(self.server.get(db + path, params={'include_docs': 'true', **parameters}), 200)
            for row in answer[rows]:
                self.assertEqual(row['doc']['text'], row['id'] * 200_000)
            return [row['id'] for row in answer[rows]]

        self.assertEqual(ids('/_all_docs', 'rows'), names)
        self.assertEqual(ids('/_all_docs', 'rows', descending='true', skip=1), names[-2::-1])
        self.assertEqual(ids('/_all_docs', 'rows', limit=5, startkey='"d2"'), names[2:7])
        self.assertEqual(ids('/_all_docs', 'rows', keys=json.dumps(names[::-1])), names[::-1])
        self.assertEqual(ids('/_changes', 'results'), names)
        self.assertEqual(ids('/_changes', 'results', descending='true', limit=7), names[:0:-1])
        some = {'filter': '_doc_ids', 'doc_ids': json.dumps(names[1:])}
        self.assertEqual(ids('/_changes', 'results', **some), names[1:])
        self.assertEqual(ids('/_changes', 'results', descending='true', **some), names[:0:-1])
        results = self.answer(self.server.post(db + '/_bulk_get', json={
            'docs': [{'id': name} for name in names]}), 200)['results']
        self.assertEqual([row['docs'][0]['ok']['_id'] for row in results], names)


class ChangesTest(DocumentCase):
    def setUp(self):
        super().setUp()
        self.db = '/' + self.database()
        self.answer(self.server.post(self.db + '/_bulk_docs', json={
            'docs': [{'_id': 'd%d' % number} for number in range(4)]}), 201)

    def changes(self, body=None, **parameters):
        path = self.db + '/_changes'
        answer = self.server.get(path, params=parameters) if body is None else self.server.post(
            path, params=parameters, json=body)
        return self.answer(answer, 200)

    def reader(self, **parameters):
        """Opens a live feed; returns the response, whose lines arrive while it is open."""
        session = self.server.new_session()
        self.addCleanup(session.close)
        feed = session.get(self.server.url + self.db + '/_changes', stream=True, timeout=WAIT_LIMIT_S,
                           params=parameters)
        self.addCleanup(feed.close)
        return feed

    def test_normal(self):
        feed = self.changes(limit=2)
        self.assertEqual(([row['id'] for row in feed['results']], feed['pending']), (['d0', 'd1'], 2))
        rest = self.changes(since=json.dumps(feed['last_seq']))
        self.assertEqual([row['id'] for row in rest['results']], ['d2', 'd3'])
        self.assertEqual([row['id'] for row in self.changes(since='1')['results']], ['d1', 'd2', 'd3'])
        down = self.changes(descending='true', limit=3, since='now')
        self.assertEqual([row['id'] for row in down['results']], ['d3', 'd2', 'd1'])
        self.assertEqual(self.changes(limit=0)['pending'], 4)
        self.assertEqual([row['seq'] is None for row in self.changes(seq_interval=2)['results']],
                         [False, True, False, True])
        self.assertEqual(self.changes(since='now')['results'], [])
        self.assertEqual(len(self.answer(self.server.get(self.db + '/_changes/any'), 200)['results']), 4)
        response = self.server.get(self.db + '/_changes')
        tag = {'If-None-Match': response.headers['ETag']}
        self.assertEqual(self.server.get(self.db + '/_changes', headers=tag).status_code, 304)
        self.put(self.db + '/new')
        self.assertEqual(self.server.get(self.db + '/_changes', headers=tag).status_code, 200)

    def test_refused_parameters(self):
        for parameters, status, reason in [
                ({'FEED': 'x'}, 400, 'Supported `feed` types: normal, continuous, live, longpoll, eventsource'),
                ({'since': 'x'}, 400, "Malformed sequence supplied in 'since' parameter."),
                ({'heartbeat': '0'}, 400,
                 'The heartbeat value should be a positive integer (in milliseconds).'),
                ({'filter': '_x'}, 400, 'unknown builtin filter name'),
                ({'filter': 'a/b/c'}, 400, '`filter` must be of the form `designname/filtername`'),
                ({'filter': '_view', 'view': 'x'}, 400, '`view` must be of the form `designname/viewname`'),
                ({'filter': 'none/f'}, 404, 'missing'),
                ({'filter': 'x/f'}, 404, 'missing json key: filters'),
                ({'filter': '_doc_ids', 'doc_ids': 'x'}, 400, 'invalid UTF-8 JSON')]:
            if parameters.get('filter') == 'x/f':
                self.put(self.db + '/_design/x')
            with self.subTest(parameters=parameters):
                answer = self.server.get(self.db + '/_changes', params=parameters)
                self.assertEqual((answer.status_code, answer.json()['reason']), (status, reason))

    def test_filters(self):
        self.put(self.db + '/_design/x')
        design = self.changes(filter='_design')
        self.assertEqual([row['id'] for row in design['results']], ['_design/x'])
        self.assertEqual(design['pending'], 4, 'what the filter left out')
        some = self.changes(body={'doc_ids': ['d1', 'd3', 'none']}, filter='_doc_ids', include_docs='true')
        self.assertEqual([row['doc']['_id'] for row in some['results']], ['d1', 'd3'])
        self.assertEqual(some['pending'], 3)
        one = self.changes(filter='_doc_ids', doc_ids='["d1","d3"]', limit=1)
        self.assertEqual((len(one['results']), one['pending']), (1, 4))

    def test_longpoll(self):
        feed = self.reader(feed='longpoll', since='now', filter='_doc_ids', doc_ids='["mine"]')
        lines = feed.iter_lines(chunk_size=1)
        self.assertEqual(next(lines), b'{"results":[')
        self.put(self.db + '/other')
        self.put(self.db + '/mine')
        answer = json.loads(b'{"results":[' + b''.join(lines))
        self.assertEqual([row['id'] for row in answer['results']], ['mine'])
        idle = self.answer(self.reader(feed='longpoll', since='now', timeout=1), 200)
        self.assertEqual(idle['results'], [])
        self.assertEqual(len(self.answer(self.reader(feed='longpoll', limit=2), 200)['results']), 2)

    def test_continuous(self):
        made, rows = 0, []
        for line in self.reader(feed='continuous', since='now', heartbeat=20, limit=2).iter_lines(chunk_size=1):
            if line:
                rows.append(json.loads(line))
            elif made == len(rows) < 2:  # a heartbeat: the feed waits
                made += 1
                self.put('%s/new%d' % (self.db, made))
        self.assertEqual([row.get('id') for row in rows], ['new1', 'new2', None])
        self.assertEqual(rows[-1]['pending'], 0)

    def test_eventsource(self):
        last = self.changes(limit=3)['last_seq']
        feed = self.server.get(self.db + '/_changes', headers={'Last-Event-ID': last},
                               params={'feed': 'eventsource', 'limit': 1, 'since': '0'})
        self.assertTrue(feed.headers['Content-Type'].startswith('text/event-stream'))
        lines = feed.text.split('\n')
        self.assertEqual(json.loads(lines[0].removeprefix('data: '))['id'], 'd3')
        self.assertTrue(lines[1].startswith('id: '))
        # Heartbeats have their form also while a filter passes nothing.
        beats = self.reader(feed='eventsource', heartbeat=20, filter='_design').iter_lines(chunk_size=1)
        self.assertEqual([next(beats), next(beats)], [b'event: heartbeat', b'data: '])

    def test_database_deletion_ends_feeds(self):
        feeds = [self.reader(feed=kind, since='now', heartbeat=20)
                 for kind in ('longpoll', 'continuous', 'eventsource')]
        self.answer(self.server.delete(self.db), 200)
        with concurrent.futures.ThreadPoolExecutor(len(feeds)) as pool:
            ends = [pool.submit(lambda feed=feed: feed.content) for feed in feeds]
            for end in ends:
                end.result(WAIT_LIMIT_S)


if __name__ == '__main__':
    unittest.main()
