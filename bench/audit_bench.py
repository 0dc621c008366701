#!/usr/bin/env python3
"""Measures what it costs to record every write in the audit log: the same writes with and without, in one run.

  ./dev bench audit_bench                     some minutes
  bench/audit_bench.py --quick                a glance
  bench/audit_bench.py --check                fails where the aim is missed
  bench/audit_bench.py --write                also writes docs/audit-benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk of the data; default /var/tmp
"""
import statistics

from measuring import Bench, Server, finish, logging_to, machine, measured_folder, page_of, parse_arguments, say

from harness.audit import AuditedServer

PAGE = page_of('audit-benchmarks')
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
             'Made by `bench/audit_bench.py --write` on ' + machine() + '.',
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
    arguments = parse_arguments(__doc__, PAGE, aims=True)
    documents, seconds, rounds = (40_000, 2, 3) if arguments.quick else (200_000, 5, ROUNDS)
    with measured_folder() as folder, \
            Server(data_dir=folder / 'plain', config=logging_to(folder / 'access-plain.log')) as plain, \
            AuditedServer('events = document_write', config=logging_to(folder / 'access-audited.log'),
                          data_dir=folder / 'audited') as audited:
        benches = {'none': Bench(plain, documents, seconds, 0), 'all writes': Bench(audited, documents, seconds, 0)}
        for bench in benches.values():
            bench.call('PUT', '/bench')
        rows = measure(benches, rounds, say)
        audited.stop()
        status, found = audited.verify()
        if status != 0:
            raise SystemExit('the log is not whole: %s' % found)
        say('{:,} records, verified'.format(found['records']))
    finish(arguments, PAGE, page(rows, documents, rounds), [name for name, _, _, ratio in rows if ratio < AIM])


if __name__ == '__main__':
    main()
