"""HTTP by the byte: framing, time limits, floods and sizes. A bad request is answered with the error
in JSON and ends its connection; the server goes on."""
import gzip
import json
import os
import pathlib
import resource
import socket
import threading
import time
import unittest

from documents.test_bad_input import BadInputCase
from harness.raw import RawConnection, basic

HEADER_BYTES_MAX = 4096
TARGET_BYTES_MAX = 1024
BODY_BYTES_MAX = 100000
CONFIG = '''[log]
level = warning
[couchdb]
max_document_size = 20000
max_attachment_size = 30000
[chttpd]
max_http_request_size = %d
[divan]
header_bytes_max = %d
target_bytes_max = %d
header_timeout_ms = 700
body_timeout_ms = 700
keep_alive_timeout_ms = 700
inflated_body_bytes_max = 60000
session_body_bytes_max = 1000
''' % (BODY_BYTES_MAX, HEADER_BYTES_MAX, TARGET_BYTES_MAX)


class FramingCase(BadInputCase):
    server_arguments = {'config': CONFIG}

    def connect(self):
        connection = RawConnection(self.server)
        self.addCleanup(connection.socket.close)
        return connection

    def head(self, method='GET', target='', *lines):
        """A request's head as the admin, with Host."""
        return '%s /%s%s HTTP/1.1\r\nHost: x\r\n%s%s\r\n' % (
            method, self.name, target, basic(self.server), ''.join(line + '\r\n' for line in lines))

    def assert_refused(self, data, status, error):
        """The bytes are answered with an error, and the connection ends."""
        with RawConnection(self.server) as connection:
            connection.send(data)
            answer = connection.answer()
            self.assertEqual((answer.status, answer.json()['error']), (status, error), data[:200])
            self.assertEqual(answer.header('Content-Type'), 'application/json')
            self.assertTrue(connection.at_end(), data[:200])


