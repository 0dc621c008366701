"""OpenID providers for tests, on loopback: a real one (npm oidc-provider), and one that lies as it is told."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

from harness import clients

START_LIMIT_S = 60
COMMAND_LIMIT_S = 60


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


class RealProvider:
    """A process. `accounts`: the claims of each login name."""

    def __init__(self, client, accounts):
        self.client, self.accounts = client, accounts
        self.port, self.process, self.output = 0, None, ''

    def start(self):
        clients.node_modules()
        environment = {**os.environ, 'OIDC_PORT': str(self.port), 'OIDC_CLIENT': json.dumps(self.client),
                       'OIDC_ACCOUNTS': json.dumps(self.accounts), 'NO_COLOR': '1'}
        self.process = subprocess.Popen(['node', str(clients.FOLDER / 'oidc_provider.js')], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        timer = threading.Timer(START_LIMIT_S, self.process.kill)
        timer.start()
        for line in self.process.stdout:
            self.output += line
            said = re.match(r'listening on (\d+)', line)
            if said:
                self.port = int(said[1])
                timer.cancel()
                # What it warns about must not fill the pipe.
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return self
        timer.cancel()
        raise AssertionError('the provider did not start\n' + self.output)

    @property
    def issuer(self):
        return 'http://127.0.0.1:%d' % self.port

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(START_LIMIT_S)
            self.process = None


class Key:
    """An RSA key by the openssl command."""

    def __init__(self, folder, kid):
        self.kid = kid
        self.path = pathlib.Path(folder) / (kid + '.pem')
        self.openssl('genrsa', '-out', str(self.path), '2048')
        modulus = self.openssl('rsa', '-in', str(self.path), '-noout', '-modulus').decode()
        self.jwk = {'kty': 'RSA', 'kid': kid, 'use': 'sig', 'alg': 'RS256', 'e': 'AQAB',
                    'n': encode(bytes.fromhex(modulus.strip().partition('=')[2]))}

    @staticmethod
    def openssl(*arguments, text=b''):
        return subprocess.run(['openssl', *arguments], input=text, check=True, capture_output=True,
                              timeout=COMMAND_LIMIT_S).stdout

    def sign(self, message):
        return self.openssl('dgst', '-sha256', '-sign', str(self.path), text=message)


class FakeProvider:
    """Answers as the attributes say; a login there needs no person. Change them to make it lie.

    claims    of the ID token, over the usual ones; None takes one out
    header    of the ID token, over the usual one
    sign      makes the signature of bytes; None: that of the key
    token     changes the finished text of the ID token
    metadata  over the usual document
    answer    of the token endpoint: (status, object), or None for tokens
    userinfo  of its endpoint
    authentication  how the client has to show who it is: basic, post, none
    """

    client_id, client_secret = 'divan', 'a secret of the client'

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='divan-test-')
        self.key = Key(self.folder, 'first')
        self.reset()
        self.origin = None  # what is in front of it, if something is
        self.codes, self.requests = {}, []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                provider.get(self)

            def do_POST(self):
                provider.post(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def reset(self):
        self.claims, self.header, self.metadata = {}, {}, {}
        self.sign = self.token = self.answer = None
        self.userinfo = {}
        self.authentication = 'basic'

    @property
    def port(self):
        return self.server.server_port

    @property
    def issuer(self):
        return self.origin or 'http://127.0.0.1:%d' % self.port

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def send(self, handler, status, body, headers=()):
        data = json.dumps(body).encode()
        handler.send_response(status)
        for name, value in (('Content-Type', 'application/json'), ('Content-Length', str(len(data))), *headers):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    def get(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        self.requests.append(('GET', url.path))
        if url.path == '/.well-known/openid-configuration':
            document = {'issuer': self.issuer, 'authorization_endpoint': self.issuer + '/authorize',
                        'token_endpoint': self.issuer + '/token?v=1', 'jwks_uri': self.issuer + '/keys',
                        'userinfo_endpoint': self.issuer + '/userinfo',
                        'id_token_signing_alg_values_supported': ['RS256', 'HS256', 'none'], **self.metadata}
            self.send(handler, 200, {name: value for name, value in document.items() if value is not None})
        elif url.path == '/keys':
            self.send(handler, 200, {'keys': [self.key.jwk]})
        elif url.path == '/userinfo':
            self.send(handler, 200, self.userinfo)
        elif url.path == '/authorize':
            asked = dict(urllib.parse.parse_qsl(url.query))
            code = encode(os.urandom(12))
            self.codes[code] = asked
            back = {'code': code, 'state': asked['state']}
            self.send(handler, 302, {}, [('Location', asked['redirect_uri'] + '?' + urllib.parse.urlencode(back))])
        else:
            self.send(handler, 404, {})

    def post(self, handler):
        self.requests.append(('POST', urllib.parse.urlsplit(handler.path).path))
        body = handler.rfile.read(int(handler.headers['Content-Length'])).decode()
        form = dict(urllib.parse.parse_qsl(body))
        if self.answer:
            return self.send(handler, *self.answer)
        asked = self.codes.pop(form['code'], None)
        challenge = encode(hashlib.sha256(form['code_verifier'].encode()).digest())
        credentials = base64.b64encode(('%s:%s' % (self.client_id, urllib.parse.quote(self.client_secret, safe='')))
                                       .encode()).decode()
        known = {
            'basic': handler.headers['Authorization'] == 'Basic ' + credentials and 'client_secret' not in form,
            'post': (form.get('client_id'), form.get('client_secret')) == (self.client_id, self.client_secret),
            'none': form.get('client_id') == self.client_id and 'client_secret' not in form,
        }[self.authentication] and (self.authentication == 'basic') == ('Authorization' in handler.headers)
        if (asked is None or asked['code_challenge'] != challenge or asked['redirect_uri'] != form['redirect_uri']
                or not known):
            return self.send(handler, 400, {'error': 'invalid_grant'})
        return self.send(handler, 200, {'token_type': 'Bearer', 'access_token': 'access',
                                        'id_token': self.id_token(asked)})

    def id_token(self, asked):
        now = int(time.time())
        header = {'alg': 'RS256', 'kid': self.key.kid, 'typ': 'JWT', **self.header}
        half = hashlib.sha256(b'access').digest()[:16]
        claims = {'iss': self.issuer, 'aud': self.client_id, 'sub': 'subject-1', 'exp': now + 60, 'iat': now,
                  'nonce': asked['nonce'], 'at_hash': encode(half), 'preferred_username': 'anna',
                  'groups': ['staff'], **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        message = encode(json.dumps(header).encode()) + '.' + encode(json.dumps(claims).encode())
        token = message + '.' + encode((self.sign or self.key.sign)(message.encode()))
        return self.token(token) if self.token else token

    def hmac(self, message):
        return hmac.new(self.client_secret.encode(), message, hashlib.sha256).digest()
