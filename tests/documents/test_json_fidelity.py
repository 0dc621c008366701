"""What goes in comes out, true to the member and the digit, or is refused: on every way in and out."""
import gzip
import pathlib
import tempfile
import unittest
import urllib.parse

from harness import exact_json, random_json
from harness.case import ServerTestCase
from harness.server import Server

JSON = {'Content-Type': 'application/json'}
SEED = 20240229
DOCUMENTS = 3000
ON_EVERY_WAY = 60
REVISION = '1-0123456789abcdef0123456789abcdef'

# Texts and what they stand for.
EXACT = [
    '{"b":1,"a":2,"c":{"z":1,"y":2,"x":3}}', '{"n":123456789012345678901234567890}', '{"n":-123456789012345678901234567890}',
    '{"n":[1,1.0,1.00,1e2,1E2,1e+2,100,100.0,-0,0,-0.0,0e5]}', '{"n":[0.1,1.7976931348623157e308,5e-324,1e-999]}',
    '{"n":[9007199254740993,18446744073709551616,-9223372036854775809]}', '{"n":1%s}' % ('0' * 1000),
    r'{"s":"\u0000\u0001\b\f\n\r\t\"\\\/\u001f\u007f\u0080\u2028\u2029\ufeff\uffff"}', r'{"s":"\ud83d\ude00\uD83D\uDE00"}',
    '{"s":"\U0001f600\u00e9\u4e2d\U0010ffff"}', r'{"\u0000":1,"\u0061":2,"":3," ":4}',
    '{"s":"%s"}' % ('x' * 1000000), '{"s":"%s"}' % ('\U0001f600' * 50000), '{"a":%s1%s}' % ('[' * 300, ']' * 300),
    '{"a":%s1%s}' % ('{"a":' * 300, '}' * 300), '{"a":[%s]}' % ','.join(str(i) for i in range(100000)),
    '{%s}' % ','.join('"k%d":%d' % (i, i) for i in range(20000)), '{"a":[],"b":{},"c":"","d":null,"e":true,"f":false}',
    ' { "a" : [ 1 , 2 ] , "b" : { } } \n', '{"a":1,"a":2}', '{"a":1,"b":2,"a":3}', r'{"a":1,"\u0061":2}',
    '{"a":{"x":1,"y":2,"x":{"z":1,"z":2}}}', '{"a":[{"b":1,"b":2},{"b":[{"c":1,"c":2}]}]}', '{"a":1,"a":2,"a":3,"b":0,"a":4}',
    '{%s}' % ','.join('"k%d":%d' % (i % 1000, i) for i in range(5000)), '{"constructor":1,"toString":2,"hasOwnProperty":3}',
]


def with_members(text, members):
    """The text of a document with further members at its beginning."""
    body = text.strip()[1:].lstrip()
    return '{%s%s%s' % (members, '' if body == '}' else ',', body)


