#!/usr/bin/env python3
"""Measures a database as a user whom a document rule binds, then a field rule, each against a user whom none binds. The
document rule shows all documents, so that both get the same; the field rule hides a field of each.

  ./dev bench rules_bench                     four minutes
  bench/rules_bench.py --quick                a glance
  bench/rules_bench.py --check                fails where an aim is missed
  bench/rules_bench.py --write                also writes docs/rules-benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk of the data; default /var/tmp
"""
import base64
import json
import statistics

from measuring import (ROUNDS, Bench, Server, finish, logging_to, machine, measured_folder, page_of, parse_arguments,
                       say)

PAGE = page_of('rules-benchmarks')
PASSWORD = 'correct horse'
RULES = {
    'document rule': {'type': 'document_rule', 'databases': ['bench'], 'roles': ['bound'],
                      'permissions': ['read', 'write'], 'filter': {'active': True}},
    # Not of those that PUT writes: nobody may set what is hidden.
    'field rule': {'type': 'field_rule', 'databases': ['bench'], 'roles': ['bound'], 'hide': ['name'],
                   'filter': {'_id': {'$lt': 'e'}}},
}
MEASURED = ('GET of a document, 32 connections', '_changes, whole', '_all_docs with documents',
            '_find by an index, 32 connections', 'PUT of a document, 32 connections')
# Of the ratios, by rule.
AIMS = {'document rule': {MEASURED[0]: 0.6, MEASURED[1]: 0.6, MEASURED[2]: 0.6, MEASURED[3]: 0.5}}


def login(name):
    return 'Basic ' + base64.b64encode(('%s:%s' % (name, PASSWORD)).encode()).decode()


def prepare(bench):
    bench.bulk(1)
    bench.call('PUT', '/bench/_security', json.dumps({}))
    bench.call('POST', '/bench/_index', json.dumps({'index': {'fields': ['number']}, 'name': 'by_number', 'ddoc': 'n'}))
    bench.call('POST', '/bench/_find', json.dumps({'selector': {'number': 1}}))
    bench.call('PUT', '/_policies')
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


def measure(bench, rule, progress):
    """{what: (rate without, rate with)}. The users take turns: the machine is noisy."""
    rev = bench.call('PUT', '/_policies/rule', json.dumps(RULES[rule]))['rev']
    found = {}
    for what in MEASURED:
        rates = {'free': [], 'bound': []}
        for _ in range(ROUNDS):
            for name, rounds in rates.items():
                bench.authorization = login(name)
                bench.login = ('Authorization', bench.authorization)
                rounds.append(rate_of(bench, what))
        free, bound = (statistics.median(rates[name]) for name in ('free', 'bound'))
        found[what] = (free, bound)
        aim = AIMS.get(rule, {}).get(what)
        progress('%-14s %-36s %10s to %10s a second: %.2f%s' % (
            rule, what, '{:,.0f}'.format(free), '{:,.0f}'.format(bound), bound / free, ' (aim %.1f)' % aim if aim else ''))
    bench.call('DELETE', '/_policies/rule?rev=' + rev)
    return found


def page(found, documents):
    lines = ['# Benchmarks of rules', '', 'Made by `bench/rules_bench.py --write` on ' + machine() + '.',
             'A user whom a rule binds, to one whom none binds, in the same database of {:,} documents of 600 bytes. The'.format(
                 documents),
             'document rule (`{"active": true}`) shows all of them, so both get the same; the field rule hides one field of each.',
             'Server and client share the machine, which is noisy: read the ratios, which are of the same run.', '',
             '| Rule | What | Without | With | Ratio | Aim |', '| --- | --- | ---: | ---: | ---: | ---: |']
    for rule, rates in found.items():
        for what, (free, bound) in rates.items():
            lines.append('| %s | %s | %s/s | %s/s | %.2f | %s |' % (
                rule, what, '{:,.0f}'.format(free), '{:,.0f}'.format(bound), bound / free,
                AIMS.get(rule, {}).get(what, '')))
    return '\n'.join(lines) + '\n'


def main():
    arguments = parse_arguments(__doc__, PAGE, aims=True)
    documents, seconds = (20_000, 1) if arguments.quick else (100_000, 4)
    with measured_folder() as folder, Server(data_dir=folder / 'data', config=logging_to(folder / 'access.log')) as server:
        bench = Bench(server, documents, seconds, 0)
        prepare(bench)
        found = {rule: measure(bench, rule, say) for rule in RULES}
    finish(arguments, PAGE, page(found, documents), [
        what for rule, aims in AIMS.items() for what, aim in aims.items()
        if found[rule][what][1] < aim * found[rule][what][0]])


if __name__ == '__main__':
    main()
