#!/usr/bin/env python3
"""Measures GETs of documents on kept connections as a user of _users, by each way of logging in, against nobody's.

  ./dev bench login_bench                     two minutes
  bench/login_bench.py --quick                a glance
  bench/login_bench.py --check                fails where an aim is missed
  bench/login_bench.py --write                also writes docs/login-benchmarks.md
  DIVAN_BENCH_DIR=DIR                         the disk of the data; default /var/tmp
"""
import base64
import hashlib
import hmac
import http.client
import json
import statistics
import subprocess
import time

from measuring import (ROUNDS, Bench, Server, finish, logging_to, machine, measured_folder, page_of, parse_arguments,
                       say)

PAGE = page_of('login-benchmarks')
AIM = 0.8  # Basic to cookies
CONNECTIONS = (1, 32)
USER, PASSWORD = 'anna', 'correct horse'
SECRET = b'a secret of at least thirty-two bytes'


def base64_url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def token(header, sign):
    claims = {'sub': USER, 'exp': int(time.time()) + 3600, '_couchdb.roles': ['reader']}
    text = '.'.join(base64_url(json.dumps(part).encode()) for part in (header, claims))
    return '%s.%s' % (text, base64_url(sign(text.encode())))


def rsa_key(folder):
    """A key of 2,048 bits as a PEM file, and its public half as it stands in [jwt_keys]."""
    key = folder / 'key.pem'
    subprocess.run(['openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', key],
                   check=True, capture_output=True)
    public = subprocess.run(['openssl', 'pkey', '-in', key, '-pubout'], check=True, capture_output=True, text=True)
    return key, public.stdout.replace('\n', '\\n')


def session_cookie(server):
    connection = http.client.HTTPConnection(server.origin.removeprefix('http://'), timeout=60)
    connection.request('POST', '/_session', json.dumps({'name': USER, 'password': PASSWORD}),
                       {'Content-Type': 'application/json'})
    answer = connection.getresponse()
    answer.read()
    return answer.getheader('Set-Cookie').split(';')[0]


def ways(server, key):
    """{name: the header field that logs in}."""
    def rs256(text):
        return subprocess.run(['openssl', 'dgst', '-sha256', '-sign', key], input=text, check=True,
                              capture_output=True).stdout
    basic = base64.b64encode(('%s:%s' % (USER, PASSWORD)).encode()).decode()
    hs256 = token({'alg': 'HS256', 'kid': 'h'}, lambda text: hmac.new(SECRET, text, hashlib.sha256).digest())
    return {'nobody': ('Accept', '*/*'),
            'Basic': ('Authorization', 'Basic ' + basic),
            'session cookie': ('Cookie', session_cookie(server)),
            'JWT, HS256': ('Authorization', 'Bearer ' + hs256),
            'JWT, RS256': ('Authorization', 'Bearer ' + token({'alg': 'RS256', 'kid': 'r'}, rs256))}


def measure(bench, logins, progress):
    """Rows of the table: (connections, {way: requests a second}). The ways take turns: the machine is noisy."""
    rows = []
    for connections in CONNECTIONS:
        rates = {way: [] for way in logins}
        for _ in range(ROUNDS):
            for way, found in rates.items():
                bench.login = logins[way]
                result = bench.wrk('get_document', connections)
                found.append(result['requests'] / result['seconds'])
        medians = {way: statistics.median(found) for way, found in rates.items()}
        rows.append((connections, medians))
        for way, rate in medians.items():
            progress('%2d connections, %-15s %8s requests/s, to a cookie %.2f, to nobody %.2f' % (
                connections, way, '{:,.0f}'.format(rate), rate / medians['session cookie'], rate / medians['nobody']))
    return rows


def page(rows, documents):
    lines = ['# Benchmarks of logins', '',
             'Made by `bench/login_bench.py --write` on ' + machine() + '.',
             'GET of a document as a user of `_users` from a database that everybody may read, by each way of logging in; every request',
             'carries its login. Passwords are hashed with 600,000 iterations of PBKDF2; a login that was right is remembered, so',
             'that is paid once. Server and client (wrk) share the machine, connections are kept; {:,} documents of 600'.format(
                 documents),
             'bytes. The machine is noisy: read the ratios, which are of the same run. The aim: Basic has %.1f of what a cookie'
             % AIM, 'has.', '',
             '| Connections | Login | Rate | To a cookie | To nobody |', '| ---: | --- | ---: | ---: | ---: |']
    for connections, medians in rows:
        for way, rate in medians.items():
            lines.append('| %d | %s | %s requests/s | %.2f | %.2f |' % (
                connections, way, '{:,.0f}'.format(rate), rate / medians['session cookie'], rate / medians['nobody']))
    return '\n'.join(lines) + '\n'


def prepare(bench):
    """A user, and a database that everybody may read: nobody is measured, too."""
    bench.bulk(1)
    bench.call('PUT', '/bench/_security', json.dumps({}))
    bench.call('PUT', '/_users/org.couchdb.user:' + USER, json.dumps(
        {'type': 'user', 'name': USER, 'roles': [], 'password': PASSWORD}))


def main():
    arguments = parse_arguments(__doc__, PAGE, aims=True)
    documents, seconds = (20_000, 1) if arguments.quick else (100_000, 4)
    with measured_folder() as folder:
        key, public = rsa_key(folder)
        config = logging_to(folder / 'access.log') + (
            '[chttpd]\nauthentication_handlers = jwt, cookie, default\n[jwt_auth]\nrequired_claims = exp\n'
            '[jwt_keys]\nhmac:h = %s\nrsa:r = %s\n' % (base64.b64encode(SECRET).decode(), public))
        with Server(data_dir=folder / 'data', config=config) as server:
            bench = Bench(server, documents, seconds, 0)
            prepare(bench)
            rows = measure(bench, ways(server, key), say)
    finish(arguments, PAGE, page(rows, documents), [
        '%d connections' % connections for connections, medians in rows
        if medians['Basic'] < AIM * medians['session cookie']])


if __name__ == '__main__':
    main()
