"""What the benchmarks share: the load, the options of the command, the folder that is measured."""
import argparse
import base64
import contextlib
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'tests'))

from harness.server import BINARY, Server  # noqa: E402, F401 (the benchmarks take Server from here)

BATCH_DOCUMENTS = 1000
ROUNDS = 3
TEXT = 'x' * 520


# ------------------------------------------------------------ the command

def built(name):
    """Where the benchmark of this name is that needs no server."""
    return ROOT / 'build' / 'bench' / 'bench' / name


def page_of(name):
    return ROOT / 'docs' / (name + '.md')


def parse_arguments(description, page, aims=False, programs=(), wrk=True, more=()):
    """The options that a benchmark is run with; ends the program if something that it needs is not there.

    page      what --write writes
    aims      whether there is --check
    programs  that have to be built, besides the server
    more      further options: [(name, arguments of add_argument())]
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='small and short')
    parser.add_argument('--write', action='store_true', help='write docs/' + page.name)
    if aims:
        parser.add_argument('--check', action='store_true', help='fail where an aim is missed')
    for name, settings in more:
        parser.add_argument(name, **settings)
    arguments = parser.parse_args()
    for program in (BINARY, *programs):
        if not program.exists():
            raise SystemExit('%s is not built: ./dev build %s' % (program, 'release' if program == BINARY else 'bench'))
    if wrk and not shutil.which('wrk'):
        raise SystemExit('wrk is not installed: scripts/install dev')
    return arguments


def folder_of_disk():
    """On the disk that is measured."""
    return os.environ.get('DIVAN_BENCH_DIR', '/var/tmp')


@contextlib.contextmanager
def measured_folder():
    """An empty folder there, removed in the end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='divan-bench-', dir=folder_of_disk()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def logging_to(path):
    """Settings: the access log goes to a file, as in production; through the pipe this process would read it."""
    return '[log]\nwriter = file\nfile = %s\n' % path


def say(line):
    print(line, flush=True)


def finish(arguments, page, text, missed=()):
    """Writes the page, and fails with the names of aims that were missed, if the options ask for it."""
    if arguments.write:
        page.write_text(text, encoding='utf-8')
    if missed and arguments.check:
        raise SystemExit('missed: ' + '; '.join(missed))


def machine():
    model = next((line.split(':', 1)[1].strip() for line in open('/proc/cpuinfo', encoding='ascii')
                  if line.startswith('model name')), platform.machine())
    memory = next(int(line.split()[1]) for line in open('/proc/meminfo', encoding='ascii')
                  if line.startswith('MemTotal'))
    return '%d cores (%s), %.0f GB of memory, Linux %s' % (
        os.cpu_count(), model, memory / 1e6, platform.release().split('-')[0])


# ------------------------------------------------------------ load

class Bench:
    def __init__(self, server, documents, seconds, databases):
        self.server, self.documents, self.seconds, self.databases = server, documents, seconds, databases
        self.authorization = 'Basic ' + base64.b64encode(
            ('%s:%s' % (server.user, server.password)).encode()).decode()
        self.headers = {'Authorization': self.authorization, 'Content-Type': 'application/json'}
        self.login = ('Authorization', self.authorization)  # the header field that wrk logs in with
        self.runs = 0

    # ------------------------------------------------------------ requests

    def connection(self):
        return http.client.HTTPConnection(self.server.origin.removeprefix('http://'), timeout=600)

    def call(self, method, path, body=None, expected=(200, 201, 202)):
        connection = self.connection()
        connection.request(method, path, body, self.headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status not in expected:
            raise SystemExit('%s %s: %d %s' % (method, path, answer.status, text[:300]))
        return json.loads(text)

    def wrk(self, operation, connections, seconds=None, origin=None):
        """Requests a second, and the median and 99th percentile of their times in ms."""
        self.runs += 1
        environment = {**os.environ, 'DIVAN_BENCH_OPERATION': operation,
                       'DIVAN_BENCH_COUNT': str(self.documents), 'DIVAN_BENCH_RUN': str(self.runs),
                       'DIVAN_BENCH_LOGIN_FIELD': self.login[0], 'DIVAN_BENCH_LOGIN': self.login[1]}
        done = subprocess.run(
            ['wrk', '-t1', '-c%d' % connections, '-d%ds' % (seconds or self.seconds), '--timeout', '30s',
             '-s', str(ROOT / 'bench' / 'load.lua'), origin or self.server.origin],
            env=environment, capture_output=True, text=True)
        found = re.search(r'^result (\{.*\})$', done.stdout, re.MULTILINE)
        if not found:
            raise SystemExit('wrk: ' + done.stdout + done.stderr)
        result = json.loads(found.group(1))
        if result['failed']:
            raise SystemExit('%s: %d requests failed\n%s' % (operation, result['failed'], done.stdout))
        return result

    def stream_rate(self, path, rows):
        """Rows a second of a streamed answer, read without looking into it."""
        host, port = self.server.origin.removeprefix('http://').split(':')
        with socket.create_connection((host, int(port))) as stream:
            started = time.monotonic()
            stream.sendall(('GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nConnection: close\r\n\r\n'
                            % (path, host, self.authorization)).encode())
            buffer, tail, total = bytearray(1 << 20), b'', 0
            while True:
                count = stream.recv_into(buffer)
                if count == 0:
                    break
                total += count
                tail = (tail + bytes(buffer[:count]))[-5:]
            took = time.monotonic() - started
        if tail != b'0\r\n\r\n' or total < rows * 40:
            raise SystemExit('%s: the answer was cut off after %d bytes' % (path, total))
        return rows / took

    # ------------------------------------------------------------ what is measured

    def bulk(self, connections):
        """Fills a new database with _bulk_docs; documents a second."""
        name = '/bench' if connections == 1 else '/bench%d' % connections
        self.call('PUT', name)
        bodies = [json.dumps({'docs': [
            {'_id': 'doc-%08d' % number, 'name': 'user %d' % number, 'number': number, 'active': True,
             'text': TEXT} for number in range(first, min(first + BATCH_DOCUMENTS, self.documents))]}).encode()
            for first in range(0, self.documents, BATCH_DOCUMENTS)]
        failures = []

        def send(part):
            connection = self.connection()
            for body in part:
                connection.request('POST', name + '/_bulk_docs', body, self.headers)
                answer = connection.getresponse()
                if answer.status != 201 or b'"error"' in answer.read():
                    failures.append(answer.status)

        senders = [threading.Thread(target=send, args=(bodies[number::connections],))
                   for number in range(connections)]
        started = time.monotonic()
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        took = time.monotonic() - started
        if failures:
            raise SystemExit('_bulk_docs failed: %s' % failures[:5])
        return self.documents / took

    def median_rate(self, measure):
        return statistics.median(measure() for _ in range(ROUNDS))

    def wrk_rates(self, operation, connections):
        results = [self.wrk(operation, connections) for _ in range(ROUNDS)]
        rate = statistics.median(result['requests'] / result['seconds'] for result in results)
        median_ms = statistics.median(result['median_us'] for result in results) / 1000
        p99_ms = statistics.median(result['p99_us'] for result in results) / 1000
        return rate, 'median %.2f ms, 99 %% within %.2f ms' % (median_ms, p99_ms)
