"""Thousands of databases: what they cost, and what deleting them under load does to the others."""
import collections
import concurrent.futures
import os
import threading
import time
import unittest

from harness.case import ServerTestCase, wait_until
from harness.raw_http import Connection

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 150
LONG_TIME_LIMIT_S = 1800

MIB = 1 << 20
DATABASES = 10_000 if LONG else 2_000
FEEDS = 400
# Of each database beyond the ones kept open ([couchdb] max_dbs_open), in memory.
BYTES_PER_DATABASE_MAX = 8 << 10
FEED_BYTES_MAX = 64 << 10
START_LIMIT_S = 5
SPACE_BYTES = 60 * MIB
LOG_BYTES_MAX = 300 * MIB


def resident_bytes(server):
    with open('/proc/%d/statm' % server.pid, encoding='ascii') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def in_parallel(server, items, action, threads=16):
    """action(connection, item) for all items; each thread has a connection. Results in order."""
    local = threading.local()

    def one(item):
        if not hasattr(local, 'connection'):
            local.connection = Connection(server)
        return action(local.connection, item)

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, items))


class ManyDatabasesTest(ServerTestCase):
    server_arguments = {'config': '[divan]\nmemory_bytes_max = 33554432\nhousekeeping_interval_ms = 200\n'}

    def test_thousands(self):
        names = ['many%05d' % number for number in range(DATABASES)]

        def make(connection, name):
            self.assertEqual(connection.request('PUT', '/' + name)[0], 201)
            self.assertEqual(connection.request('PUT', '/%s/d' % name, b'{"of":"%s"}' % name.encode())[0], 201)

        # As many as stay open belong to the baseline.
        in_parallel(self.server, names[:600], make)
        before, started = resident_bytes(self.server), time.monotonic()
        in_parallel(self.server, names[600:], make)
        seconds, grown = time.monotonic() - started, resident_bytes(self.server) - before
        each = grown / len(names[600:])
        print('%d databases made and written to in %.1f s; %d bytes of memory each over %d MiB'
              % (len(names[600:]), seconds, each, before // MIB))
        self.assertLess(each, BYTES_PER_DATABASE_MAX)
        self.assertEqual(self.answer(self.server.get('/_all_dbs?startkey="many"&endkey="many~"'), 200), names)
        self.check_feeds(names)
        for way in (self.server.stop, self.server.kill):
            way()
            started = time.monotonic()
            self.server.start()
            seconds = time.monotonic() - started
            print('started after %s in %.2f s, %d MiB' % (way.__name__, seconds,
                                                         resident_bytes(self.server) // MIB))
            self.assertLess(seconds, START_LIMIT_S)

        def check(connection, name):
            status, document = connection.json('GET', '/%s/d' % name)
            self.assertEqual((status, document.get('of')), (200, name))

        in_parallel(self.server, names, check)
        started = time.monotonic()
        in_parallel(self.server, names,
                    lambda connection, name: self.assertEqual(connection.request('DELETE', '/' + name)[0], 200))
        print('%d deleted in %.1f s' % (len(names), time.monotonic() - started))
        self.assertEqual(self.answer(self.server.get('/_all_dbs?startkey="many"'), 200), [])

    def check_feeds(self, names):
        """Idle feeds of many databases cost little, and each hears of its own database only."""
        names = names[::len(names) // FEEDS][:FEEDS]
        before = resident_bytes(self.server)
        connections = [Connection(self.server, receive_bytes=16 << 10) for _ in names]
        feeds = [connection.open('GET', '/%s/_changes?feed=continuous&since=now&heartbeat=60000' % name).lines()
                 for connection, name in zip(connections, names)]
        in_parallel(self.server, names, lambda connection, name: self.assertEqual(
            connection.request('PUT', '/%s/%s' % (name, name), b'{}')[0], 201))
        for name, feed in zip(names, feeds):
            self.assertIn(b'"id":"%s"' % name.encode(), next(line for line in feed if line))
        each = (resident_bytes(self.server) - before) / len(names)
        print('%d feeds, %d bytes of memory each' % (len(names), each))
        self.assertLess(each, FEED_BYTES_MAX)
        for connection in connections:
            connection.close()

    def test_made_anew_under_load(self):
        """A name is deleted and made again while others write to it: no life sees another's documents."""
        names, rounds = ['anew%d' % number for number in range(4)], 60 if LONG else 15
        stop = threading.Event()
        acknowledged = [collections.deque() for _ in range(8)]  # (time, name, id)

        def intrude(number):
            with Connection(self.server) as connection:
                count = 0
                while not stop.is_set():
                    count += 1
                    name, id = names[count % len(names)], 'intruder%d-%d' % (number, count)
                    status, answer = connection.json('PUT', '/%s/%s' % (name, id), {})
                    self.assertIn(status, (201, 404), answer)
                    if status == 201:
                        acknowledged[number].append((time.monotonic(), name, id))

        def own(name):
            with Connection(self.server) as connection:
                for number in range(rounds):
                    self.assertEqual(connection.request('PUT', '/' + name)[0], 201)
                    made = {'own%d-%d' % (number, count) for count in range(20)}
                    for id in sorted(made):
                        self.assertEqual(connection.request('PUT', '/%s/%s' % (name, id), b'{}')[0], 201)
                    status, all_docs = connection.json('GET', '/%s/_all_docs' % name)
                    self.assertEqual(status, 200)
                    ids = {row['id'] for row in all_docs['rows']}
                    self.assertEqual({id for id in ids if id.startswith('own')}, made)
                    dead = {id for others in acknowledged for at, of, id in tuple(others)
                            if of == name and at < deleted_at.get(name, 0)}
                    self.assertEqual(ids & dead, set(), 'documents of an earlier life')
                    self.assertEqual(connection.request('PUT', '/' + name)[0], 412)
                    deleted_at[name] = time.monotonic()
                    self.assertEqual(connection.request('DELETE', '/' + name)[0], 200)
                    self.assertEqual(connection.request('GET', '/' + name)[0], 404)

        deleted_at = {}
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            intruders = [pool.submit(intrude, number) for number in range(len(acknowledged))]
            try:
                for done in [pool.submit(own, name) for name in names]:
                    done.result()
            finally:
                stop.set()
            for done in intruders:
                done.result()
        self.assertGreater(sum(map(len, acknowledged)), rounds)

    def disk_bytes(self):
        """Bytes of the files that hold data, and of the write-ahead log, which has a bound of its own."""
        data = log = 0
        for folder, _, names in os.walk(self.server.data_dir):
            for name in names:
                try:
                    size = os.path.getsize(os.path.join(folder, name))
                except FileNotFoundError:  # files come and go
                    continue
                if name.endswith('.log'):
                    log += size
                else:
                    data += size
        return data, log

    def test_space_returns(self):
        before, _ = self.disk_bytes()
        name = '/' + self.database()
        for number in range(SPACE_BYTES // MIB):
            answer = self.server.put('%s/d%d/data' % (name, number), data=os.urandom(MIB),
                                     headers={'Content-Type': 'application/octet-stream'})
            self.answer(answer, 201)
        documents = [{'_id': 'doc%05d' % number, 'text': os.urandom(400).hex()} for number in range(20_000)]
        for begin in range(0, len(documents), 2_000):
            self.answer(self.server.post(name + '/_bulk_docs', json={'docs': documents[begin:begin + 2_000]}), 201)
        self.assertTrue(wait_until(lambda: self.disk_bytes()[0] > before + SPACE_BYTES),
                        'the data never reached its files: %s' % (self.disk_bytes(),))
        full, started = self.disk_bytes(), time.monotonic()
        self.answer(self.server.delete(name), 200)
        self.assertTrue(wait_until(lambda: self.disk_bytes()[0] < before + SPACE_BYTES // 3, 60),
                        'before %d, full %s, now %s' % (before, full, self.disk_bytes()))
        self.assertLess(self.disk_bytes()[1], LOG_BYTES_MAX)
        print('%d MiB went back to %d MiB in %.1f s' % (full[0] // MIB, self.disk_bytes()[0] // MIB,
                                                       time.monotonic() - started))


if __name__ == '__main__':
    unittest.main()
