#!/usr/bin/env python3
"""Measures views through HTTP, and in the same run the storage engine alone and JavaScript alone.

  ./dev bench view_bench                      1,000,000 documents, some minutes
  bench/view_bench.py --quick                 a glance
  bench/view_bench.py --write                 also writes docs/view-benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk that is measured; default /var/tmp
"""
import json
import random
import subprocess
import time

from http_bench import ENGINE_BENCH
from measuring import Bench, Server, built, finish, logging_to, machine, measured_folder, page_of, parse_arguments, say

SCRIPT_BENCH = built('script_bench')
PAGE = page_of('view-benchmarks')
BATCH_DOCUMENTS = 2000
DOCUMENTS_OPTION = ('--documents', {'type': int, 'help': 'how many; default 1,000,000'})
ROWS_PER_CUSTOMER = 5  # load.lua knows it, too
VIEWS = {
    'one': {'by_status': {'map': 'function (doc) { emit(doc.status, 1); }'}},
    'three': {
        'by_customer': {'map': 'function (doc) { emit(doc.customer, doc.total); }', 'reduce': '_sum'},
        'by_date': {'map': 'function (doc) { emit(doc.date, doc.total); }',
                    'reduce': 'function (keys, values) { return sum(values); }'},
        'by_status': {'map': 'function (doc) { emit(doc.status, 1); }', 'reduce': '_count'}}}
# What Apache CouchDB 3.5 did on a machine of this kind, a second: for orientation.
COUCHDB = {'three': 6400, 'point': 2500, 'range': 1000}


def order(number, customers):
    """A document of about 300 bytes."""
    return {'_id': 'doc-%08d' % number, 'type': 'order', 'status': random.choice(['new', 'paid', 'sent', 'done']),
            'total': random.randint(1, 1000), 'customer': 'customer-%06d' % random.randrange(customers),
            'date': [2026, random.randint(1, 12), random.randint(1, 28)],
            'items': [{'sku': 'sku-%d' % random.randrange(500), 'count': random.randint(1, 5)} for _ in range(3)],
            'note': 'x' * 60}


