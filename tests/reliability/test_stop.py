"""The server stops while it is used, and clients go away while they are answered."""
import json
import os
import signal
import threading
import time
import unittest

from harness.case import ServerTestCase, wait_until
from harness.raw_http import Connection, Lost

TIME_LIMIT_S = 120

DRAIN_S = 3
STOP_LIMIT_S = DRAIN_S + 3


class Feed(threading.Thread):
    """Follows changes until the feed ends, and keeps its lines and how it ended."""

    def __init__(self, server, path):
        super().__init__(daemon=True)
        self.connection, self.path = Connection(server), path
        self.begun, self.rows, self.error = threading.Event(), [], None

    def run(self):
        try:
            for line in self.connection.open('GET', self.path).lines():
                if line:
                    self.rows.append(line)
                    self.begun.set()
        except Lost as error:
            self.error = error
        self.begun.set()


class StopTest(ServerTestCase):
    server_arguments = {'config': '[divan]\ndrain_timeout_ms = %d\n' % (DRAIN_S * 1000)}

    def test_under_load(self):
        db = '/' + self.database()
        self.answer(self.server.put(db + '/first', json={}), 201)
        feeds = [Feed(self.server, db + '/_changes?heartbeat=100&feed=' + feed)
                 for feed in ('continuous', 'eventsource', 'continuous', 'eventsource')]
        waiting = Feed(self.server, db + '/_changes?since=now&feed=longpoll&doc_ids=["never"]&filter=_doc_ids')
        acknowledged, enough, failures = [], threading.Event(), []

        def write(number):
            count = 0
            with Connection(self.server) as connection:
                try:
                    while True:
                        count += 1
                        id = 'w%d-%d' % (number, count)
                        status, answer = connection.json('PUT', '%s/%s' % (db, id), {'count': count})
                        if status == 503:
                            return
                        assert status == 201, answer
                        acknowledged.append(id)
                        if len(acknowledged) > 500:
                            enough.set()
                except Lost:
                    pass
                except Exception as failure:
                    failures.append(failure)
                    enough.set()

        writers = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(32)]
        for thread in feeds + [waiting] + writers:
            thread.start()
        for feed in feeds:
            self.assertTrue(feed.begun.wait(30))
        self.assertTrue(enough.wait(60))
        started = time.monotonic()
        self.server.stop()  # asserts status 0 and no error in the log
        seconds = time.monotonic() - started
        self.assertLess(seconds, STOP_LIMIT_S)
        for thread in writers + feeds + [waiting]:
            thread.join(30)
        self.assertEqual(failures, [])
        self.check_ends(feeds, waiting)
        self.server.start()
        rows = self.answer(self.server.get(db + '/_all_docs'), 200)['rows']
        self.assertEqual(set(acknowledged) - {row['id'] for row in rows}, set())
        print('stopped in %.2f s after %d writes' % (seconds, len(acknowledged)))

    def check_ends(self, feeds, waiting):
        for feed in feeds + [waiting]:
            self.assertIsNone(feed.error, '%s was cut off' % feed.path)
        for feed in feeds:
            if 'continuous' in feed.path:
                last = json.loads(feed.rows[-1])
                self.assertEqual(set(last), {'last_seq', 'pending'})
                self.assertEqual(last['last_seq'], json.loads(feed.rows[-2])['seq'])
        self.assertIn(b'"last_seq":', b''.join(waiting.rows))

    def test_clients_that_do_not_end(self):
        """Half an upload, half a head, a reader that does not read: the stop does not wait for them."""
        db = '/' + self.database()
        self.answer(self.server.put(db + '/d/data', data=os.urandom(30 << 20),
                                    headers={'Content-Type': 'application/octet-stream'}), 201)
        upload, head, reader = (Connection(self.server, receive_bytes=16 << 10) for _ in range(3))
        for connection in (upload, head):
            connection.connect()
        upload.socket.sendall(('PUT %s/e HTTP/1.1\r\n%sContent-Length: 1000\r\n\r\n{"a":'
                               % (db, upload.common)).encode())
        head.socket.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n')
        parts = reader.open('GET', db + '/d/data').parts()
        next(parts)
        started = time.monotonic()
        self.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.process.wait(STOP_LIMIT_S + 10), 0)
        seconds = time.monotonic() - started
        self.assertLess(seconds, STOP_LIMIT_S)
        for connection in (upload, head, reader):
            connection.close()
        self.server.start()
        self.assertEqual(self.server.get(db + '/e').status_code, 404)

    def test_stop_when_idle_takes_no_time(self):
        with Connection(self.server) as connection:
            self.assertEqual(connection.request('GET', '/')[0], 200)
            started = time.monotonic()
            self.server.stop()  # the idle connection stays open
            self.assertLess(time.monotonic() - started, 2)
        self.server.start()


class CutTest(ServerTestCase):
    def sockets(self):
        """Sockets that the server holds, and feeds that it counts."""
        folder, count = '/proc/%d/fd' % self.server.pid, 0
        for name in os.listdir(folder):
            try:
                count += os.readlink('%s/%s' % (folder, name)).startswith('socket:')
            except OSError:  # closed meanwhile
                pass
        stats = self.answer(self.server.get('/_node/_local/_stats/couchdb/httpd/clients_requesting_changes'), 200)
        return count, stats['value']

    def test_cut_requests_leave_nothing(self):
        db = '/' + self.database()
        self.answer(self.server.put(db + '/d/data', data=os.urandom(8 << 20),
                                    headers={'Content-Type': 'application/octet-stream'}), 201)
        self.answer(self.server.post(db + '/_bulk_docs', json={'docs': [{'n': n} for n in range(5000)]}), 201)
        before = self.sockets()
        for _ in range(5):
            self.cut(db)
        self.assertTrue(wait_until(lambda: self.sockets() == before),
                        'before %s, now %s' % (before, self.sockets()))
        self.answer(self.server.get(db), 200)

    def cut(self, db):
        connections = []

        def connection():
            connections.append(Connection(self.server, receive_bytes=16 << 10))
            return connections[-1]

        for feed in ('continuous', 'eventsource', 'longpoll'):
            for _ in range(5):
                connection().open('GET', '%s/_changes?since=now&feed=%s&heartbeat=60000' % (db, feed))
        for path in ('/d/data', '/_all_docs?include_docs=true', '/_changes'):
            for _ in range(5):
                next(connection().open('GET', db + path).parts())
        for head in ('PUT %s/e HTTP/1.1\r\n', 'PUT %s/e/data HTTP/1.1\r\n', 'POST %s/_bulk_docs HTTP/1.1\r\n'):
            for _ in range(5):
                made = connection()
                made.connect()
                made.socket.sendall(((head % db) + made.common + 'Content-Type: application/json\r\n'
                                     'Content-Length: 100000\r\n\r\n{"docs":[').encode())
        self.answer(self.server.get(db), 200)
        for made in connections:
            made.close()


if __name__ == '__main__':
    unittest.main()
