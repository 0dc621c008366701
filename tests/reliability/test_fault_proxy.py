"""The proxy that makes faults for other tests makes the faults that it is told to, and counts them."""
import http.client
import http.server
import socket
import threading
import time
import unittest

from harness.case import wait_until
from harness.fault_plan import KINDS, Fault, Schedule
from harness.fault_proxy import FaultProxy

CLIENT_LIMIT_S = 20
LOST = (http.client.HTTPException, ConnectionError)


class Handler(http.server.BaseHTTPRequestHandler):
    """GET /N answers N bytes; POST answers what it was sent."""

    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        self.respond(b'x' * int(self.path[1:]))

    def do_POST(self):
        if self.headers.get('Transfer-Encoding') == 'chunked':
            body = b''
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers['Content-Length']))
            if len(body) < int(self.headers['Content-Length']):
                self.close_connection = True
                return
        self.server.bodies.append(body)
        self.respond(body)

    def respond(self, body):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):  # connections are cut here on purpose
        pass


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.server = QuietServer(('127.0.0.1', 0), Handler)
        self.server.bodies = []
        self.addCleanup(self.server.server_close)
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(self.server.shutdown)
        self.proxy = FaultProxy('http://127.0.0.1:%d' % self.server.server_port).start()
        self.addCleanup(self.proxy.stop)

    def connect(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.proxy.port, timeout=CLIENT_LIMIT_S)
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection=None, method='GET', path='/10', body=None, **options):
        """Sends one request; returns status, body, headers."""
        connection = connection or self.connect()
        connection.request(method, path, body, **options)
        response = connection.getresponse()
        return response.status, response.read(), response.headers

    def read_raw(self, count):
        """What arrives of the answer to GET /count, and whether the end was a reset."""
        with socket.create_connection(('127.0.0.1', self.proxy.port), CLIENT_LIMIT_S) as client:
            client.sendall(b'GET /%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' % count)
            read = b''
            try:
                while piece := client.recv(65536):
                    read += piece
            except ConnectionResetError:
                return read, True
        return read, False

    def test_it_passes_everything(self):
        connection = self.connect()
        for count in (0, 1, 100000, 3000000):
            self.assertEqual(self.ask(connection, path='/%d' % count)[:2], (200, b'x' * count))
            self.assertEqual(self.ask(connection, 'POST', '/', b'y' * count)[:2], (200, b'y' * count))
        pieces = iter([b'abc', b'd' * 70000, b'e'])
        self.assertEqual(self.ask(connection, 'POST', '/', pieces, encode_chunked=True,
                                  headers={'Transfer-Encoding': 'chunked'})[1], b'abc' + b'd' * 70000 + b'e')
        self.assertEqual(self.ask(connection)[0], 200)
        self.assertEqual((self.proxy.counts['connections'], self.proxy.counts['requests']), (1, 10))
        self.assertGreater(self.proxy.counts['bytes_down'], 6000000)
        self.assertEqual(self.proxy.matching('POST', '^/$'), 5)

    def test_many_connections_at_once(self):
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.ask(path='/300000')[1])) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(CLIENT_LIMIT_S)
        self.assertEqual(answers, [b'x' * 300000] * 30)

    def test_connections_that_end(self):
        for kind in ('close', 'reset'):
            self.proxy.plan([Fault(kind)])
            with self.assertRaises(LOST, msg=kind):
                self.ask()
            self.assertEqual(self.ask()[0], 200)
            self.assertEqual(self.proxy.counts[kind], 1)

    def test_refusal(self):
        self.proxy.plan([Fault('refuse', 200)])
        with self.assertRaises(LOST):
            self.ask()
        refused = []

        def gets_through():
            try:
                return self.ask()[0] == 200
            except ConnectionRefusedError:
                refused.append(True)
            except LOST:  # it was waiting to be accepted when the refusals began
                pass
            return False
        self.assertTrue(wait_until(gets_through))
        self.assertTrue(refused)

    def test_cut_in_an_answer(self):
        self.assertGreater(len(self.read_raw(50000)[0]), 50000)
        for kind, ends_with_reset in (('cut_down', False), ('reset_down', True)):
            for amount in (0, 1, 60, 1000, 50000):
                self.proxy.plan([Fault(kind, amount)])
                read, was_reset = self.read_raw(50000)
                self.assertEqual(was_reset, ends_with_reset, kind)
                self.assertLessEqual(len(read), amount)
                if not ends_with_reset:
                    self.assertEqual(len(read), amount)
        self.proxy.plan([Fault('cut_down', 10 ** 9)])
        self.assertEqual(self.ask(path='/50000')[0], 200)
        self.assertEqual(self.proxy.counts['cut_down'], 6)

    def test_cut_counts_over_several_answers(self):
        self.proxy.plan([Fault('cut_down', 1000)])
        connection = self.connect()
        self.assertEqual(self.ask(connection, path='/500')[0], 200)
        with self.assertRaises(LOST):
            self.ask(connection, path='/500')

    def test_cut_in_a_request(self):
        for amount in (0, 1, 100, 50000):
            self.proxy.plan([Fault('cut_up', amount)])
            with self.assertRaises(LOST):
                self.ask(None, 'POST', '/', b'z' * 100000)
        self.assertEqual(self.server.bodies, [])
        self.assertEqual(self.ask(None, 'POST', '/', b'z' * 100000)[0], 200)

    def test_half_open(self):
        self.proxy.plan([Fault('half_open', 300)])
        started = time.monotonic()
        with self.assertRaises(LOST):
            self.ask()
        self.assertGreater(time.monotonic() - started, 0.25)
        self.assertEqual(self.proxy.counts['requests'], 0)

    def test_delay(self):
        self.proxy.plan([Fault('delay', 200)])
        started = time.monotonic()
        self.assertEqual(self.ask()[0], 200)
        self.assertGreater(time.monotonic() - started, 0.19)

    def test_trickle(self):
        self.proxy.plan([Fault('trickle', 400)])
        with socket.create_connection(('127.0.0.1', self.proxy.port), CLIENT_LIMIT_S) as client:
            client.sendall(b'GET /1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
            pieces = []
            while piece := client.recv(65536):
                pieces.append(piece)
        self.assertGreater(len(pieces), 20)
        self.assertTrue(b''.join(pieces).endswith(b'x' * 1000))

    def test_statuses_of_a_connection(self):
        self.proxy.plan([Fault('status', 2, 429)])
        connection = self.connect()
        status, _, headers = self.ask(connection, 'POST', '/', b'123')
        self.assertEqual((status, headers['Retry-After']), (429, '1'))
        self.assertEqual(self.ask(connection)[0], 429)
        self.assertEqual(self.ask(connection)[0], 200)
        self.assertEqual(self.proxy.counts[429], 2)
        self.assertEqual(self.server.bodies, [])

    def test_garbage(self):
        self.proxy.plan([Fault('garbage', 7)])
        with self.assertRaises(http.client.BadStatusLine):
            self.ask()

    def test_rules(self):
        self.proxy.answer(500, count=2, path=r'^/1\d$')
        self.proxy.answer(413, method='POST', path='^/$', body_over=10, headers={'X-Why': 'large'})
        connection = self.connect()
        statuses = [self.ask(connection, path=path)[0] for path in ('/5', '/10', '/11', '/12')]
        self.assertEqual(statuses, [200, 500, 500, 200])
        self.assertEqual(self.ask(connection, 'POST', '/', b'1234567890')[0], 200)
        status, _, headers = self.ask(connection, 'POST', '/', b'12345678901')
        self.assertEqual((status, headers['X-Why']), (413, 'large'))
        self.assertEqual(self.ask(connection, 'POST', '/', b'12345678901')[:2], (200, b'12345678901'))
        self.assertEqual(self.server.bodies, [b'1234567890', b'12345678901'])

    def test_rules_and_expectations(self):
        def send(head, body=b''):
            with socket.create_connection(('127.0.0.1', self.proxy.port), CLIENT_LIMIT_S) as client:
                client.sendall(head)
                stream = client.makefile('rb')
                lines = [stream.readline()]
                if b' 100 ' in lines[0]:
                    stream.readline()
                    client.sendall(body)
                    lines.append(stream.readline())
                return lines
        head = (b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n')
        self.proxy.answer(503)
        self.assertIn(b' 503 ', send(head)[0])
        self.proxy.answer(413, body_over=2)
        self.assertIn(b' 413 ', send(head, b'abc')[1])
        self.assertIn(b' 200 ', send(head, b'abc')[1])

    def test_clear(self):
        self.proxy.plan([Fault('close')] * 3)
        self.proxy.answer(500, count=5)
        self.proxy.clear()
        self.assertEqual(self.proxy.planned, 0)
        self.assertEqual([self.ask()[0] for _ in range(4)], [200] * 4)

    def test_cut_all(self):
        connection = self.connect()
        self.assertEqual(self.ask(connection)[0], 200)
        self.proxy.cut_all()
        with self.assertRaises(LOST):
            self.ask(connection)

    def test_a_server_that_is_gone_and_back_elsewhere(self):
        class Place:
            origin = 'http://127.0.0.1:1'
        with FaultProxy(Place) as proxy:
            connection = http.client.HTTPConnection('127.0.0.1', proxy.port, timeout=CLIENT_LIMIT_S)
            with self.assertRaises(LOST):
                self.ask(connection)
            Place.origin = 'http://127.0.0.1:%d' % self.server.server_port
            self.assertEqual(self.ask(connection)[0], 200)
            connection.close()

    def test_urls(self):
        for url in ('http://127.0.0.1:99/db', 'http://me:a%40b@127.0.0.1:99/db%2Fx?q=1'):
            self.assertEqual(self.proxy.url(url), url.replace(':99/', ':%d/' % self.proxy.port))

    def test_every_kind_at_random_ends(self):
        """Whatever a schedule does, a client that goes on gets through, and the answer is whole then."""
        for seed in range(5):
            self.proxy.plan(Schedule.from_seed(seed))
            self.assertTrue(wait_until(self.tried_to_the_end), seed)

    def tried_to_the_end(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.proxy.port, timeout=CLIENT_LIMIT_S)
        try:
            status, body, headers = self.ask(connection, 'POST', '/', b'q' * 20000)
            if status == 200 and 'Content-Length' in headers:  # http.client takes half a head for a whole one
                self.assertEqual(body, b'q' * 20000)
        except LOST:
            pass
        finally:
            connection.close()
        return not self.proxy.planned


class ScheduleTest(unittest.TestCase):
    def test_a_seed_makes_the_same_faults(self):
        self.assertEqual(Schedule.from_seed(3), Schedule.from_seed(3))
        self.assertNotEqual(Schedule.from_seed(3), Schedule.from_seed(4))

    def test_faults_are_bounded_and_all_kinds_come(self):
        kinds = set()
        for seed in range(100):
            made = Schedule.from_seed(seed, faults=10)
            self.assertEqual(sum(fault.kind != 'pass' for fault in made), 10)
            self.assertLessEqual(len(made), 30)
            self.assertTrue(all(fault.amount <= 2000 for fault in made if KINDS[fault.kind] == 'ms'))
            kinds |= {fault.kind for fault in made}
        self.assertEqual(kinds, set(KINDS))

    def test_unknown_kind(self):
        with self.assertRaises(ValueError):
            Fault('fire')


if __name__ == '__main__':
    unittest.main()
