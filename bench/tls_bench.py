#!/usr/bin/env python3
"""Measures GETs of documents on kept connections over TLS, against the same over plain HTTP in the same run.

  ./dev bench tls_bench                       a minute
  bench/tls_bench.py --quick                  a glance
  bench/tls_bench.py --check                  fails where an aim is missed
  bench/tls_bench.py --write                  also writes docs/tls-benchmarks.md
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
from http_bench import BINARY, ROOT, Bench, Server  # noqa: E402
from harness.tls import Certificates  # noqa: E402

PAGE = ROOT / 'docs' / 'tls-benchmarks.md'
AIM = 0.4
CONNECTIONS = (1, 32)


def measure(bench, progress):
    """Rows of the table: (name, plain, TLS), requests a second. The two take turns: the machine is noisy."""
    rows = []
    for connections in CONNECTIONS:
        rates = {bench.server.origin: [], bench.server.tls_origin: []}
        for _ in range(http_bench.ROUNDS):
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
             'Made by `bench/tls_bench.py --write` on ' + http_bench.machine() + '.',
             'Server and client (wrk) share the machine, so the client\'s half of the encryption is in the figures, too.',
             'TLS 1.3 with AES-256-GCM and a key of P-256, connections are kept; {:,} documents of 600 bytes. The machine is'
             .format(documents), 'noisy: read the ratios, which are to plain HTTP in the same run.', '',
             '| Operation | Plain | TLS | Ratio | Aim |', '| --- | ---: | ---: | ---: | ---: |']
    for name, plain, tls in rows:
        lines.append('| %s | %s requests/s | %s requests/s | %.2f | %.2f |' % (
            name, '{:,.0f}'.format(plain), '{:,.0f}'.format(tls), tls / plain, AIM))
    return '\n'.join(lines) + '\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='small and short')
    parser.add_argument('--check', action='store_true', help='fail where an aim is missed')
    parser.add_argument('--write', action='store_true', help='write docs/tls-benchmarks.md')
    arguments = parser.parse_args()
    if not BINARY.exists():
        raise SystemExit('%s is not built: ./dev build' % BINARY)
    if not shutil.which('wrk'):
        raise SystemExit('wrk is not installed: scripts/install dev')
    documents, seconds = (20_000, 1) if arguments.quick else (100_000, 5)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='divan-bench-', dir=os.environ.get('DIVAN_BENCH_DIR', '/var/tmp')))
    try:
        make = Certificates(folder)
        certificate = make.issue('server', make.authority())
        config = ('[log]\nwriter = file\nfile = %s/access.log\n[ssl]\nenable = true\nport = 0\ncert_file = %s\nkey_file = %s\n'
                  % (folder, certificate.certificate, certificate.key))
        with Server(data_dir=folder / 'data', config=config) as server:
            bench = Bench(server, documents, seconds, 0)
            bench.bulk(1)
            rows = measure(bench, lambda line: print(line, flush=True))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.write:
        PAGE.write_text(page(rows, documents), encoding='utf-8')
    missed = [name for name, plain, tls in rows if tls < AIM * plain]
    if arguments.check and missed:
        raise SystemExit('missed: ' + '; '.join(missed))


if __name__ == '__main__':
    main()
