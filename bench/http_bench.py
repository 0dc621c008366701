#!/usr/bin/env python3
"""Measures the server through HTTP, and the storage engine alone in the same run.

Every write is durable before it is answered. The figures of one run are to be compared with each
other, not with those of another machine or hour; the ratio to the engine alone is what counts.

  ./dev bench http_bench                      the usual sizes, a few minutes
  bench/http_bench.py --quick                 a glance
  bench/http_bench.py --write                 also writes docs/benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk that is measured; default /var/tmp
"""
import argparse
import base64
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

from harness.server import BINARY, Server  # noqa: E402

ENGINE_BENCH = ROOT / 'build' / 'bench' / 'bench' / 'kv_bench'
PAGE = ROOT / 'docs' / 'benchmarks.md'
BATCH_DOCUMENTS = 1000
ROUNDS = 3
TEXT = 'x' * 520

# What Apache CouchDB 3.5 did on a machine of this kind, a second: for orientation.
COUCHDB = {'bulk_1': 22000, 'put_32': 1300, 'get_32': 3000, 'all_docs_include': 19000, 'changes': 51000}


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

    def database_churn(self):
        """Databases made and deleted a second, with 8 connections."""
        made = self.wrk('put_database', 8, max(1, self.seconds // 2))
        # A run of its own number counts from 1 again, so it deletes what the one before has made.
        count = made['requests']
        connections = [self.connection() for _ in range(8)]
        run = self.runs

        def delete(connection, part):
            for number in part:
                connection.request('DELETE', '/made-%d-%d' % (run, number), headers=self.headers)
                connection.getresponse().read()

        deleters = [threading.Thread(target=delete, args=(connection, range(1 + number, count + 1, 8)))
                    for number, connection in enumerate(connections)]
        started = time.monotonic()
        for deleter in deleters:
            deleter.start()
        for deleter in deleters:
            deleter.join()
        return made['requests'] / made['seconds'], count / (time.monotonic() - started)

    def start_with_databases(self):
        """Seconds from the start of the process to its ready line and a first answer."""
        names = iter(range(self.databases))
        lock = threading.Lock()

        def make():
            connection = self.connection()
            while True:
                with lock:
                    number = next(names, None)
                if number is None:
                    return
                connection.request('PUT', '/start-%05d' % number, headers=self.headers)
                connection.getresponse().read()

        makers = [threading.Thread(target=make) for _ in range(8)]
        for maker in makers:
            maker.start()
        for maker in makers:
            maker.join()
        self.server.stop()
        started = time.monotonic()
        self.server.start()
        self.call('GET', '/start-%05d' % (self.databases - 1))
        return time.monotonic() - started


def engine_rates(seconds):
    """The engine alone, with the rows of 600-byte documents: {benchmark: items a second}."""
    names = ['CommitThousandDocuments/1/real_time/threads:1', 'CommitThousandDocuments/1/real_time/threads:4',
             'CommitOneDocument/1/real_time/threads:1', 'CommitOneDocument/1/real_time/threads:32',
             'ReadOneDocument/1/real_time', 'ScanDocuments/1/real_time', 'ScanSequences/1/real_time']
    done = subprocess.run([ENGINE_BENCH, '--benchmark_format=json', '--benchmark_min_time=%g' % seconds,
                           '--benchmark_filter=/(%s)$' % '|'.join(names)],
                          capture_output=True, text=True, check=True)
    return {entry['name'].removeprefix('Fixture/'): entry['items_per_second']
            for entry in json.loads(done.stdout)['benchmarks']}


def measure(bench, engine, progress):
    """Rows of the table: (name, figure text, note, ratio to the engine or None, ratio to CouchDB or None)."""
    rows = []

    def add(key, name, rate, unit, note='', engine_name=None):
        alone = engine.get(engine_name)
        rows.append({'key': key, 'name': name, 'rate': rate, 'unit': unit, 'note': note,
                     'engine': alone, 'couchdb': COUCHDB.get(key)})
        progress('%-46s %12s %s%s' % (name, '{:,.0f}'.format(rate), unit, ', ' + note if note else ''))

    add('bulk_1', '`_bulk_docs` of 1,000, 1 connection', bench.bulk(1), 'documents/s',
        engine_name='CommitThousandDocuments/1/real_time/threads:1')
    add('bulk_4', '`_bulk_docs` of 1,000, 4 connections', bench.bulk(4), 'documents/s',
        engine_name='CommitThousandDocuments/1/real_time/threads:4')
    for connections in (1, 32):
        rate, note = bench.wrk_rates('get_document', connections)
        add('get_%d' % connections, 'GET of a document, %d connection%s' % (
            connections, 's' if connections > 1 else ''), rate, 'requests/s', note,
            'ReadOneDocument/1/real_time')
    for connections in (1, 32):
        rate, note = bench.wrk_rates('put_document', connections)
        add('put_%d' % connections, 'PUT of a new document, %d connection%s' % (
            connections, 's' if connections > 1 else ''), rate, 'requests/s', note,
            'CommitOneDocument/1/real_time/threads:%d' % connections)
    for key, name, path, engine_name in (
            ('all_docs', '`_all_docs`', '/bench4/_all_docs', 'ScanDocuments/1/real_time'),
            ('all_docs_include', '`_all_docs?include_docs=true`', '/bench4/_all_docs?include_docs=true',
             'ScanDocuments/1/real_time'),
            ('changes', '`_changes`', '/bench4/_changes', 'ScanSequences/1/real_time'),
            ('changes_include', '`_changes?include_docs=true`', '/bench4/_changes?include_docs=true',
             'ScanSequences/1/real_time')):
        rate = bench.median_rate(lambda: bench.stream_rate(path, bench.documents))
        add(key, name, rate, 'rows/s', engine_name=engine_name)
    made, deleted = bench.database_churn()
    add('create', 'Creating databases, 8 connections', made, 'databases/s')
    add('delete', 'Deleting databases, 8 connections', deleted, 'databases/s')
    seconds = bench.start_with_databases()
    add('start', 'Start with {:,} databases'.format(bench.databases), seconds * 1000, 'ms')
    return rows


def machine():
    model = next((line.split(':', 1)[1].strip() for line in open('/proc/cpuinfo', encoding='ascii')
                  if line.startswith('model name')), platform.machine())
    memory = next(int(line.split()[1]) for line in open('/proc/meminfo', encoding='ascii')
                  if line.startswith('MemTotal'))
    return '%d cores (%s), %.0f GB of memory, Linux %s' % (
        os.cpu_count(), model, memory / 1e6, platform.release().split('-')[0])


def page(rows, documents):
    lines = [
        '# Benchmarks', '',
        'Made by `bench/http_bench.py --write` on ' + machine() + '.',
        'Server and clients share the machine. Documents have 600 bytes, the database holds',
        '{:,} of them, every write is synced before it is answered. Throughput is the median of'.format(documents),
        '%d measurements.' % ROUNDS, '',
        '"Engine alone" is the storage engine in the same run, without HTTP, JSON, revisions and',
        'authentication, with as many threads, writing or reading rows of the same sizes',
        '(`bench/kv_bench.cc`). The machine is noisy: read the ratios, not the figures.', '',
        '| Operation | Divan | Engine alone | Ratio | CouchDB 3.5 | Ratio |',
        '| --- | ---: | ---: | ---: | ---: | ---: |']
    for row in rows:
        cells = [row['name'], '{:,.0f} {}'.format(row['rate'], row['unit'])]
        for other in ('engine', 'couchdb'):
            cells += ['{:,.0f}'.format(row[other]), '%.2f' % (row['rate'] / row[other])] if row[other] else ['', '']
        lines.append('| %s |' % ' | '.join(cells))
    lines += ['', 'Times of single requests:', '']
    lines += ['- %s: %s' % (row['name'], row['note']) for row in rows if row['note']]
    lines += ['', 'The figures of CouchDB were measured on a machine of the same kind at another time: for ',
              'orientation only.', '']
    return '\n'.join(line.rstrip() for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='small and short')
    parser.add_argument('--write', action='store_true', help='write docs/benchmarks.md')
    parser.add_argument('--json', metavar='FILE', help='also write the figures as JSON')
    arguments = parser.parse_args()
    for program in (BINARY, ENGINE_BENCH):
        if not program.exists():
            raise SystemExit('%s is not built: ./dev build release && ./dev build bench' % program)
    if not shutil.which('wrk'):
        raise SystemExit('wrk is not installed: scripts/install dev')
    documents, seconds, databases = (20_000, 1, 500) if arguments.quick else (200_000, 5, 10_000)
    folder = tempfile.mkdtemp(prefix='divan-bench-', dir=os.environ.get('DIVAN_BENCH_DIR', '/var/tmp'))
    try:
        print('The engine alone ...', flush=True)
        engine = engine_rates(0.2 if arguments.quick else 2)
        # The access log goes to a file, as in production: through the pipe this process would read it.
        log = '[log]\nwriter = file\nfile = %s/access.log\n' % folder
        with Server(data_dir=folder + '/data', config=log) as server:
            rows = measure(Bench(server, documents, seconds, databases), engine,
                           lambda line: print(line, flush=True))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1) + '\n', encoding='utf-8')
    if arguments.write:
        PAGE.write_text(page(rows, documents), encoding='utf-8')


if __name__ == '__main__':
    main()
