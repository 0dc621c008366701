#!/usr/bin/env python3
"""Measures Mango queries through HTTP, and in the same run reading documents without a server.

  ./dev bench mango_bench                     1,000,000 documents, some minutes
  bench/mango_bench.py --quick                a glance
  bench/mango_bench.py --write                also writes docs/mango-benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk that is measured; default /var/tmp
"""
import json
import random
import time

from measuring import Server, built, finish, logging_to, machine, measured_folder, page_of, parse_arguments, say
from view_bench import DOCUMENTS_OPTION, ViewBench, alone

SCAN_BENCH = built('scan_bench')
PAGE = page_of('mango-benchmarks')
DOCUMENTS_PER_CUSTOMER = 25  # load.lua knows it, too
INDEXES = {'by_customer': ['customer'], 'by_customer_total': ['customer', 'total'], 'by_date': ['date'],
           'by_status_total': ['status', 'total'], 'by_status': ['status'], 'by_sku': ['items.[].sku']}
# What Apache CouchDB 3.5 did on a machine of this kind, a second: for orientation.
COUCHDB = {'scan': 27_000, 'build': 15_500, 'find': 286, 'covered': 286}
AIMS = {'scan': 20, 'build': 10, 'find': 15, 'covered': 50}


class MangoBench(ViewBench):
    documents_per_customer = DOCUMENTS_PER_CUSTOMER

    def find(self, query):
        """Seconds, and the answer."""
        started = time.monotonic()
        answer = self.call('POST', '/bench/_find', json.dumps(query))
        return time.monotonic() - started, answer

    def seconds_of(self, query):
        return self.median_rate(lambda: self.find(query)[0])

    def build_index(self, name):
        """Documents a second until a query by the index is answered."""
        selector = {field: {'$gt': None} for field in INDEXES[name]}
        if name == 'by_sku':
            selector = {'items': {'$elemMatch': {'sku': 'sku-7'}}}
        started = time.monotonic()
        self.call('POST', '/bench/_index', json.dumps({'index': {'fields': INDEXES[name]}, 'ddoc': name, 'name': name}))
        self.find({'selector': selector, 'use_index': name, 'limit': 1})
        return self.documents / (time.monotonic() - started)


def measure(bench, reading, progress):
    rows = []

    def add(key, name, rate, unit, alone_rate=None, note=''):
        rows.append({'key': key, 'name': name, 'rate': rate, 'unit': unit, 'alone': alone_rate,
                     'couchdb': COUCHDB.get(key), 'note': note})
        progress('%-60s %12s %s%s' % (name, '{:,.1f}'.format(rate), unit, ', ' + note if note else ''))

    bench.fill()
    scan = bench.seconds_of({'selector': {'total': -1}})
    add('scan', 'Scan of all documents, one condition', bench.documents / scan, 'documents/s', reading)
    scan = bench.seconds_of({'selector': {'total': {'$lt': 0}, 'status': {'$in': ['new', 'paid']},
                                          'items': {'$elemMatch': {'sku': 'sku-7'}}}})
    add('scan_three', 'Scan of all documents, three conditions', bench.documents / scan, 'documents/s', reading)
    add('build', 'Building an index of one field', bench.build_index('by_customer'), 'documents/s')
    for name in ('by_customer_total', 'by_date', 'by_status_total', 'by_status', 'by_sku'):
        add('build_' + name, 'Building an index of ' + ', '.join(INDEXES[name]), bench.build_index(name), 'documents/s')
    for key, operation, name in (
            ('find', 'mango_find', 'Indexed find of %d documents, 32 connections' % DOCUMENTS_PER_CUSTOMER),
            ('covered', 'mango_covered', 'Covered find of %d rows, 32 connections' % DOCUMENTS_PER_CUSTOMER),
            ('sort', 'mango_sort', 'Newest 25 documents of a day, by index, 32 connections'),
            ('count', 'mango_count', 'Count of a tenth of an index, 32 connections')):
        rate, note = bench.wrk_rates(operation, 32)
        add(key, name, rate, 'requests/s', None, note)
    for key, name, query in (
            ('memory_sort', 'Sort of all documents in memory, the first 25',
             {'selector': {}, 'sort': [{'note': 'asc'}, {'total': 'desc'}], 'sort_in_memory': True}),
            ('group', 'Sum and count of all documents in four groups, by index',
             {'selector': {'total': {'$gt': 0}}, 'group_by': ['status'],
              'aggregate': {'orders': 'count', 'revenue': {'sum': 'total'}}}),
            ('group_count', 'Count of all documents in four groups, by index',
             {'selector': {}, 'group_by': ['status'], 'aggregate': {'orders': 'count'}}),
            ('group_scan', 'Sum of all documents in 5 groups, without an index',
             {'selector': {}, 'group_by': ['items.0.count'], 'aggregate': {'revenue': {'sum': 'total'}}}),
            ('distinct', 'Distinct values of an indexed field, four of them', {'selector': {}, 'distinct': 'status'}),
            ('elements', 'Documents with an element of an array, by index, 25 of them',
             {'selector': {'items': {'$elemMatch': {'sku': 'sku-7'}}}})):
        add(key, name, bench.seconds_of(query) * 1000, 'ms')
    return rows


def page(rows, documents):
    lines = [
        '# Benchmarks of Mango queries', '',
        'Made by `bench/mango_bench.py --write` on ' + machine() + '.',
        'Server and clients share the machine. {:,} documents of about 300 bytes.'.format(documents), '',
        '"Reading alone" reads documents of this size from RocksDB as texts, without a server',
        '(`bench/scan_bench.cc`), in the same run; the machine is noisy: read the ratios.', '',
        '| Operation | Divan | Reading alone | Ratio | CouchDB 3.5 | Ratio | Aim |',
        '| --- | ---: | ---: | ---: | ---: | ---: | ---: |']
    for row in rows:
        cells = [row['name'], '{:,.{}f} {}'.format(row['rate'], 1 if row['unit'] == 'ms' else 0, row['unit'])]
        for other in ('alone', 'couchdb'):
            cells += ['{:,.0f}'.format(row[other]), '%.2f' % (row['rate'] / row[other])] if row[other] else ['', '']
        cells.append(str(AIMS.get(row['key'], '')))
        lines.append('| %s |' % ' | '.join(cells))
    lines += ['', 'Times of single requests:', '']
    lines += ['- %s: %s' % (row['name'], row['note']) for row in rows if row['note']]
    lines += ['', 'The figures of CouchDB were measured on a machine of the same kind at another time: for orientation',
              'only. Covered finds are compared with its find of as many documents.', '']
    return '\n'.join(line.rstrip() for line in lines)


def main():
    arguments = parse_arguments(__doc__, PAGE, programs=[SCAN_BENCH], more=[DOCUMENTS_OPTION])
    documents, seconds = (50_000, 1) if arguments.quick else (1_000_000, 5)
    documents = arguments.documents or documents
    random.seed(1)
    say('Reading alone ...')
    reading = alone(SCAN_BENCH, ['ScanTexts'], 0.2 if arguments.quick else 2)
    with measured_folder() as folder, Server(data_dir=folder / 'data', config=logging_to(folder / 'access.log')) as server:
        rows = measure(MangoBench(server, documents, seconds, 0), next(iter(reading.values())), say)
    finish(arguments, PAGE, page(rows, documents))


if __name__ == '__main__':
    main()
