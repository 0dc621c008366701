#!/usr/bin/env python3
"""Measures reading a database as a user whom a document rule binds, against one whom none binds. The rule shows all
documents, so that both get the same.

  ./dev bench rules_bench                     two minutes
  bench/rules_bench.py --quick                a glance
  bench/rules_bench.py --check                fails where an aim is missed
  bench/rules_bench.py --write                also writes docs/rules-benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk of the data; default /var/tmp
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import http_bench  # noqa: E402
from http_bench import BINARY, ROOT, Bench, Server  # noqa: E402

PAGE = ROOT / 'docs' / 'rules-benchmarks.md'
PASSWORD = 'correct horse'
RULE = {'type': 'document_rule', 'databases': ['bench'], 'roles': ['bound'], 'permissions': ['read', 'write'],
        'filter': {'active': True}}
# What is measured: name, aim of the ratio.
AIMS = {'GET of a document, 32 connections': 0.6, '_changes, whole': 0.6, '_all_docs with documents': 0.6,
        '_find by an index, 32 connections': 0.5, 'PUT of a document, 32 connections': None}


def login(name):
    return 'Basic ' + base64.b64encode(('%s:%s' % (name, PASSWORD)).encode()).decode()


def prepare(bench):
    bench.bulk(1)
    bench.call('PUT', '/bench/_security', json.dumps({}))
    bench.call('POST', '/bench/_index', json.dumps({'index': {'fields': ['number']}, 'name': 'by_number', 'ddoc': 'n'}))
    bench.call('POST', '/bench/_find', json.dumps({'selector': {'number': 1}}))
    bench.call('PUT', '/_policies')
    bench.call('PUT', '/_policies/rule', json.dumps(RULE))
    for name, roles in (('free', []), ('bound', ['bound'])):
        bench.call('PUT', '/_users/org.couchdb.user:' + name, json.dumps(
            {'type': 'user', 'name': name, 'roles': roles, 'password': PASSWORD}))


def rate_of(bench, what):
    if what == '_changes, whole':
        return bench.stream_rate('/bench/_changes', bench.documents)
    if what == '_all_docs with documents':
        return bench.stream_rate('/bench/_all_docs?include_docs=true', bench.documents)
    operation = {'G': 'get_document', '_': 'find_number', 'P': 'put_document'}[what[0]]
    result = bench.wrk(operation, 32)
    return result['requests'] / result['seconds']


def measure(bench, progress):
    """{what: (rate without, rate with)}. The users take turns: the machine is noisy."""
    found = {}
    for what, aim in AIMS.items():
        rates = {'free': [], 'bound': []}
        for _ in range(http_bench.ROUNDS):
            for name, rounds in rates.items():
                bench.authorization = login(name)
                bench.login = ('Authorization', bench.authorization)
                rounds.append(rate_of(bench, what))
        free, bound = (statistics.median(rates[name]) for name in ('free', 'bound'))
        found[what] = (free, bound)
        progress('%-36s %10s to %10s a second: %.2f%s' % (
            what, '{:,.0f}'.format(free), '{:,.0f}'.format(bound), bound / free, ' (aim %.1f)' % aim if aim else ''))
    return found


def page(found, documents):
    lines = ['# Benchmarks of document rules', '', 'Made by `bench/rules_bench.py --write` on ' + http_bench.machine() + '.',
             'A user whom a document rule binds, to one whom none binds, in the same database of {:,} documents of 600'.format(
                 documents),
             'bytes. The rule (`{"active": true}`) shows all of them, so both get the same. Server and client share the machine,',
             'which is noisy: read the ratios, which are of the same run.', '',
             '| What | Without | With | Ratio | Aim |', '| --- | ---: | ---: | ---: | ---: |']
    for what, (free, bound) in found.items():
        lines.append('| %s | %s/s | %s/s | %.2f | %s |' % (
            what, '{:,.0f}'.format(free), '{:,.0f}'.format(bound), bound / free, AIMS[what] or ''))
    return '\n'.join(lines) + '\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='small and short')
    parser.add_argument('--check', action='store_true', help='fail where an aim is missed')
    parser.add_argument('--write', action='store_true', help='write docs/rules-benchmarks.md')
    arguments = parser.parse_args()
    if not BINARY.exists():
        raise SystemExit('%s is not built: ./dev build' % BINARY)
    if not shutil.which('wrk'):
        raise SystemExit('wrk is not installed: scripts/install dev')
    documents, seconds = (20_000, 1) if arguments.quick else (100_000, 4)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='divan-bench-', dir=os.environ.get('DIVAN_BENCH_DIR', '/var/tmp')))
    try:
        config = '[log]\nwriter = file\nfile = %s/access.log\n' % folder
        with Server(data_dir=folder / 'data', config=config) as server:
            bench = Bench(server, documents, seconds, 0)
            prepare(bench)
            found = measure(bench, lambda line: print(line, flush=True))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.write:
        PAGE.write_text(page(found, documents), encoding='utf-8')
    missed = [what for what, (free, bound) in found.items() if AIMS[what] and bound < AIMS[what] * free]
    if arguments.check and missed:
        raise SystemExit('missed: ' + ', '.join(missed))


if __name__ == '__main__':
    main()
