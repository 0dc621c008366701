"""Memory stays bounded whatever the size of an attachment or a database, also of one that is replicated.

What is measured is the growth of the server's resident memory over a baseline that is taken after a
warm-up, with the caches of the engine at their smallest setting; they count.
"""
import hashlib
import json
import os
import re
import time
import unittest

from harness.case import ServerTestCase
from harness.raw_http import Connection
from harness.replication import url_of

TIME_LIMIT_S = 900
REPLICATION_LIMIT_S = 600
LONG_TIME_LIMIT_S = 1800

MIB = 1 << 20
EXTRA_BYTES_MAX = 64 * MIB
ATTACHMENT_BYTES = 1 << 30
WARM_UP_BYTES = 128 * MIB
PART = os.urandom(MIB)
DOCUMENTS = 1_000_000
DOCUMENTS_PER_REQUEST = 5_000
SMALL_CACHES = '[divan]\nmemory_bytes_max = 33554432\n'


class Content:
    """Bytes of an attachment, made as they are sent; no two parts of them are equal."""

    def __init__(self, size):
        self.size, self.md5 = size, hashlib.md5()

    def __iter__(self):
        for number in range(self.size // MIB):
            part = number.to_bytes(8, 'big') + PART[8:]
            self.md5.update(part)
            yield part


class MemoryTestCase(ServerTestCase):
    server_arguments = {'config': SMALL_CACHES}

    def memory(self, name):
        """A figure of /proc/PID/status, in bytes."""
        with open('/proc/%d/status' % self.server.pid, encoding='ascii') as status:
            return int(re.search(r'^%s:\s*(\d+) kB' % name, status.read(), re.MULTILINE)[1]) * 1024

    def measure(self, what, action, bytes_max=EXTRA_BYTES_MAX):
        """Runs `action`; its peak of resident memory must stay below the baseline and `bytes_max`."""
        with open('/proc/%d/clear_refs' % self.server.pid, 'w', encoding='ascii') as clear:
            clear.write('5')  # the peak begins anew
        before, started = self.memory('VmRSS'), time.monotonic()
        result = action()
        seconds, peak = time.monotonic() - started, self.memory('VmHWM')
        print('%-44s %5.1f s, %d MiB over %d MiB' % (what, seconds, (peak - before) // MIB, before // MIB))
        self.assertLess(peak - before, bytes_max, what)
        return result

    def replicate(self, source, target):
        """One-shot, by this server; what was counted."""
        self.server.put('/' + target.rsplit('/', 1)[-1])
        answer = self.server.post('/_replicate', json={'source': source, 'target': target}, timeout=REPLICATION_LIMIT_S)
        return self.answer(answer, 200)['history'][0]


class AttachmentTest(MemoryTestCase):
    def put(self, path, size, headers=()):
        content = Content(size)
        with Connection(self.server) as connection:
            answer = connection.open('PUT', path, content,
                                     [('Content-Type', 'application/octet-stream'), *headers])
            body = answer.json()
            self.assertEqual(answer.status, 201, body)
        return body['rev'], content.md5.hexdigest()

    def put_multipart(self, path, size):
        document = {'_attachments': {'big': {'follows': True, 'length': size,
                                             'content_type': 'application/octet-stream'}}}
        content = Content(size)

        def body():
            yield ('--limit\r\nContent-Type: application/json\r\n\r\n%s\r\n--limit\r\n\r\n'
                   % json.dumps(document)).encode()
            yield from content
            yield b'\r\n--limit--'

        with Connection(self.server) as connection:
            answer = connection.open('PUT', path, body(),
                                     [('Content-Type', 'multipart/related; boundary="limit"')])
            body = answer.read()
            self.assertEqual(answer.status, 201, body)
        return content.md5.hexdigest()

    def get(self, path, headers=(), status=200):
        """The number of bytes of the answer's body and their MD5."""
        count, md5 = 0, hashlib.md5()
        with Connection(self.server) as connection:
            answer = connection.open('GET', path, headers=headers)
            self.assertEqual(answer.status, status)
            for part in answer.parts():
                count += len(part)
                md5.update(part)
        return count, md5.hexdigest()

    def test_one_gibibyte(self):
        db = '/' + self.database()
        size, length = ATTACHMENT_BYTES, ('Content-Length', str(ATTACHMENT_BYTES))
        self.put(db + '/warm/big', WARM_UP_BYTES)
        self.get(db + '/warm/big')
        _, md5 = self.measure('PUT with Content-Length', lambda: self.put(db + '/a/big', size, [length]))
        self.assertEqual(self.measure('GET', lambda: self.get(db + '/a/big')), (size, md5))
        _, md5 = self.measure('PUT in chunks', lambda: self.put(db + '/b/big', size))
        part = self.measure('GET of a range', lambda: self.get(
            db + '/b/big', [('Range', 'bytes=1000-%d' % (size - 1))], 206))
        self.assertEqual(part[0], size - 1000)
        md5 = self.measure('PUT as multipart/related', lambda: self.put_multipart(db + '/c', size))
        count, _ = self.measure('GET as multipart/related', lambda: self.get(
            db + '/c?attachments=true', [('Accept', 'multipart/related')]))
        self.assertGreater(count, size)
        self.assertEqual(self.get(db + '/c/big'), (size, md5))
        self.measure('slow readers', lambda: self.read_slowly([db + '/a/big'] * 10 + [db + '/b/big'] * 10))
        self.server.delete(db + '/b', params={'rev': self.server.get(db + '/b').json()['_rev']})
        self.server.delete(db + '/c', params={'rev': self.server.get(db + '/c').json()['_rev']})
        self.replicate_one_gibibyte(db[1:], md5)

    def replicate_one_gibibyte(self, source, md5):
        ends = {'local': (source, 'local'), 'pulled': (url_of(self.server, source), 'pulled'),
                'pushed': (source, url_of(self.server, 'pushed'))}
        for name, (begin, end) in ends.items():
            counted = self.measure('replicated, ' + name, lambda: self.replicate(begin, end))
            self.assertEqual(counted['doc_write_failures'], 0)
            self.assertEqual(self.get('/%s/a/big' % name), (ATTACHMENT_BYTES, md5))
            self.answer(self.server.delete('/' + name), 200)

    def read_slowly(self, paths):
        """Readers that take a little of an answer and then nothing more for a while."""
        connections = [Connection(self.server, receive_bytes=16 << 10) for _ in paths]
        streams = [connection.open('GET', path).parts() for connection, path in zip(connections, paths)]
        for _ in range(20):
            for stream in streams:
                next(stream)
        # Time in which a server that reads ahead would have read: it answers others meanwhile.
        for _ in range(200):
            self.answer(self.server.get('/'), 200)
        for connection in connections:
            connection.close()

    def test_larger_than_allowed(self):
        db = '/' + self.database()
        with Connection(self.server) as connection:
            status, answer = connection.json('PUT', db + '/d/big', headers=[
                ('Content-Type', 'application/octet-stream'), ('Content-Length', str(ATTACHMENT_BYTES + 1))])
        self.assertEqual((status, answer['error']), (413, 'attachment_too_large'))


class ManyDocumentsTest(MemoryTestCase):
    def load(self, db, count):
        with Connection(self.server) as connection:
            for begin in range(0, count, DOCUMENTS_PER_REQUEST):
                body = ','.join('{"_id":"%08d","n":%d,"text":"some words"}' % (number, number)
                                for number in range(begin, begin + DOCUMENTS_PER_REQUEST))
                status, answer = connection.request('POST', db + '/_bulk_docs',
                                                    b'{"docs":[%s]}' % body.encode())
                self.assertEqual(status, 201, answer[:1000])

    def count_lines(self, path, marker):
        """Lines of an answer that hold `marker`; the answer must be whole."""
        count, last = 0, b''
        with Connection(self.server) as connection:
            answer = connection.open('GET', path)
            self.assertEqual(answer.status, 200)
            for line in answer.lines():
                count += marker in line
                last = line or last
        return count, last

    def test_a_million_documents(self):
        db = '/' + self.database()
        started = time.monotonic()
        self.load(db, DOCUMENTS)
        print('%d documents loaded in %.1f s' % (DOCUMENTS, time.monotonic() - started))
        self.count_lines(db + '/_all_docs?include_docs=true&limit=20000', b'"id":')
        self.count_lines(db + '/_changes?include_docs=true&limit=20000', b'"id":')
        for path in ('/_all_docs?include_docs=true', '/_all_docs', '/_changes',
                     '/_changes?include_docs=true'):
            count, last = self.measure('GET ' + path, lambda path=path: self.count_lines(db + path, b'"id":'))
            self.assertEqual(count, DOCUMENTS)
            self.assertIn(b'}', last)
        self.measure('slow readers', lambda: self.read_slowly(db))
        self.replicate_a_million(db[1:])

    def replicate_a_million(self, source):
        for name, begin in (('local', source), ('pulled', url_of(self.server, source))):
            counted = self.measure('replicated, ' + name, lambda: self.replicate(begin, name))
            self.assertEqual(counted['docs_written'], DOCUMENTS)
            self.answer(self.server.delete('/' + name), 200)

    def read_slowly(self, db):
        paths = [db + '/_all_docs?include_docs=true', db + '/_changes', db + '/_changes?include_docs=true',
                 db + '/_changes?feed=continuous&include_docs=true'] * 5
        AttachmentTest.read_slowly(self, paths)


if __name__ == '__main__':
    unittest.main()