class FramingTest(FramingCase):
    def test_malformed_heads(self):
        lines = (
            'GET\r\n\r\n', 'GET /\r\n\r\n', 'GET / HTTP/0.9\r\n\r\n', 'GET / HTTP/2.0\r\n\r\n', 'GET / HTTP/1.1x\r\n\r\n',
            'GET  / HTTP/1.1\r\n\r\n', 'GET / HTTQ/1.1\r\n\r\n', ' GET / HTTP/1.1\r\n\r\n', 'G\x01T / HTTP/1.1\r\n\r\n',
            'GET /\x01 HTTP/1.1\r\n\r\n', 'GET / HTTP/1.1\r\nno colon\r\n\r\n', 'GET / HTTP/1.1\r\n: x\r\n\r\n',
            'GET / HTTP/1.1\r\nA\x01: x\r\n\r\n', 'GET / HTTP/1.1\r\nA : x\r\n\r\n', 'GET / HTTP/1.1\r\nA: x\x00y\r\n\r\n',
            'nonsense\r\n\r\n', '{"a":1}\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
            'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
        for line in lines:
            self.assert_refused(line.encode('latin-1'), 400, 'bad_request')
        self.assert_unharmed()

    def test_bodies_without_one_clear_length(self):
        for lines in (('Content-Length: 2', 'Transfer-Encoding: chunked'), ('Content-Length: 2', 'Content-Length: 3'),
                      ('Content-Length: -1',), ('Content-Length: x',), ('Content-Length: 1e1',), ('Content-Length: +2',),
                      ('Content-Length: 0x2',), ('Content-Length: 2, 3',), ('Content-Length: 99999999999999999999',),
                      ('Transfer-Encoding: gzip',), ('Transfer-Encoding: chunked, gzip',), ('Transfer-Encoding: x',),
                      ('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')):
            with self.subTest(lines):
                self.assert_refused(self.head('PUT', '/new', *lines) + '{}', 400, 'bad_request')
        self.assert_unharmed()

    def test_bad_chunks(self):
        head = self.head('PUT', '/new', 'Transfer-Encoding: chunked')
        for body in ('x\r\n{}\r\n0\r\n\r\n', '-2\r\n{}\r\n0\r\n\r\n', '2\r\n{}x\r\n0\r\n\r\n', '2{}\r\n0\r\n\r\n',
                     'fffffffffffffffff\r\n{}\r\n0\r\n\r\n', '2 2\r\n{}\r\n0\r\n\r\n', '\r\n{}\r\n0\r\n\r\n'):
            with self.subTest(body):
                self.assert_refused(head + body, 400, 'bad_request')
        self.assert_unharmed()

    def test_bodies_that_end_early_store_nothing(self):
        for target, lines, body in (
                ('/new', ('Content-Length: 100',), '{"a":1}'),
                ('/new', ('Transfer-Encoding: chunked',), '7\r\n{"a":1}\r\n'),
                ('/kept/b?rev=' + self.rev, ('Content-Length: 100',), 'x' * 99),
                ('/kept/b?rev=' + self.rev, ('Transfer-Encoding: chunked',), '2\r\nxx\r\n'),
                ('/new', ('Content-Type: multipart/related; boundary=b', 'Content-Length: 100'), '--b\r\n\r\n{}\r\n')):
            with self.subTest((target, lines)), RawConnection(self.server) as connection:
                connection.send(self.head('PUT', target, *lines) + body)
                connection.finish_sending()
                try:
                    self.assertGreaterEqual(connection.answer().status, 400)
                except EOFError:
                    pass  # there is nobody to answer
        self.assert_unharmed()

    def test_chunked_bodies_are_read(self):
        connection = self.connect()
        connection.send(self.head('PUT', '/chunked', 'Transfer-Encoding: chunked') +
                        '1;name=value\r\n{\r\n6\r\n"a":1}\r\n0\r\nTrailer: x\r\n\r\n')
        self.assertEqual(connection.answer().status, 201)
        connection.send(self.head('GET', '/chunked'))
        self.assertEqual(connection.answer().json()['a'], 1)

    def test_requests_in_one_packet_are_answered_in_order(self):
        connection = self.connect()
        targets = ['/kept', '/none', '', '/kept/a.txt', '/_all_docs', '/gone']
        connection.send(''.join(self.head('GET', target) for target in targets))
        self.assertEqual([connection.answer().status for _ in targets], [200, 404, 200, 200, 200, 404])
        # A body that is not wanted does not become the next request.
        connection.send(self.head('GET', '/kept', 'Content-Length: 9') + 'GET / HTT' + self.head('GET', '/none'))
        self.assertEqual([connection.answer().status for _ in range(2)], [200, 404])
        connection.send(self.head('POST', '/_bulk_docs', 'Content-Type: application/json', 'Content-Length: 1') + '{' +
                        self.head('GET', '/kept'))
        self.assertEqual([connection.answer().status for _ in range(2)], [400, 200])
        self.assert_unharmed()

    def test_old_clients(self):
        with RawConnection(self.server) as connection:
            connection.send('GET / HTTP/1.0\r\n\r\n')
            answer = connection.answer()
            self.assertEqual((answer.status, answer.header('Connection')), (200, 'close'))
            self.assertTrue(connection.at_end())
        with RawConnection(self.server) as connection:
            request = 'GET /%s/_all_docs HTTP/1.0\r\nConnection: keep-alive\r\n%s\r\n' % (self.name, basic(self.server))
            connection.send(request)
            answer = connection.answer()
            self.assertEqual(answer.status, 200)
            self.assertIsNone(answer.header('Transfer-Encoding'))
            self.assertEqual(json.loads(answer.body)['total_rows'], 1)
        # CouchDB answers a request without Host as well.
        connection = self.connect()
        connection.send('GET / HTTP/1.1\r\n\r\n')
        self.assertEqual(connection.answer().status, 200)

    def test_expect_continue(self):
        connection = self.connect()
        connection.send(self.head('PUT', '/expected', 'Expect: 100-continue', 'Content-Length: 7'))
        self.assertEqual(connection.answer().status, 100)
        connection.send('{"a":1}')
        self.assertEqual(connection.answer().status, 201)
        # Refused before the body was asked for.
        connection.send(self.head('PUT', '/_x', 'Expect: 100-continue', 'Content-Length: 7'))
        answer = connection.answer()
        self.assertEqual((answer.status, answer.header('Connection')), (400, 'close'))
        self.assertTrue(connection.at_end())
        connection = self.connect()
        connection.send('PUT /%s/new HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n' % self.name)
        self.assertEqual(connection.answer().status, 401)

    def test_early_answers_to_large_bodies_say_that_the_connection_ends(self):
        """They promised to keep it and closed it: the client's next request was lost."""
        for lines, body in (('Content-Length: 90000', 'x' * 90000), ('Transfer-Encoding: chunked', '2\r\n{}\r\n0\r\n\r\n')):
            with self.subTest(lines), RawConnection(self.server) as connection:
                connection.send(self.head('PUT', '/_x', lines) + body)
                answer = connection.answer()
                self.assertEqual((answer.status, answer.header('Connection')), (400, 'close'))
                connection.finish_sending()
                self.assertTrue(connection.at_end())
        connection = self.connect()
        connection.send(self.head('PUT', '/_x', 'Content-Length: 60000') + 'x' * 60000)
        answer = connection.answer()
        self.assertEqual((answer.status, answer.header('Connection')), (400, None))
        connection.send(self.head('GET', '/kept'))
        self.assertEqual(connection.answer().status, 200)
        self.assert_unharmed()

    def test_head_has_no_body(self):
        connection = self.connect()
        for target, status in (('/kept', 200), ('/none', 404), ('/_x', 404), ('', 200), ('/_all_docs', 200)):
            connection.send(self.head('HEAD', target))
            self.assertEqual(connection.answer(head=True).status, status, target)
        connection.send(self.head('GET', '/kept'))
        self.assertEqual(connection.answer().json()['text'], 'kept')


class TimeTest(FramingCase):
    def test_slow_heads_are_answered_408(self):
        started = time.monotonic()
        self.assert_refused('GET / HTTP/1.1\r\nHost: ', 408, 'timeout')
        self.assertLess(time.monotonic() - started, 10)

    def test_a_head_by_drops_is_answered_408(self):
        connection = self.connect()
        stop = threading.Event()

        def drip():
            try:
                connection.send('GET / HTTP/1.1\r\n')
                while not stop.wait(0.1):
                    connection.send('A: b\r\n')
            except OSError:
                pass  # the server has ended it

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            self.assertEqual(connection.answer().status, 408)
        finally:
            stop.set()
            thread.join()

    def test_slow_bodies_are_answered_408(self):
        self.assert_refused(self.head('PUT', '/new', 'Content-Length: 100') + '{', 408, 'timeout')
        self.assert_refused(self.head('PUT', '/kept/b?rev=' + self.rev, 'Content-Length: 100') + 'x', 408, 'timeout')
        self.assert_unharmed()

    def test_idle_connections_end_silently(self):
        connection = self.connect()
        self.assertTrue(connection.at_end())
        connection = self.connect()
        connection.send(self.head('GET', '/kept'))
        self.assertEqual(connection.answer().status, 200)
        self.assertTrue(connection.at_end())


class SizeTest(FramingCase):
    def test_heads(self):
        fits = self.head('GET', '/kept', 'X-Large: ' + 'x' * (HEADER_BYTES_MAX - 1000))
        connection = self.connect()
        connection.send(fits)
        self.assertEqual(connection.answer().status, 200)
        self.assert_refused(self.head('GET', '/kept', 'X-Large: ' + 'x' * 100000), 431, 'header_too_large')
        self.assert_refused(self.head('GET', '/kept', *['A: b'] * 10000), 431, 'header_too_large')
        self.assert_refused('GET / HTTP/1.1\r\n' + 'A' * 100000 + ': b\r\n\r\n', 431, 'header_too_large')
        self.assert_unharmed()

    def test_targets(self):
        connection = self.connect()
        connection.send(self.head('GET', '/' + 'x' * (TARGET_BYTES_MAX - 100)))
        self.assertEqual(connection.answer().status, 404)
        self.assert_refused(self.head('GET', '/' + 'x' * TARGET_BYTES_MAX), 414, 'too_long')
        self.assert_refused(self.head('GET', '/kept?a=' + 'x' * TARGET_BYTES_MAX), 414, 'too_long')

    def test_documents(self):
        def text(size):
            return '{"a":"%s"}' % ('x' * (size - len('{"a":""}')))

        path = '/%s/large' % self.name
        revision = self.answer(self.server.put(path, data=text(20000)), 201)['rev']
        for send in (
                lambda: self.server.put(path + '2', data=text(20001)),
                lambda: self.server.post('/' + self.name, data=text(20001), headers={'Content-Type': 'application/json'}),
                lambda: self.server.post('/%s/_bulk_docs' % self.name, data='{"docs":[{},%s]}' % text(20001),
                                         headers={'Content-Type': 'application/json'}),
                lambda: self.server.put(path + '2', data='--b\r\n\r\n%s\r\n--b--' % text(20001),
                                        headers={'Content-Type': 'multipart/related; boundary=b'}),
                lambda: self.server.put(path + '2', data=gzip.compress(text(20001).encode()),
                                        headers={'Content-Encoding': 'gzip'})):
            self.error(send(), 413, 'document_too_large')
        # White space does not count: what is stored does.
        spaced = text(20000).replace(':', ':' + ' ' * 5000)
        self.answer(self.server.put(path, data=spaced, params={'rev': revision}), 201)

    def test_attachments(self):
        path = '/%s/large' % self.name
        sent = {'data': b'x' * 30001, 'headers': {'Content-Type': 'application/octet-stream'}}
        self.error(self.server.put(path + '/a', **sent), 413, 'attachment_too_large')
        self.error(self.server.put(path + '/a', data=iter([b'x' * 15000, b'x' * 15001]), headers=sent['headers']),
                   413, 'attachment_too_large')
        self.error(self.server.put(path, data=b'--b\r\n\r\n{"_attachments":{"a":{"follows":true}}}\r\n--b\r\n\r\n' +
                                   b'x' * 30001 + b'\r\n--b--',
                                   headers={'Content-Type': 'multipart/related; boundary=b'}), 413, 'attachment_too_large')
        self.error(self.server.put(path, json={'_attachments': {'a': {'data': 'AAAA' * 10001}}}), 413,
                   'attachment_too_large')
        self.assert_unharmed()

    def test_bodies(self):
        body = '{"docs":[%s]}' % ','.join(['{"a":"%s"}' % ('x' * 10000)] * 11)
        json_type = {'Content-Type': 'application/json'}
        self.error(self.server.post('/%s/_bulk_docs' % self.name, data=body, headers=json_type), 413, 'too_large')
        self.error(self.server.post('/%s/_bulk_docs' % self.name, data=iter([body.encode()]), headers=json_type), 413,
                   'too_large')
        self.assert_refused(self.head('PUT', '/new', 'Content-Length: 4000000000'), 413, 'too_large')
        self.assert_unharmed()

    def test_gzip_bombs(self):
        bomb = gzip.compress(b'{"a":"' + b'x' * 50_000_000 + b'"}')
        self.assertLess(len(bomb), BODY_BYTES_MAX)
        for method, target in (('PUT', '/new'), ('POST', ''), ('POST', '/_bulk_docs'), ('POST', '/_all_docs'),
                               ('PUT', '/_local/new'), ('PUT', '/_security')):
            answer = self.server.request(method, '/' + self.name + target, data=bomb, headers={
                'Content-Encoding': 'gzip', 'Content-Type': 'application/json'})
            self.error(answer, 413, 'too_large')
        self.assert_unharmed()

    def test_logins(self):
        # Anybody may send one, so it is small.
        nobody = self.server.new_session(user='')
        self.addCleanup(nobody.close)
        body = '{"name":"a","password":"%s"}'
        json_type = {'Content-Type': 'application/json'}
        url = self.server.url + '/_session'
        self.error(nobody.post(url, data=body % 'x', headers=json_type), 401, 'unauthorized')
        self.error(nobody.post(url, data=body % ('x' * 1000), headers=json_type), 413, 'too_large')
        bomb = gzip.compress((body % ('x' * 100000)).encode())
        self.error(nobody.post(url, data=bomb, headers={**json_type, 'Content-Encoding': 'gzip'}), 413, 'too_large')


class ConnectionLimitTest(BadInputCase):
    server_arguments = {'config': '[divan]\nconnections_max = 8\n'}

    def test_connections_beyond_the_limit_are_answered_503(self):
        self.server.session.close()
        held = []
        try:
            refused = None
            while refused is None and len(held) < 20:
                connection = RawConnection(self.server)
                held.append(connection)
                connection.send('GET / HTTP/1.1\r\n\r\n')
                answer = connection.answer()
                if answer.status != 200:
                    refused = answer
            self.assertIsNotNone(refused, 'nothing was refused')
            self.assertEqual((refused.status, refused.json()['error']), (503, 'service unavailable'))
            self.assertTrue(held[-1].at_end())
            # Eight are served; what this test's own connection left may not have ended yet.
            self.assertIn(len(held), (8, 9))
            held[0].send('GET / HTTP/1.1\r\n\r\n')
            self.assertEqual(held[0].answer().status, 200)
        finally:
            for connection in held:
                connection.socket.close()
        # Room again as soon as the server has seen that they ended.
        limit = time.monotonic() + 30
        status = None
        while status != 200 and time.monotonic() < limit:
            status = self.server.get('/').status_code
        self.assertEqual(status, 200)
        self.assert_unharmed()



class DescriptorTest(BadInputCase):
    def processor_seconds(self):
        fields = pathlib.Path('/proc/%d/stat' % self.server.pid).read_text().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def test_waits_for_descriptors_without_burning_the_processor(self):
        """Regression: the server asked for the next connection again and again."""
        open_files = len(os.listdir('/proc/%d/fd' % self.server.pid))
        usual = resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE, (open_files, usual[1]))
        address = self.server.origin.removeprefix('http://').split(':')
        waiting = [socket.create_connection(address, timeout=30) for _ in range(8)]
        begin = self.processor_seconds()
        threading.Event().wait(1)  # the time that is watched
        self.assertLess(self.processor_seconds() - begin, 0.3)
        resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE, usual)
        for connection in waiting:
            connection.sendall(b'GET /_up HTTP/1.1\r\nHost: x\r\n\r\n')
            self.assertTrue(connection.recv(100).startswith(b'HTTP/1.1 200'))
            connection.close()


if __name__ == '__main__':
    unittest.main()
