#!/usr/bin/env python3
"""Measures replications, and _bulk_docs in the same run; and the memory that they take.

  ./dev bench replication_bench               100,000 documents, and 1,000,000 and 1 GB for the memory
  bench/replication_bench.py --quick          a glance
  bench/replication_bench.py --check          fails where an aim is missed
  bench/replication_bench.py --write          also writes docs/replication-benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk that is measured; default /var/tmp
"""
import json
import os
import threading
import time

from measuring import (BATCH_DOCUMENTS, TEXT, Bench, Server, finish, machine, measured_folder, page_of, parse_arguments,
                       say)

PAGE = page_of('replication-benchmarks')
SHARE = 100  # one document of so many passes the selector
SELECTOR_TURNS = 3
SETTLE_LOOKS_MAX = 100
ATTACHMENT_PIECE = os.urandom(1 << 20)
# Resident memory beyond that of the same server that stores the same documents by _bulk_docs.
MEMORY_BYTES_MAX = 200 << 20
# So that the caches of the engine are full when memory is looked at.
SMALL_ENGINE = '[divan]\nmemory_bytes_max = 134217728\n'


class ReplicationBench(Bench):
    def url(self, name):
        origin = self.server.origin.removeprefix('http://')
        return 'http://%s:%s@%s/%s' % (self.server.user, self.server.password, origin, name)

    def replicate(self, source, target, **more):
        """Seconds, and the newest entry of the history."""
        self.call('PUT', '/' + target.rsplit('/', 1)[-1])
        started = time.monotonic()
        answer = self.call('POST', '/_replicate', json.dumps({'source': source, 'target': target, **more}))
        return time.monotonic() - started, answer['history'][0]

    def again(self, source, target):
        started = time.monotonic()
        answer = self.call('POST', '/_replicate', json.dumps({'source': source, 'target': target}))
        assert answer['no_changes'], answer
        return time.monotonic() - started

    def fill_for_selector(self):
        self.call('PUT', '/selected')
        for first in range(0, self.documents, BATCH_DOCUMENTS):
            docs = [{'_id': 'doc-%08d' % number, 'group': number % SHARE, 'text': TEXT}
                    for number in range(first, first + BATCH_DOCUMENTS)]
            self.call('POST', '/selected/_bulk_docs', json.dumps({'docs': docs}))

    def processor_ticks(self):
        with open('/proc/%d/stat' % self.server.process.pid, encoding='ascii') as stat:
            fields = stat.read().rsplit(')', 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def settle(self):
        """Waits until the engine has nothing more to do for what was written before."""
        for _ in range(SETTLE_LOOKS_MAX):
            before = self.processor_ticks()
            time.sleep(0.3)
            if self.processor_ticks() - before <= 1:
                return

    def replicate_some(self, source, target):
        """The shortest times of a replication of everything and of one with the selector, by turns."""
        whole, some = [], []
        for turn in range(SELECTOR_TURNS):
            for times, name, more in ((whole, 'whole', {}), (some, 'some', {'selector': {'group': 0}})):
                self.settle()
                name = '%s-%s-%d' % (target, name, turn)
                took, entry = self.replicate(source, name, **more)
                assert entry['docs_written'] == self.documents // (SHARE if more else 1), entry
                times.append(took)
                self.call('DELETE', '/' + name)
        return min(whole), min(some)

    def put_attachment(self, name, size):
        """A document with an attachment of random bytes, streamed."""
        self.call('PUT', '/' + name)
        connection = self.connection()
        connection.putrequest('PUT', '/%s/large/data' % name)
        for header, value in (('Authorization', self.authorization), ('Content-Type', 'application/octet-stream'),
                              ('Content-Length', str(size))):
            connection.putheader(header, value)
        connection.endheaders()
        for _ in range(size // len(ATTACHMENT_PIECE)):
            connection.send(ATTACHMENT_PIECE)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 201:
            raise SystemExit('attachment: %d' % answer.status)

    def resident(self):
        for line in open('/proc/%d/status' % self.server.process.pid, encoding='ascii'):
            if line.startswith('RssAnon'):
                return int(line.split()[1]) * 1024
        return 0

    def largest_resident(self, work):
        """The most memory while something is done."""
        largest, done = [self.resident()], threading.Event()

        def look():
            while not done.wait(0.05):
                largest[0] = max(largest[0], self.resident())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            work()
        finally:
            done.set()
            watcher.join()
        return largest[0]


def rates(bench, progress):
    rows = []

    def add(key, name, rate, unit, reference=None, aim=None):
        ratio = rate / reference if reference else None
        rows.append({'key': key, 'name': name, 'rate': rate, 'unit': unit, 'ratio': ratio, 'aim': aim,
                     'met': aim is None or ratio >= aim})
        progress('%-62s %12s %s%s' % (name, '{:,.0f}'.format(rate), unit,
                                      ', ratio %.2f%s' % (ratio, ' (aim %.2f)' % aim if aim else '') if ratio else ''))

    count = bench.documents
    bulk = bench.bulk(1)
    add('bulk', '_bulk_docs of %d documents each, one connection' % BATCH_DOCUMENTS, bulk, 'documents/s')
    took, entry = bench.replicate('bench', 'local')
    assert entry['docs_written'] == count, entry
    add('local', 'One-shot, from a local database to a local one', count / took, 'documents/s', bulk, 1 / 2)
    took, entry = bench.replicate(bench.url('bench'), 'pulled')
    assert entry['docs_written'] == count, entry
    add('pull', 'One-shot, pulled over HTTP on loopback', count / took, 'documents/s', bulk, 1 / 3)
    took, entry = bench.replicate('bench', bench.url('pushed'))
    assert entry['docs_written'] == count, entry
    add('push', 'One-shot, pushed over HTTP on loopback', count / took, 'documents/s', bulk, 1 / 3)
    took, entry = bench.replicate(bench.url('bench'), bench.url('both'))
    add('both', 'One-shot, over HTTP at both ends', count / took, 'documents/s', bulk)
    took = bench.again('bench', 'local')
    add('again', 'The same once more: nothing to do', 1 / took, 'sessions/s')

    bench.fill_for_selector()
    whole, some = bench.replicate_some('selected', 'local')
    add('selector', 'Local, a selector that passes 1 % (documents looked at)', count / some, 'documents/s',
        count / whole, 10)
    whole, some = bench.replicate_some(bench.url('selected'), 'pulled')
    add('selector_pull', 'Pulled, a selector that passes 1 % (documents looked at)', count / some, 'documents/s',
        count / whole, 10)
    return rows


def memory(bench, documents, attachment_bytes, progress):
    rows = []

    def add(name, largest, base):
        grown = max(0, largest - base)
        rows.append({'key': 'memory', 'name': name, 'rate': grown / (1 << 20), 'unit': 'MiB more than before',
                     'ratio': None, 'aim': None, 'met': grown <= MEMORY_BYTES_MAX})
        progress('%-62s %12.0f MiB more than the %.0f before (bound %d)' % (
            name, grown / (1 << 20), base / (1 << 20), MEMORY_BYTES_MAX >> 20))

    bench.documents = documents
    bench.bulk(1)
    # The caches of the engine are full after this one.
    bench.replicate('bench', 'warm')
    base = bench.resident()
    add('%s documents, local' % '{:,}'.format(documents),
        bench.largest_resident(lambda: bench.replicate('bench', 'local')), base)
    add('%s documents, pulled' % '{:,}'.format(documents),
        bench.largest_resident(lambda: bench.replicate(bench.url('bench'), 'pulled')), base)
    bench.put_attachment('attached', attachment_bytes)
    base = bench.resident()
    size = 'an attachment of %d MiB' % (attachment_bytes >> 20)
    add(size + ', local', bench.largest_resident(lambda: bench.replicate('attached', 'attached1')), base)
    add(size + ', pulled', bench.largest_resident(lambda: bench.replicate(bench.url('attached'), 'attached2')), base)
    add(size + ', pushed', bench.largest_resident(lambda: bench.replicate('attached', bench.url('attached3'))), base)
    return rows


def page(rows, documents):
    lines = ['# Benchmarks of replication', '',
             'Made by `bench/replication_bench.py --write` on ' + machine() + '.',
             'One server is source, target and driver at once, and shares the machine with the client.',
             '{:,} documents of 600 bytes; every write is synced. The machine is noisy: read the ratios, which are to'
             .format(documents), '`_bulk_docs` in the same run; of selectors to the replication of all documents.', '',
             '| Replication | Figure | Ratio | Aim |', '| --- | ---: | ---: | ---: |']
    for row in rows:
        lines.append('| %s | %s %s | %s | %s |' % (
            row['name'], '{:,.0f}'.format(row['rate']), row['unit'],
            '%.2f' % row['ratio'] if row['ratio'] else '', '%.2f' % row['aim'] if row['aim'] else ''))
    return '\n'.join(lines) + '\n'


def main():
    arguments = parse_arguments(__doc__, PAGE, aims=True, wrk=False, more=[
        ('--no-memory', {'action': 'store_true', 'help': 'rates only'})])
    documents = 20_000 if arguments.quick else 100_000
    many, attachment = (100_000, 128 << 20) if arguments.quick else (1_000_000, 1 << 30)
    rows = []
    with measured_folder() as folder:
        def run(name, work, config=None):
            with Server(data_dir=folder / name, config=config) as server:
                rows.extend(work(ReplicationBench(server, documents, 1, 0)))

        run('rates', lambda bench: rates(bench, say))
        if not arguments.no_memory:
            run('memory', lambda bench: memory(bench, many, attachment, say), SMALL_ENGINE)
    finish(arguments, PAGE, page(rows, documents), [row['name'] for row in rows if not row['met']])


if __name__ == '__main__':
    main()
