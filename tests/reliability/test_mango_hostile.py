"""Queries that mean harm: each ends in bounded time and memory, and others are answered meanwhile."""
import base64
import json
import pathlib
import re
import socket
import threading
import time
import unittest

from harness.case import wait_until
from harness.mango import MangoCase

TIME_LIMIT_S = 240
DOCUMENTS = 6000
TEXT = 'a' * 1000 + '!'
ANSWER_LIMIT_S = 60
OTHERS_LIMIT_S = 5
# With all that the documents of the tests below would take if they were held.
MEMORY_LIMIT_BYTES = 96 << 20
# As many conditions as a selector may have, none of which holds.
MANY = [{'t': {'$gt': {'x': i}}} for i in range(4900)]

PATTERNS = ['^(a+)+$', '(a|aa)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(a*)*b', '^(?:a?){40}a{40}b', r'(a)(?:\1|a)*b\1*c', '(.*)*(.*)*x$']


class Neighbour(threading.Thread):
    """Somebody else, who asks for little, again and again."""

    def __init__(self, server, path):
        super().__init__(daemon=True)
        self.server, self.path = server, path
        self.done, self.slowest, self.answers = threading.Event(), 0.0, 0

    def run(self):
        with self.server.new_session() as session:
            while not self.done.wait(0.05):
                began = time.monotonic()
                session.get(self.server.url + self.path, timeout=ANSWER_LIMIT_S).raise_for_status()
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.answers += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


class HostileCase(MangoCase):
    server_arguments = {'memory': True}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.put('/large').raise_for_status()
        for first in range(0, DOCUMENTS, 2000):
            docs = [{'_id': 'd%05d' % i, 'n': i, 't': TEXT} for i in range(first, first + 2000)]
            cls.server.post('/large/_bulk_docs', json={'docs': docs}).raise_for_status()

    def ask(self, body, path='_find'):
        """Asks while somebody else asks for a document; returns the answer."""
        with Neighbour(self.server, '/large/d00000') as neighbour:
            began = time.monotonic()
            answer = self.server.post('/large/' + path, json=body, timeout=ANSWER_LIMIT_S)
            taken = time.monotonic() - began
        self.assertLess(taken, ANSWER_LIMIT_S)
        self.assertLess(neighbour.slowest, OTHERS_LIMIT_S)
        return answer


class TimeTest(HostileCase):
    def test_patterns_that_take_forever(self):
        for pattern in PATTERNS:
            with self.subTest(pattern):
                answer = self.ask({'selector': {'t': {'$regex': pattern}}, 'limit': 10000, 'fields': ['n']})
                if answer.status_code == 200:
                    self.assertEqual(answer.json()['docs'], [])
                else:
                    self.assertIn('$regex takes too many steps', self.error(answer, 400, 'bad_arg'))
        self.assertEqual(self.error(self.ask({'selector': {'t': {'$regex': PATTERNS[0]}}}), 400, 'bad_arg')[:1], 'A')

    def test_an_index_is_no_way_around(self):
        self.create_index('large', ['t'], 't', 'd')
        self.addCleanup(self.server.delete, '/large/_index/d/json/t')
        for members in ({}, {'fields': ['t']}, {'count': True, 'limit': 0}, {'distinct': 't'}, {'sort': [{'t': 'desc'}]}):
            self.error(self.ask({'selector': {'t': {'$regex': PATTERNS[0]}}, **members}), 400, 'bad_arg')

    def test_many_conditions(self):
        """More calls to the engine than a page could double: a scan did not end."""
        answer = self.ask({'selector': {'$or': MANY}, 'execution_stats': True})
        self.assertEqual(self.answer(answer, 200)['execution_stats']['total_docs_examined'], DOCUMENTS)
        found = self.ask({'selector': {'$or': [*MANY, {'n': 5999}]}, 'fields': ['n'], 'count': True})
        self.assertEqual((found.json()['docs'], found.json()['count']), ([{'n': 5999}], 1))
        groups = self.ask({'selector': {'$or': [*MANY, {'n': {'$gt': 5990}}]}, 'aggregate': {'number': 'count'}})
        self.assertEqual(groups.json()['groups'], [{'number': 9}])

    def test_many_fields(self):
        everything = {'f%d' % i: {'$gt': None} for i in range(4900)}
        self.assertEqual(self.answer(self.ask({'selector': everything}), 200)['docs'], [])
        reason = self.error(self.ask({'selector': {'f%d' % i: i for i in range(4900)}, 'sort': ['n']}), 400, 'no_usable_index')
        self.assertLess(len(reason), 1000)
        self.answer(self.ask({'selector': everything}, '_explain'), 200)
        self.error(self.ask({'selector': {}, 'fields': ['f%d' % i for i in range(10001)]}), 400, 'too_many_fields')
        self.error(self.ask({'selector': {}, 'aggregate': {'f%d' % i: 'count' for i in range(10001)}}), 400, 'too_many_fields')

    def test_many_values(self):
        values = list(range(0, 9900 * 7, 7))
        for index in (None, ['n'], ['n', 't']):
            if index:
                self.create_index('large', index, 'n', 'd%d' % len(index))
                self.addCleanup(self.server.delete, '/large/_index/d%d/json/n' % len(index))
            found = self.answer(self.ask({'selector': {'n': {'$in': values}, 't': {'$gt': 'a'}}, 'limit': 10000, 'fields': ['n']}), 200)
            self.assertEqual(sorted(doc['n'] for doc in found['docs']), list(range(0, DOCUMENTS, 7)))

    def test_branches_of_an_or(self):
        self.create_index('large', ['n'], 'n', 'd')
        self.addCleanup(self.server.delete, '/large/_index/d/json/n')
        branches = [{'n': i, 't': {'$gt': 'a'}} for i in range(0, 1000, 2)] + [{'n': {'$gt': 5990}}, {'t': 'none'}]
        found = self.answer(self.ask({'selector': {'$or': branches}, 'limit': 10000, 'fields': ['n']}), 200)
        self.assertEqual(sorted(doc['n'] for doc in found['docs']), list(range(0, 1000, 2)) + list(range(5991, DOCUMENTS)))