class ViewBench(Bench):
    documents_per_customer = ROWS_PER_CUSTOMER

    def fill(self):
        self.call('PUT', '/bench')
        for first in range(0, self.documents, BATCH_DOCUMENTS):
            numbers = range(first, min(first + BATCH_DOCUMENTS, self.documents))
            docs = [order(number, self.documents // self.documents_per_customer) for number in numbers]
            self.call('POST', '/bench/_bulk_docs', json.dumps({'docs': docs}))

    def update(self, design):
        """Seconds until the views of a design document are as new as the database."""
        view = next(iter(VIEWS[design]))
        started = time.monotonic()
        self.call('GET', '/bench/_design/%s/_view/%s?reduce=false&limit=1' % (design, view))
        return time.monotonic() - started

    def build(self, design):
        """Documents a second."""
        self.call('PUT', '/bench/_design/' + design, json.dumps({'views': VIEWS[design], 'autoupdate': False}))
        return self.documents / self.update(design)

    def increment(self, design):
        """Documents a second, when one in a hundred has changed."""
        numbers = random.sample(range(self.documents), self.documents // 100)
        for first in range(0, len(numbers), BATCH_DOCUMENTS):
            asked = [{'id': 'doc-%08d' % number} for number in numbers[first:first + BATCH_DOCUMENTS]]
            found = self.call('POST', '/bench/_bulk_get', json.dumps({'docs': asked}))['results']
            docs = [{**row['docs'][0]['ok'], 'total': random.randint(1, 1000)} for row in found]
            self.call('POST', '/bench/_bulk_docs', json.dumps({'docs': docs}))
        return len(numbers) / self.update(design)


def alone(program, names, seconds):
    """Items a second of benchmarks without a server."""
    done = subprocess.run([program, '--benchmark_format=json', '--benchmark_min_time=%g' % seconds,
                           '--benchmark_filter=(%s)' % '|'.join(names)],
                          capture_output=True, text=True, check=True)
    return {entry['name'].removeprefix('Fixture/').split('/real_time')[0]: entry['items_per_second']
            for entry in json.loads(done.stdout)['benchmarks']}


def measure(bench, engine, script, progress):
    rows = []

    def add(key, name, rate, unit, engine_rate=None, script_rate=None, note=''):
        rows.append({'key': key, 'name': name, 'rate': rate, 'unit': unit, 'engine': engine_rate,
                     'script': script_rate, 'couchdb': COUCHDB.get(key), 'note': note})
        progress('%-52s %12s %s%s' % (name, '{:,.0f}'.format(rate), unit, ', ' + note if note else ''))

    bench.fill()
    # A document is one row for each view and what it has in the index.
    staged = engine['StageViewRows/1']
    add('one', 'Building one simple map', bench.build('one'), 'documents/s', staged / 2, script['map_documents/1'])
    add('three', 'Building three views, a built-in and a JavaScript reduce', bench.build('three'), 'documents/s',
        staged / 4, script['map_documents/3'])
    add('increment', 'The same three, when 1 % of the documents changed', bench.increment('three'), 'documents/s',
        staged / 8, script['map_documents/3'])
    for key, operation, name, engine_name in (
            ('point', 'view_point', 'Point query of %d rows, 32 connections' % ROWS_PER_CUSTOMER, 'ScanOneRow/1'),
            ('range', 'view_range_reduce', '`_sum` of a tenth of the rows, 32 connections', 'ScanOneRow/1'),
            ('range_script', 'view_range_reduce_script', 'JavaScript reduce of many rows, 32 connections', None)):
        rate, note = bench.wrk_rates(operation, 32)
        add(key, name, rate, 'requests/s', engine.get(engine_name), None, note)
    for key, name, path in (
            ('group_level', '`group_level=2` of all rows by a JavaScript reduce', 'by_date?group_level=2'),
            ('group', '`group=true`, 10,000 of the groups, by `_sum`', 'by_customer?group=true&limit=10000'),
            ('skip', '`skip` over half of the rows', 'by_customer?reduce=false&limit=1&skip=%d' % (bench.documents // 2))):
        rate = bench.median_rate(lambda: timed(bench, '/bench/_design/three/_view/' + path))
        add(key, name, rate, 'ms')
    path = '/bench/_design/three/_view/by_customer?reduce=false'
    add('rows', 'All rows of a view', bench.median_rate(lambda: bench.stream_rate(path, bench.documents)), 'rows/s')
    return rows


def timed(bench, path):
    started = time.monotonic()
    bench.call('GET', path)
    return (time.monotonic() - started) * 1000


def page(rows, documents):
    lines = [
        '# Benchmarks of views', '',
        'Made by `bench/view_bench.py --write` on ' + machine() + '.',
        'Server and clients share the machine. {:,} documents of about 300 bytes.'.format(documents), '',
        '"Engine alone" writes as many rows as a document needs, without a sync, or makes one bounded scan',
        '(`bench/kv_bench.cc`); "JavaScript alone" maps documents of about the same size by one or three functions in a',
        'worker, batches and check of what it answers included (`bench/script_bench.cc`). All in one run; the machine is',
        'noisy: read the ratios.', '',
        '| Operation | Divan | Engine alone | Ratio | JavaScript alone | Ratio | CouchDB 3.5 | Ratio |',
        '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |']
    for row in rows:
        cells = [row['name'], '{:,.{}f} {}'.format(row['rate'], 1 if row['unit'] == 'ms' else 0, row['unit'])]
        for other in ('engine', 'script', 'couchdb'):
            cells += ['{:,.0f}'.format(row[other]), '%.2f' % (row['rate'] / row[other])] if row[other] else ['', '']
        lines.append('| %s |' % ' | '.join(cells))
    lines += ['', 'Times of single requests:', '']
    lines += ['- %s: %s' % (row['name'], row['note']) for row in rows if row['note']]
    lines += ['', 'The figures of CouchDB were measured on a machine of the same kind at another time: for orientation',
              'only.', '']
    return '\n'.join(line.rstrip() for line in lines)


def main():
    arguments = parse_arguments(__doc__, PAGE, programs=[ENGINE_BENCH, SCRIPT_BENCH], more=[DOCUMENTS_OPTION])
    documents, seconds = (50_000, 1) if arguments.quick else (1_000_000, 5)
    documents = arguments.documents or documents
    random.seed(1)
    say('The engine and JavaScript alone ...')
    engine = alone(ENGINE_BENCH, ['StageViewRows/1/', 'ScanOneRow/1/'], 0.2 if arguments.quick else 2)
    script = alone(SCRIPT_BENCH, ['map_documents/1/', 'map_documents/3/'], 0.2 if arguments.quick else 2)
    with measured_folder() as folder, Server(data_dir=folder / 'data', config=logging_to(folder / 'access.log')) as server:
        rows = measure(ViewBench(server, documents, seconds, 0), engine, script, say)
    finish(arguments, PAGE, page(rows, documents))


if __name__ == '__main__':
    main()