class FidelityCase(ServerTestCase):
    # Bodies beyond 64 KiB take the way of those that do not fit into memory.
    server_arguments = {'config': '[log]\nlevel = warning\n[divan]\nspool_bytes_min = 65536\n'}

    def assert_same(self, text, document, *special):
        """`document`, read exactly, is what `text` stands for but for special members."""
        special = ('_id', '_rev') + special
        found = exact_json.difference(random_json.meaning(text), document.without(*special))
        self.assertIsNone(found, '%s\nsent %.400s' % (found, text))

    # ------------------------------------------------------------ ways in: (database path, id, text)

    def put(self, db, name, text):
        self.answer(self.server.put('%s/%s' % (db, name), data=text.encode()), 201)

    def put_inflated(self, db, name, text):
        self.answer(self.server.put('%s/%s' % (db, name), data=gzip.compress(text.encode()),
                                    headers={'Content-Encoding': 'gzip'}), 201)

    def put_in_chunks(self, db, name, text):
        data = text.encode()
        size = len(data) // 7 + 1
        self.answer(self.server.put('%s/%s' % (db, name), data=iter([data[i:i + size] for i in range(0, len(data), size)])),
                    201)

    def post(self, db, name, text):
        self.answer(self.server.post(db, data=with_members(text, '"_id":"%s"' % name).encode(), headers=JSON), 201)

    def bulk(self, db, name, text):
        body = '{"docs":[%s]}' % with_members(text, '"_id":"%s"' % name)
        rows = self.answer(self.server.post(db + '/_bulk_docs', data=body.encode(), headers=JSON), 201)
        self.assertTrue(rows[0].get('ok'), rows)

    def bulk_replicated(self, db, name, text):
        body = '{"new_edits":false,"docs":[%s]}' % with_members(text, '"_id":"%s","_rev":"%s"' % (name, REVISION))
        self.assertEqual(self.answer(self.server.post(db + '/_bulk_docs', data=body.encode(), headers=JSON), 201), [])

    def put_replicated(self, db, name, text):
        self.answer(self.server.put('%s/%s?new_edits=false' % (db, name),
                                    data=with_members(text, '"_rev":"%s"' % REVISION).encode()), 201)

    def multipart(self, db, name, text):
        text = with_members(text, '"_attachments":{"a":{"follows":true,"content_type":"text/plain","length":1}}')
        body = b'--b\r\nContent-Type: application/json\r\n\r\n' + text.encode() + b'\r\n--b\r\n\r\nx\r\n--b--'
        self.answer(self.server.put('%s/%s' % (db, name), data=body,
                                    headers={'Content-Type': 'multipart/related; boundary=b'}), 201)

    def with_attachment(self, db, name, text):
        self.put(db, name, with_members(text, '"_attachments":{"a":{"content_type":"text/plain","data":"eA=="}}'))

    WAYS_IN = [put, put_inflated, put_in_chunks, post, bulk, bulk_replicated, put_replicated, multipart, with_attachment]

    # ------------------------------------------------------------ ways out: (database path, id) -> document

    def load(self, response):
        self.assertEqual(response.status_code, 200, response.text[:500])
        return exact_json.loads(response.content.decode())

    def get(self, db, name):
        return self.load(self.server.get('%s/%s' % (db, name)))

    def get_rev(self, db, name):
        rev = self.get(db, name).get('_rev')
        return self.load(self.server.get('%s/%s?rev=%s' % (db, name, rev)))

    def open_revs(self, db, name):
        rows = self.load(self.server.get('%s/%s?open_revs=all' % (db, name), headers={'Accept': 'application/json'}))
        return rows[0].get('ok')

    def open_revs_multipart(self, db, name):
        response = self.server.get('%s/%s?open_revs=all' % (db, name), headers={'Accept': 'multipart/mixed'})
        text = response.content.partition(b'Content-Type: application/json\r\n\r\n')[2]
        return exact_json.loads(text.partition(b'\r\n--')[0].decode())

    def all_docs(self, db, name):
        return self.load(self.server.get('%s/_all_docs?include_docs=true&key="%s"' % (db, name))).get('rows')[0].get('doc')

    def all_docs_keys(self, db, name):
        response = self.server.post(db + '/_all_docs?include_docs=true', json={'keys': [name]})
        return self.load(response).get('rows')[0].get('doc')

    def changes(self, db, name):
        response = self.server.post(db + '/_changes?include_docs=true&filter=_doc_ids', json={'doc_ids': [name]})
        return self.load(response).get('results')[0].get('doc')

    def continuous(self, db, name):
        with self.server.get(db + '/_changes?feed=continuous&include_docs=true&timeout=10000&filter=_doc_ids&doc_ids=%5B%22' +
                             name + '%22%5D', stream=True) as feed:
            line = next(line for line in feed.iter_lines(chunk_size=65536) if line)
        return exact_json.loads(line.decode()).get('doc')

    def bulk_get(self, db, name):
        rows = self.load(self.server.post(db + '/_bulk_get', json={'docs': [{'id': name}]})).get('results')
        return rows[0].get('docs')[0].get('ok')

    WAYS_OUT = [get, get_rev, open_revs, open_revs_multipart, all_docs, all_docs_keys, changes, continuous, bulk_get]