class ClientLeavesTest(HostileCase):
    """A query whose client is gone ends."""

    def leave(self, body):
        text = json.dumps(body).encode()
        host, port = self.server.url.removeprefix('http://').split(':')
        credentials = base64.b64encode(('%s:%s' % (self.server.user, self.server.password)).encode()).decode()
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(('POST /large/_find HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\n'
                                'Content-Length: %d\r\n\r\n' % (credentials, len(text))).encode() + text)
            # It is looking at documents when they wait for nobody else.
            self.server.get('/large/d00000').raise_for_status()

    def taken(self, query):
        """Milliseconds that a query went on, as the log says."""
        before = len(self.finds())
        query()
        self.assertTrue(wait_until(lambda: len(self.finds()) > before, ANSWER_LIMIT_S))
        return self.finds()[-1]

    def finds(self):
        return [int(line.split()[-1]) for line in list(self.server.log) if re.search(r'POST /large/_find \d+ ', line)]

    def test_it_ends(self):
        for members in ({}, {'count': True}, {'sort': ['n'], 'sort_in_memory': True}, {'distinct': 'n'},
                        {'aggregate': {'number': 'count'}}):
            body = {'selector': {'$or': MANY + [{'n': -1}]}, **members}
            alone = self.taken(lambda: self.answer(self.server.post('/large/_find', json=body), 200))
            self.assertGreater(alone, 100)
            self.assertLess(self.taken(lambda: self.leave(body)), alone / 2, members)


class MemoryTest(HostileCase):
    def memory(self):
        status = pathlib.Path('/proc/%d/status' % self.server.pid).read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith('VmRSS:')) * 1024

    def setUp(self):
        super().setUp()
        self.db = self.database()
        for first in range(0, 150, 50):
            self.save(self.db, [{'_id': 'd%03d' % i, 'n': i, 't': 'x' * 10 ** 6} for i in range(first, first + 50)])

    def test_sort_holds_a_bounded_number_of_bytes(self):
        query = {'sort': [{'n': 'desc'}], 'sort_in_memory': True, 'limit': 1000}
        before = self.memory()
        reason = self.refused(self.db, 'sort_too_large', selector={}, **query)
        self.assertIn('bytes', reason)
        self.assertLess(self.memory() - before, MEMORY_LIMIT_BYTES + (64 << 20))
        self.assertEqual(len(self.ids(self.db, {}, **{**query, 'limit': 20})), 20)
        self.assertEqual(len(self.find(self.db, {}, fields=['_id', 'n'], **query)['docs']), 150)

    def test_groups_hold_a_bounded_number_of_bytes(self):
        for members in ({'group_by': ['n'], 'aggregate': {'most': {'max': 't'}}}, {'group_by': ['n', 't']}, ):
            before = self.memory()
            self.refused(self.db, 'too_many_groups', selector={}, **members)
            self.assertLess(self.memory() - before, MEMORY_LIMIT_BYTES + (64 << 20))
        groups = self.find(self.db, {}, group_by=['n'], aggregate={'least': {'min': 'n'}}, limit=1000)['groups']
        self.assertEqual(len(groups), 150)
        self.assertEqual(self.find(self.db, {}, aggregate={'most': {'max': 't'}})['groups'], [{'most': 'x' * 10 ** 6}])

    def test_an_answer_waits_for_its_reader(self):
        before = self.memory()
        with self.server.new_session() as session:
            answer = session.post('%s/%s/_find' % (self.server.url, self.db), json={'selector': {}, 'limit': 1000}, stream=True)
            parts = answer.iter_content(1 << 16)
            next(parts)
            threading.Event().wait(1)
            self.assertLess(self.memory() - before, MEMORY_LIMIT_BYTES)
            read = sum(map(len, parts))
        self.assertGreater(read, 145 * 10 ** 6)


if __name__ == '__main__':
    unittest.main()
