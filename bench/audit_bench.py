#!/usr/bin/env python3
"""Measures what it costs to record every write in the audit log: the same writes with and without, in one run.

  ./dev bench audit_bench                     some minutes
  bench/audit_bench.py --quick                a glance
  bench/audit_bench.py --check                fails where the aim is missed
  bench/audit_bench.py --write                also writes docs/audit-benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk of the data; default /var/tmp
"""
import argparse
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import http_bench  # noqa: E402
from http_bench import BINARY, ROOT, Bench  # noqa: E402

from harness.audit import AuditedServer  # noqa: E402
from harness.server import Server  # noqa: E402

PAGE = ROOT / 'docs' / 'audit-benchmarks.md'
AIM = 0.85  # of the rate without
CONNECTIONS = 8
ROUNDS = 5


def rates(benches, measure, rounds):
    """{name: median rate}, and the median of the rounds' ratios; the servers take turns: the machine is noisy."""
    found = {name: [] for name in benches}
    for number in range(rounds):
        # Who comes first changes, too.
        for name in list(benches)[::1 if number % 2 else -1]:
            found[name].append(measure(benches[name]))
    ratio = statistics.median(with_log / without for with_log, without in zip(found['all writes'], found['none']))
    return {name: statistics.median(values) for name, values in found.items()}, ratio


def put_rate(bench):
    result = bench.wrk('put_document', CONNECTIONS)
    return result['requests'] / result['seconds']


def bulk_rate(bench):
    rate = bench.bulk(CONNECTIONS)
    bench.call('DELETE', '/bench%d' % CONNECTIONS)
    return rate


def measure(benches, rounds, progress):
    rows = []
    for name, unit, one in (('PUT of a new document', 'requests/s', put_rate),
                            ('`_bulk_docs` of 1,000', 'documents/s', bulk_rate)):
        medians, ratio = rates(benches, one, rounds)
        rows.append((name, unit, medians, ratio))
        progress('%-24s without %10s, with %10s %s, ratio %.2f' % (
            name, '{:,.0f}'.format(medians['none']), '{:,.0f}'.format(medians['all writes']), unit, ratio))
    return rows


def page(rows, documents, rounds):
    lines = ['# Benchmarks of the audit log', '',
             'Made by `bench/audit_bench.py --write` on ' + http_bench.machine() + '.',
             'Every write of a document is recorded (`[audit] events = document_write`), against a server that records',
             'nothing; {} connections, documents of 600 bytes, {:,} of them in `_bulk_docs`. Both servers and the client'
             .format(CONNECTIONS, documents),
             'share the machine, every write is synced before it is answered. Medians of {} rounds in which the servers'
             .format(rounds),
             'took turns; the ratio is the median of the ratios of the rounds. The machine is noisy: read the ratios, not the',
             'figures. The aim: %.2f.' % AIM, '',
             '| Operation | Without | With | Ratio |', '| --- | ---: | ---: | ---: |']
    for name, unit, medians, ratio in rows:
        lines.append('| %s | %s %s | %s %s | %.2f |' % (
            name, '{:,.0f}'.format(medians['none']), unit, '{:,.0f}'.format(medians['all writes']), unit, ratio))
    return '\n'.join(lines) + '\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='small and short')
    parser.add_argument('--check', action='store_true', help='fail where the aim is missed')
    parser.add_argument('--write', action='store_true', help='write docs/audit-benchmarks.md')
    arguments = parser.parse_args()
    if not BINARY.exists():
        raise SystemExit('%s is not built: ./dev build release' % BINARY)
    if not shutil.which('wrk'):
        raise SystemExit('wrk is not installed: scripts/install dev')
    documents, seconds, rounds = (40_000, 2, 3) if arguments.quick else (200_000, 5, ROUNDS)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='divan-bench-', dir=os.environ.get('DIVAN_BENCH_DIR', '/var/tmp')))
    log = '[log]\nwriter = file\nfile = %s/access-%s.log\n'
    try:
        with Server(data_dir=folder / 'plain', config=log % (folder, 'plain')) as plain, \
                AuditedServer('events = document_write', config=log % (folder, 'audited'),
                              data_dir=folder / 'audited') as audited:
            benches = {'none': Bench(plain, documents, seconds, 0), 'all writes': Bench(audited, documents, seconds, 0)}
            for bench in benches.values():
                bench.call('PUT', '/bench')
            rows = measure(benches, rounds, lambda line: print(line, flush=True))
            audited.stop()
            status, found = audited.verify()
            if status != 0:
                raise SystemExit('the log is not whole: %s' % found)
            print('{:,} records, verified'.format(found['records']))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.write:
        PAGE.write_text(page(rows, documents, rounds), encoding='utf-8')
    if arguments.check and any(ratio < AIM for _, _, _, ratio in rows):
        raise SystemExit('the aim of %.2f is missed' % AIM)


if __name__ == '__main__':
    main()