class WaysTest(FidelityCase):
    def test_every_way_in_and_every_way_out(self):
        db = '/' + self.database()
        generator = random_json.Generator(SEED)
        texts = EXACT + [generator.document() for _ in range(ON_EVERY_WAY)]
        for number, text in enumerate(texts):
            # Each text on one way in and one way out of its own; all pairs come up many times.
            way_in = self.WAYS_IN[number % len(self.WAYS_IN)]
            name = 'd%d' % number
            with self.subTest(text=text[:200], way_in=way_in.__name__):
                way_in(self, db, name, text)
                ways_out = self.WAYS_OUT if len(text) < 2000 else self.WAYS_OUT[number % 9:number % 9 + 2]
                for way_out in ways_out:
                    with self.subTest(way_out=way_out.__name__):
                        self.assert_same(text, way_out(self, db, name), '_attachments')

    def test_every_way_in_for_what_is_exact(self):
        db = '/' + self.database()
        for at, way_in in enumerate(self.WAYS_IN):
            for number, text in enumerate(EXACT):
                if len(text) < 10000:
                    name = 'd%d-%d' % (at, number)
                    with self.subTest(text=text[:200], way_in=way_in.__name__):
                        way_in(self, db, name, text)
                        self.assert_same(text, self.get(db, name), '_attachments')

    def test_thousands_of_random_documents(self):
        db = '/' + self.database()
        generator = random_json.Generator(SEED + 1)
        texts = [generator.document() for _ in range(DOCUMENTS)]
        for begin in range(0, DOCUMENTS, 500):
            docs = ','.join(with_members(text, '"_id":"%05d"' % at)
                            for at, text in enumerate(texts[begin:begin + 500], begin))
            rows = self.answer(self.server.post(db + '/_bulk_docs', data=('{"docs":[%s]}' % docs).encode(), headers=JSON), 201)
            self.assertTrue(all(row.get('ok') for row in rows))
        for path, rows_of in (('/_all_docs?include_docs=true', 'rows'), ('/_changes?include_docs=true', 'results')):
            rows = self.load(self.server.get(db + path)).get(rows_of)
            self.assertEqual(len(rows), DOCUMENTS)
            for row in rows:
                self.assert_same(texts[int(row.get('id'))], row.get('doc'))

    def test_local_documents(self):
        db = '/' + self.database()
        generator = random_json.Generator(SEED + 2)
        for number, text in enumerate(EXACT + [generator.document() for _ in range(ON_EVERY_WAY)]):
            path = '%s/_local/d%d' % (db, number)
            self.answer(self.server.put(path, data=text.encode()), 201)
            self.assert_same(text, self.load(self.server.get(path)))

    def test_security_objects(self):
        db = '/' + self.database()
        for text in ('{"admins":{"names":["b","a"]},"x":[1.0,1e2,-0,123456789012345678901234567890]}',
                     '{"x":1,"y":{"b":1,"a":2,"b":3},"x":2}'):
            self.answer(self.server.put(db + '/_security', data=text), 200)
            found = exact_json.difference(random_json.meaning(text), self.load(self.server.get(db + '/_security')))
            self.assertIsNone(found)

    def test_loaded_documents(self):
        generator = random_json.Generator(SEED + 3)
        texts = EXACT + [generator.document() for _ in range(ON_EVERY_WAY)]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, 'loaded.json')
            path.write_text('[%s]' % ','.join(with_members(text, '"_id":"d%d"' % at) for at, text in enumerate(texts)),
                            encoding='utf-8')
            with Server(memory=True, options=['--load', str(path)]) as server:
                for at, text in enumerate(texts):
                    self.assert_same(text, self.load(server.get('/loaded/d%d' % at)))

    def test_names_of_attachments(self):
        db = '/' + self.database()
        names = ['a b', 'a/b', 'a"b', 'a\\b', '\u00e9', '\U0001f600', '\u0001', 'x' * 1000, '%2F', 'a?b#c', '\u2028']
        self.answer(self.server.put(db + '/d', json={'_attachments': {
            name: {'content_type': 'text/x; a="\u00e9"', 'data': 'eA=='} for name in names}}), 201)
        stubs = self.answer(self.server.get(db + '/d'), 200)['_attachments']
        self.assertEqual(sorted(stubs), sorted(names))
        self.assertEqual({stub['content_type'] for stub in stubs.values()}, {'text/x; a="\u00e9"'})
        for name in names:
            self.assertEqual(self.server.get('%s/d/%s' % (db, urllib.parse.quote(name, safe=''))).content, b'x', name)
        # What could not be shown as JSON again is refused.
        answer = self.server.put(db + '/e/a', data=b'x', headers={'Content-Type': b'text/\xff'})
        self.error(answer, 400, 'bad_request')


