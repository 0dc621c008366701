#!/usr/bin/env python3
"""Measures the server through HTTP, and the storage engine alone in the same run.

Every write is durable before it is answered. The figures of one run are to be compared with each
other, not with those of another machine or hour; the ratio to the engine alone is what counts.

  ./dev bench http_bench                      the usual sizes, a few minutes
  bench/http_bench.py --quick                 a glance
  bench/http_bench.py --write                 also writes docs/benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk that is measured; default /var/tmp
"""
import json
import pathlib
import subprocess
import threading
import time

from measuring import (ROUNDS, Bench, Server, built, finish, logging_to, machine, measured_folder, page_of,
                       parse_arguments, say)

ENGINE_BENCH = built('kv_bench')
PAGE = page_of('benchmarks')

# What Apache CouchDB 3.5 did on a machine of this kind, a second: for orientation.
COUCHDB = {'bulk_1': 22000, 'put_32': 1300, 'get_32': 3000, 'all_docs_include': 19000, 'changes': 51000}


class HttpBench(Bench):
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
    arguments = parse_arguments(__doc__, PAGE, programs=[ENGINE_BENCH], more=[
        ('--json', {'metavar': 'FILE', 'help': 'also write the figures as JSON'})])
    documents, seconds, databases = (20_000, 1, 500) if arguments.quick else (200_000, 5, 10_000)
    say('The engine alone ...')
    engine = engine_rates(0.2 if arguments.quick else 2)
    with measured_folder() as folder, Server(data_dir=folder / 'data', config=logging_to(folder / 'access.log')) as server:
        rows = measure(HttpBench(server, documents, seconds, databases), engine, say)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1) + '\n', encoding='utf-8')
    finish(arguments, PAGE, page(rows, documents))


if __name__ == '__main__':
    main()
