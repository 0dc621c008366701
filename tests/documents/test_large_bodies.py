"""Bodies of _bulk_docs that are too large to be kept in memory: checked whole, written in groups."""
import gzip
import json
import os
import pathlib
import threading
import unittest

from harness.case import ServerTestCase

SPOOL_BYTES_MIN = 65536
HEADERS = {'Content-Type': 'application/json'}


def documents(count, size=200):
    return [{'_id': 'doc-%06d' % number, 'number': number, 'text': 'x' * size} for number in range(count)]


class AnonymousMemory:
    """The most memory that a process takes above what it has at the beginning. Pages of mapped files
    are not counted: they are the kernel's cache."""

    def __init__(self, pid):
        self.status = pathlib.Path('/proc/%d/status' % pid)
        self.ended = threading.Event()
        self.sampler = threading.Thread(target=self.sample)

    def __enter__(self):
        self.begin = self.now()
        self.grown_bytes_max = 0
        self.sampler.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.sampler.join()

    def now(self):
        fields = dict(line.split(':', 1) for line in self.status.read_text().splitlines())
        return int(fields['RssAnon'].split()[0]) * 1024

    def sample(self):
        while not self.ended.wait(0.005):
            self.grown_bytes_max = max(self.grown_bytes_max, self.now() - self.begin)


class LargeBodiesTest(ServerTestCase):
    server_arguments = {'config': '[divan]\nspool_bytes_min = %d\nmemory_bytes_max = 67108864\n' % SPOOL_BYTES_MIN}

    def bulk(self, db, text, status, **headers):
        return self.answer(self.server.post(db + '/_bulk_docs', data=text, headers={**HEADERS, **headers}),
                           status)

    def count(self, db):
        return self.answer(self.server.get(db), 200)['doc_count']

    def test_every_document_is_written_and_answered_in_order(self):
        db = '/' + self.database()
        docs = documents(3500)
        docs[700].pop('_id')  # gets one
        docs[3400]['_id'] = docs[5]['_id']  # in another group: conflicts
        answers = self.bulk(db, json.dumps({'docs': docs}), 201)
        self.assertEqual(len(answers), len(docs))
        for number, answer in enumerate(answers):
            if number == 3400:
                self.assertEqual((answer['id'], answer['error']), (docs[5]['_id'], 'conflict'))
            else:
                self.assertTrue(answer['ok'])
                self.assertEqual(answer['id'], docs[number].get('_id', answer['id']))
        self.assertEqual(self.count(db), 3499)
        last = self.answer(self.server.get(db + '/doc-003499'), 200)
        self.assertEqual(last, {**docs[3499], '_rev': answers[3499]['rev']})
        self.assertEqual(self.answer(self.server.get(db + '/' + answers[700]['id']), 200)['number'], 700)

    def test_nothing_is_written_when_a_later_document_is_wrong(self):
        db = '/' + self.database()
        good = documents(2000)
        for wrong, word in (({'_id': '_wrong'}, 'illegal_docid'), ({'_id': 'x', '_special': 1}, 'doc_validation'),
                            ({'_id': 'x', '_rev': 7}, 'bad_request'), (17, 'bad_request')):
            answer = self.bulk(db, json.dumps({'docs': good + [wrong]}), 400)
            self.assertEqual(answer['error'], word, answer)
        whole = json.dumps({'docs': good})
        for broken in (whole[:-1], whole + 'x', whole[:-2] + ',]}', whole[:200000]):
            self.assertEqual(self.bulk(db, broken, 400)['error'], 'bad_request')
        self.assertEqual(self.count(db), 0)

    def test_members_behind_the_documents_count(self):
        db = '/' + self.database()
        docs = [{**document, '_rev': '1-abc'} for document in documents(1500)]
        text = '{"docs": [{"_id": "of an earlier array"}], "docs": %s, "new_edits": false}' % json.dumps(docs)
        self.assertEqual(self.bulk(db, text, 201), [])
        self.assertEqual(self.count(db), 1500)
        self.assertEqual(self.answer(self.server.get(db + '/doc-000007'), 200)['_rev'], '1-abc')
        docs[1200].pop('_rev')
        refused = self.bulk(db, json.dumps({'docs': docs, 'new_edits': False}), 400)
        self.assertEqual(refused['error'], 'bad_request')

    def test_gzip_chunks_and_attachments(self):
        db = '/' + self.database()
        docs = documents(900)
        docs[800]['_attachments'] = {'a.txt': {'content_type': 'text/plain', 'data': 'aGVsbG8='}}
        docs.append({'_id': '_local/mark', 'at': 900})
        packed = gzip.compress(json.dumps({'docs': docs}).encode())
        chunks = (packed[at:at + 1000] for at in range(0, len(packed), 1000))
        answers = self.bulk(db, chunks, 201, **{'Content-Encoding': 'gzip'})
        self.assertEqual(len(answers), 901)
        self.assertEqual(self.server.get(db + '/doc-000800/a.txt').text, 'hello')
        self.assertEqual(self.answer(self.server.get(db + '/_local/mark'), 200)['at'], 900)

    def test_memory_does_not_grow_with_the_body(self):
        db = '/' + self.database()
        self.bulk(db, json.dumps({'docs': documents(2000, 1000)}), 201)

        def body(count):
            yield b'{"docs":['
            for number in range(count):
                document = {'_id': 'big-%06d' % number, 'text': 'y' * 40000}
                yield (b',' if number else b'') + json.dumps(document).encode()
            yield b']}'

        with AnonymousMemory(self.server.pid) as memory:
            self.assertEqual(len(self.bulk(db, body(8000), 201)), 8000)  # 320 MB
        # The groups under way in every engine thread, and the engine's write buffers.
        self.assertLess(memory.grown_bytes_max, 160 << 20)
        self.assertEqual(self.count(db), 10000)

    def test_no_file_is_left(self):
        db = '/' + self.database()
        self.bulk(db, json.dumps({'docs': documents(1000)}), 201)
        left = [name for name in os.listdir(self.server.data_dir) if name.startswith('spool')]
        self.assertEqual(left, [])


if __name__ == '__main__':
    unittest.main()