class EqualNamesTest(FidelityCase):
    """Two readers that disagree about equal names are a hole (CVE-2017-12635): here all see the last."""

    def test_authentication(self):
        nobody = self.server.new_session(user='')
        self.addCleanup(nobody.close)

        def login(text):
            return nobody.post(self.server.url + '/_session', data=text, headers=JSON)

        right = {'name': self.server.user, 'password': self.server.password}
        text = '{"name":"eve","name":"%(name)s","password":"x","password":"%(password)s"}' % right
        self.assertEqual(self.answer(login(text), 200)['name'], self.server.user)
        for text in ('{"name":"%(name)s","password":"%(password)s","password":"x"}',
                     r'{"name":"%(name)s","password":"%(password)s","\u0070assword":"x"}',
                     '{"name":"%(name)s","name":"eve","password":"%(password)s"}'):
            self.error(login(text % right), 401, 'unauthorized')

    def test_special_members(self):
        db = '/' + self.database()
        made = self.answer(self.server.post(db, data='{"_id":"first","_id":"last"}', headers=JSON), 201)
        self.assertEqual(made['id'], 'last')
        self.error(self.server.get(db + '/first'), 404, 'not_found')
        rev = made['rev']
        self.error(self.server.put(db + '/last', data='{"_rev":"%s","_rev":"1-a"}' % rev), 409, 'conflict')
        self.error(self.server.put(db + '/last', data='{"_rev":"%s","_rev":1}' % rev), 400, 'bad_request')
        rev = self.answer(self.server.put(db + '/last', data='{"_rev":1,"_rev":"%s","_deleted":true,"_deleted":false}' % rev),
                          201)['rev']
        rev = self.answer(self.server.put(db + '/last', data=r'{"_rev":"%s","_attachments":{"a":{"data":"eA=="}},'
                                          r'"\u005fattachments":{"b":{"data":"eA==","data":"eQ=="}}}' % rev), 201)['rev']
        self.assertEqual(list(self.server.get(db + '/last').json()['_attachments']), ['b'])
        self.assertEqual(self.server.get(db + '/last/b').content, b'y')
        self.answer(self.server.put(db + '/last', data='{"_rev":"%s","_deleted":false,"_deleted":true}' % rev), 200)
        self.error(self.server.get(db + '/last'), 404, 'not_found')
        # The one that counts is checked, the others are not there.
        self.answer(self.server.put(db + '/d', data='{"_id":1,"_id":"d"}'), 201)
        self.error(self.server.put(db + '/e', data=r'{"\u005ffoo":1}'), 400, 'doc_validation')

    def test_bulk(self):
        db = '/' + self.database()
        body = '{"docs":[{"_id":"first"}],"new_edits":false,"docs":[{"_id":"last","v":1,"v":2}],"new_edits":true}'
        rows = self.answer(self.server.post(db + '/_bulk_docs', data=body, headers=JSON), 201)
        self.assertEqual([row['id'] for row in rows], ['last'])
        rows = self.answer(self.server.get(db + '/_all_docs?include_docs=true'), 200)['rows']
        self.assertEqual([(row['id'], row['doc']['v']) for row in rows], [('last', 2)])

    def test_every_reader_sees_one_member(self):
        db = '/' + self.database()
        text = '{"type":"user","roles":["_admin"],"roles":[],"deep":[{"roles":["_admin"],"roles":[]}]}'
        for at, way_in in enumerate(self.WAYS_IN):
            name = 'd%d' % at
            way_in(self, db, name, text)
            for path in ('/%s' % name, '/%s?open_revs=all' % name, '/_all_docs?include_docs=true&key="%s"' % name):
                read = self.server.get(db + path, headers={'Accept': 'application/json'}).text
                self.assertEqual((read.count('"roles"'), read.count('_admin')), (2, 0), (way_in.__name__, path))
        read = self.server.get(db + '/_changes?include_docs=true').text
        self.assertEqual((read.count('"roles"'), read.count('_admin')), (2 * len(self.WAYS_IN), 0))
        self.answer(self.server.put(db + '/_local/l', data=text), 201)
        read = self.server.get(db + '/_local/l').text
        self.assertEqual((read.count('"roles"'), read.count('_admin')), (2, 0))

    def test_security(self):
        db = '/' + self.database()
        self.answer(self.server.put(db + '/_security', data='{"members":{"roles":[]},"members":{"roles":["_admin"]}}'), 200)
        self.assertEqual(self.server.get(db + '/_security').text, '{"members":{"roles":["_admin"]}}\n')


