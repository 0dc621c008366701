"""Deleting many databases under load leaves the reads of the others alone."""
import base64
import http.client
import json
import multiprocessing
import os
import random
import statistics
import time
import urllib.parse

from harness.case import ServerTestCase

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 1200

DATABASES = 10_000 if LONG else 2_000
DELETED = DATABASES // 10
DOCUMENTS = 20  # of each database
ROUNDS = 5
READ_DATABASES = 50
WRITTEN_DATABASES = 50
CREATORS = 8
WINDOW_S = 3.0  # of quiet, and after the last deletion of a round, while the rows go
RATIO_MAX = 2.0
# Two halves of the quiet time differ by more: the machine is too busy to tell anything.
CONTROL_RATIO_MAX = 1.5
ATTEMPTS = 3

FORK = multiprocessing.get_context('fork')
DOCS = json.dumps({'docs': [{'_id': 'd%d' % i, 'text': 'x' * 500} for i in range(DOCUMENTS)]})


class Client:
    """A keep-alive connection; cheaper than requests, so that the server's share of the time is large."""

    def __init__(self, origin, user, password):
        place = urllib.parse.urlsplit(origin)
        self.connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        token = base64.b64encode(('%s:%s' % (user, password)).encode()).decode()
        self.headers = {'Authorization': 'Basic ' + token, 'Content-Type': 'application/json'}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def request(self, method, path, body=None, expected=200):
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == expected, '%s %s: %d %s' % (method, path, answer.status, text[:500])


def create(access, names):
    with Client(*access) as client:
        for name in names:
            client.request('PUT', '/' + name, expected=201)
            client.request('POST', '/%s/_bulk_docs' % name, DOCS, expected=201)


def write_until(access, names, stop):
    number = 0
    with Client(*access) as client:
        while not stop.is_set():
            number += 1
            path = '/%s/w%d-%d' % (random.choice(names), os.getpid(), number)
            client.request('PUT', path, '{"a":1}', expected=201)


def delete(access, names):
    with Client(*access) as client:
        for name in names:
            client.request('DELETE', '/' + name)


def start(function, *arguments):
    process = FORK.Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


def percentile(values, share):
    return sorted(values)[int(share * (len(values) - 1))]


class DeleteLatencyTest(ServerTestCase):
    # Deleted rows go in the background at once.
    server_arguments = {'config': '[divan]\nhousekeeping_interval_ms = 200\n'}

    def setUp(self):
        super().setUp()
        self.access = (self.server.origin, self.server.user, self.server.password)
        self.names = ['c%05d' % i for i in range(DATABASES)]

    def finish(self, processes):
        for process in processes:
            process.join(TIME_LIMIT_S)
            self.assertEqual(process.exitcode, 0)

    def read_until(self, is_over):
        """Milliseconds of GETs of random documents, one after the other."""
        took = []
        while not is_over():
            path = '/%s/d%d' % (random.choice(self.read_names), random.randrange(DOCUMENTS))
            began = time.perf_counter()
            self.client.request('GET', path)
            took.append((time.perf_counter() - began) * 1000)
        return took

    def read_for(self, seconds):
        end = time.perf_counter() + seconds
        return self.read_until(lambda: time.perf_counter() >= end)

    def test_other_databases_stay_as_fast(self):
        began = time.perf_counter()
        self.finish([start(create, self.access, self.names[i::CREATORS]) for i in range(CREATORS)])
        print('created %d databases of %d documents in %.1f s' % (
            DATABASES, DOCUMENTS, time.perf_counter() - began))
        self.client = Client(*self.access)
        self.addCleanup(self.client.connection.close)
        self.read_names = self.names[:READ_DATABASES]
        written_names = self.names[READ_DATABASES:READ_DATABASES + WRITTEN_DATABASES]
        doomed = self.names[READ_DATABASES + WRITTEN_DATABASES:]
        stop = FORK.Event()
        load = [start(write_until, self.access, written_names, stop) for _ in range(2)]
        try:
            for attempt in range(ATTEMPTS):
                first = attempt * DELETED
                if self.attempt(doomed[first:first + DELETED]):
                    return
        finally:
            stop.set()
            self.finish(load)
        self.fail('the machine is too busy: quiet times differ among themselves by more than %.1f' %
                  CONTROL_RATIO_MAX)

    def attempt(self, doomed):
        """Compares reads while databases go with reads while none does, in turns. False: try again."""
        quiet, during = [], []
        self.read_for(WINDOW_S)
        for round_number in range(ROUNDS):
            quiet.append(self.read_for(WINDOW_S))
            process = start(delete, self.access, doomed[round_number::ROUNDS])
            during += self.read_until(lambda process=process: not process.is_alive())
            self.finish([process])
            during += self.read_for(WINDOW_S)
        halves = [sum(quiet[0::2], []), sum(quiet[1::2], [])]
        before = sum(halves, [])
        control = statistics.median(halves[0]) / statistics.median(halves[1])
        ratio = statistics.median(during) / statistics.median(before)
        print('GET while nothing is deleted: median %.2f ms, p99 %.2f ms; while %d databases go: median %.2f ms, '
              'p99 %.2f ms; ratio of medians %.2f, control %.2f' % (
                  statistics.median(before), percentile(before, 0.99), len(doomed), statistics.median(during),
                  percentile(during, 0.99), ratio, control))
        if ratio <= RATIO_MAX:
            return True
        stable = 1 / CONTROL_RATIO_MAX <= control <= CONTROL_RATIO_MAX
        self.assertFalse(stable, 'reads are %.2f times slower while databases are deleted' % ratio)
        return False
