"""Python's requests as a client: documents, bulk, streams in both directions, sessions."""
import hashlib
import json
import unittest

from harness.case import ServerTestCase


class RequestsTest(ServerTestCase):
    def test_documents(self):
        db = '/' + self.database()
        made = self.answer(self.server.put(db + '/one', json={'text': 'caf\u00e9'}), 201)
        read = self.server.get(db + '/one')
        self.assertEqual(self.answer(read, 200), {'_id': 'one', '_rev': made['rev'], 'text': 'caf\u00e9'})
        self.assertEqual(read.headers['ETag'], '"%s"' % made['rev'])
        unchanged = self.server.get(db + '/one', headers={'If-None-Match': read.headers['ETag']})
        self.assertEqual((unchanged.status_code, unchanged.content), (304, b''))
        self.error(self.server.put(db + '/one', json={}), 409, 'conflict')
        edited = self.answer(self.server.put(db + '/one', json={'text': 'two'},
                                             headers={'If-Match': made['rev']}), 201)
        head = self.server.head(db + '/one')
        self.assertEqual((head.status_code, head.content), (200, b''))
        copied = self.answer(self.server.copy(db + '/one', 'two'), 201)
        self.assertEqual(self.answer(self.server.get(db + '/two'), 200)['text'], 'two')
        self.assertEqual(copied['id'], 'two')
        self.answer(self.server.delete(db + '/one', params={'rev': edited['rev']}), 200)
        self.assertEqual(self.error(self.server.get(db + '/one'), 404, 'not_found'), 'deleted')
        self.assertEqual(self.error(self.server.get(db + '/never'), 404, 'not_found'), 'missing')

    def test_bulk_and_pages(self):
        db = '/' + self.database()
        docs = [{'_id': '%04d' % number, 'number': number} for number in range(2500)]
        for start in range(0, 2500, 1000):
            rows = self.answer(self.server.post(db + '/_bulk_docs', json={'docs': docs[start:start + 1000]}), 201)
            self.assertTrue(all(row['ok'] for row in rows))
        read, first = [], '""'
        while True:
            rows = self.answer(self.server.get(db + '/_all_docs', params={
                'include_docs': 'true', 'limit': 1001, 'startkey': first}), 200)['rows']
            read += [row['doc']['number'] for row in rows[:1000]]
            if len(rows) <= 1000:
                break
            first = json.dumps(rows[1000]['key'])
        self.assertEqual(read, list(range(2500)))

    def test_attachment_streams(self):
        db = '/' + self.database()
        chunk = bytes(range(256)) * 256
        chunks = 320  # 20 MiB

        def upload():  # of unknown length: sent chunked
            for _ in range(chunks):
                yield chunk

        self.answer(self.server.put(db + '/doc/big.bin', data=upload(),
                                    headers={'Content-Type': 'application/octet-stream'}), 201)
        stub = self.answer(self.server.get(db + '/doc'), 200)['_attachments']['big.bin']
        self.assertEqual(stub['length'], len(chunk) * chunks)
        digest = hashlib.md5()
        with self.server.get(db + '/doc/big.bin', stream=True) as response:
            for part in response.iter_content(1 << 16):
                digest.update(part)
        self.assertEqual(digest.hexdigest(), hashlib.md5(chunk * chunks).hexdigest())
        part = self.server.get(db + '/doc/big.bin', headers={'Range': 'bytes=65530-65545'})
        self.assertEqual((part.status_code, part.content[:16]), (206, (chunk * 2)[65530:65546]))

    def test_continuous_changes(self):
        db = '/' + self.database()
        self.answer(self.server.put(db + '/first', json={}), 201)
        reader = self.server.new_session()
        self.addCleanup(reader.close)
        with reader.get(self.server.url + db + '/_changes', stream=True, timeout=30, params={
                'feed': 'continuous', 'since': '0', 'heartbeat': '5000', 'include_docs': 'true'}) as feed:
            rows = (json.loads(line) for line in feed.iter_lines(chunk_size=1) if line)
            self.assertEqual(next(rows)['id'], 'first')
            for number in range(10):
                self.answer(self.server.put('%s/later%d' % (db, number), json={'number': number}), 201)
                row = next(rows)
                self.assertEqual((row['id'], row['doc']['number']), ('later%d' % number, number))

    def test_session(self):
        db = '/' + self.database()
        nobody = self.server.new_session(user='')
        self.addCleanup(nobody.close)
        self.error(nobody.get(self.server.url + db, timeout=30), 401, 'unauthorized')
        answer = nobody.post(self.server.url + '/_session', timeout=30,
                             data={'name': self.server.user, 'password': self.server.password})
        self.assertEqual(self.answer(answer, 200)['roles'], ['_admin'])
        self.assertIn('AuthSession', nobody.cookies)
        self.answer(nobody.put(self.server.url + db + '/doc', json={}, timeout=30), 201)
        self.answer(nobody.delete(self.server.url + '/_session', timeout=30), 200)
        self.error(nobody.get(self.server.url + db, timeout=30), 401, 'unauthorized')

    def test_data_survives_a_restart_and_a_kill(self):
        db = '/' + self.database()
        made = self.answer(self.server.put(db + '/doc', json={'text': 'kept'}), 201)
        self.server.restart()
        self.assertEqual(self.answer(self.server.get(db + '/doc'), 200)['text'], 'kept')
        self.answer(self.server.put(db + '/doc', json={'_rev': made['rev'], 'text': 'kept again'}), 201)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.answer(self.server.get(db + '/doc'), 200)['text'], 'kept again')


if __name__ == '__main__':
    unittest.main()