class DepthTest(FidelityCase):
    """[divan] json_depth_max acts wherever JSON comes in, at once, and never on what is stored."""

    LIMIT = 40

    def set_limit(self, limit):
        self.answer(self.server.put('/_node/_local/_config/divan/json_depth_max', json=str(limit)), 200)

    def setUp(self):
        super().setUp()
        self.db = '/' + self.database()
        self.addCleanup(self.set_limit, 8000)

    @staticmethod
    def nested(levels, member='"a":'):
        """An object with `levels` levels of containers in all."""
        return '{%s%s1%s}' % (member, '[' * (levels - 1), ']' * (levels - 1))

    def ways(self):
        """(name, levels around the document, what sends a document)"""
        server, db = self.server, self.db
        yield 'put', 0, lambda text: server.put(db + '/new', data=text)
        yield 'post', 0, lambda text: server.post(db, data=text, headers=JSON)
        yield 'bulk', 2, lambda text: server.post(db + '/_bulk_docs', data='{"docs":[%s]}' % text, headers=JSON)
        yield 'multipart', 0, lambda text: server.put(
            db + '/new', data='--b\r\n\r\n%s\r\n--b--' % text, headers={'Content-Type': 'multipart/related; boundary=b'})
        yield 'local', 0, lambda text: server.put(db + '/_local/new', data=text)
        yield 'security', 0, lambda text: server.put(db + '/_security', data=text)
        yield 'all_docs', 0, lambda text: server.post(db + '/_all_docs', data=text, headers=JSON)
        yield 'queries', 2, lambda text: server.post(db + '/_all_docs/queries', data='{"queries":[%s]}' % text, headers=JSON)
        yield 'changes', 0, lambda text: server.post(db + '/_changes', data=text, headers=JSON)
        yield 'bulk_get', 2, lambda text: server.post(db + '/_bulk_get', data='{"docs":[%s]}' % text, headers=JSON)
        yield 'session', 0, lambda text: server.post('/_session', data=text, headers=JSON)

    def test_limit_on_every_way(self):
        self.set_limit(self.LIMIT)
        for name, around, send in self.ways():
            with self.subTest(name):
                deeper = send(self.nested(self.LIMIT - around + 1))
                self.assertIn('deeper than %d levels' % self.LIMIT, self.error(deeper, 400, 'bad_request'))
                fits = send(self.nested(self.LIMIT - around))
                self.assertNotIn('levels', fits.text)
                self.server.delete(self.db + '/new', params={'rev': fits.json().get('rev', '')}
                                   if isinstance(fits.json(), dict) else {})

    def test_what_is_stored_is_read_whatever_the_limit(self):
        text = self.nested(300)
        self.put(self.db, 'deep', text)
        self.set_limit(self.LIMIT)
        for way_out in self.WAYS_OUT:
            with self.subTest(way_out.__name__):
                self.assert_same(text, way_out(self, self.db, 'deep'))

    def test_the_highest_limit_is_safe(self):
        """No stack overflows, whatever is nested and whoever reads it."""
        deepest = 10000
        self.set_limit(deepest)
        for member, text in (('arrays', self.nested(deepest - 2)),
                             ('objects', '{"a":' * (deepest - 2) + '1' + '}' * (deepest - 2))):
            for name, _, send in self.ways():
                with self.subTest((member, name)):
                    self.assertLess(send(text).status_code, 500)
            self.answer(self.server.put(self.db + '/' + member, data=text), 201)
            for path in ('/' + member, '/_all_docs?include_docs=true', '/_changes?include_docs=true'):
                self.assertIn(text[1:-1], self.server.get(self.db + path).text)
        special = '{"_attachments":{"a":{"data":"eA==","x":%s1%s}}}' % ('[' * 9000, ']' * 9000)
        self.answer(self.server.put(self.db + '/special', data=special), 201)


if __name__ == '__main__':
    unittest.main()
