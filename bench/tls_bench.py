#!/usr/bin/env python3
"""Measures GETs of documents on kept connections over TLS, against the same over plain HTTP in the same run.

  ./dev bench tls_bench                       a minute
  bench/tls_bench.py --quick                  a glance
  bench/tls_bench.py --check                  fails where an aim is missed
  bench/tls_bench.py --write                  also writes docs/tls-benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk of the data; default /var/tmp
"""
import statistics

from measuring import (ROUNDS, Bench, Server, finish, logging_to, machine, measured_folder, page_of, parse_arguments,
                       say)

from harness.tls import Certificates

PAGE = page_of('tls-benchmarks')
AIM = 0.4
CONNECTIONS = (1, 32)


def measure(bench, progress):
    """Rows of the table: (name, plain, TLS), requests a second. The two take turns: the machine is noisy."""
    rows = []
    for connections in CONNECTIONS:
        rates = {bench.server.origin: [], bench.server.tls_origin: []}
        for _ in range(ROUNDS):
            for origin, found in rates.items():
                result = bench.wrk('get_document', connections, origin=origin)
                found.append(result['requests'] / result['seconds'])
        plain, tls = (statistics.median(found) for found in rates.values())
        name = 'GET of a document, %d connection%s' % (connections, 's' if connections > 1 else '')
        rows.append((name, plain, tls))
        progress('%-36s plain %8s, TLS %8s requests/s, ratio %.2f (aim %.2f)' % (
            name, '{:,.0f}'.format(plain), '{:,.0f}'.format(tls), tls / plain, AIM))
    return rows


def page(rows, documents):
    lines = ['# Benchmarks of TLS', '',
             'Made by `bench/tls_bench.py --write` on ' + machine() + '.',
             'Server and client (wrk) share the machine, so the client\'s half of the encryption is in the figures, too.',
             'TLS 1.3 with AES-256-GCM and a key of P-256, connections are kept; {:,} documents of 600 bytes. The machine is'
             .format(documents), 'noisy: read the ratios, which are to plain HTTP in the same run.', '',
             '| Operation | Plain | TLS | Ratio | Aim |', '| --- | ---: | ---: | ---: | ---: |']
    for name, plain, tls in rows:
        lines.append('| %s | %s requests/s | %s requests/s | %.2f | %.2f |' % (
            name, '{:,.0f}'.format(plain), '{:,.0f}'.format(tls), tls / plain, AIM))
    return '\n'.join(lines) + '\n'


def main():
    arguments = parse_arguments(__doc__, PAGE, aims=True)
    documents, seconds = (20_000, 1) if arguments.quick else (100_000, 5)
    with measured_folder() as folder:
        make = Certificates(folder)
        certificate = make.issue('server', make.authority())
        config = logging_to(folder / 'access.log') + '[ssl]\nenable = true\nport = 0\ncert_file = %s\nkey_file = %s\n' % (
            certificate.certificate, certificate.key)
        with Server(data_dir=folder / 'data', config=config) as server:
            bench = Bench(server, documents, seconds, 0)
            bench.bulk(1)
            rows = measure(bench, say)
    finish(arguments, PAGE, page(rows, documents), [name for name, plain, tls in rows if tls < AIM * plain])


if __name__ == '__main__':
    main()
