"""OpenID providers for tests, on loopback: a real one (npm oidc-provider), and one that lies as it is told."""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import time
import urllib.parse

from harness.provider import LoopbackProvider, NodeProvider

COMMAND_LIMIT_S = 60


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


class RealProvider(NodeProvider):
    """A process. `accounts`: the claims of each login name. A start after the first one has the same port."""

    script = 'oidc_provider.js'

    def __init__(self, client, accounts):
        super().__init__()
        self.client, self.accounts = client, accounts

    def environment(self):
        return {'OIDC_PORT': str(self.port), 'OIDC_CLIENT': json.dumps(self.client),
                'OIDC_ACCOUNTS': json.dumps(self.accounts)}

    @property
    def issuer(self):
        return self.origin


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


class FakeProvider(LoopbackProvider):
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
        super().__init__()
        self.key = Key(self.folder, 'first')
        self.reset()
        self.origin = None  # what is in front of it, if something is
        self.codes = {}

    def reset(self):
        self.claims, self.header, self.metadata = {}, {}, {}
        self.sign = self.token = self.answer = None
        self.userinfo = {}
        self.authentication = 'basic'

    @property
    def issuer(self):
        return self.origin or 'http://127.0.0.1:%d' % self.port

    def send_json(self, handler, status, body, headers=()):
        self.send(handler, status, json.dumps(body).encode(), [('Content-Type', 'application/json'), *headers])

    def get(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        self.requests.append(('GET', url.path))
        if url.path == '/.well-known/openid-configuration':
            document = {'issuer': self.issuer, 'authorization_endpoint': self.issuer + '/authorize',
                        'token_endpoint': self.issuer + '/token?v=1', 'jwks_uri': self.issuer + '/keys',
                        'userinfo_endpoint': self.issuer + '/userinfo',
                        'id_token_signing_alg_values_supported': ['RS256', 'HS256', 'none'], **self.metadata}
            self.send_json(handler, 200, {name: value for name, value in document.items() if value is not None})
        elif url.path == '/keys':
            self.send_json(handler, 200, {'keys': [self.key.jwk]})
        elif url.path == '/userinfo':
            self.send_json(handler, 200, self.userinfo)
        elif url.path == '/authorize':
            asked = dict(urllib.parse.parse_qsl(url.query))
            code = encode(os.urandom(12))
            self.codes[code] = asked
            back = {'code': code, 'state': asked['state']}
            self.send_json(handler, 302, {}, [('Location', asked['redirect_uri'] + '?' + urllib.parse.urlencode(back))])
        else:
            self.send_json(handler, 404, {})

    def post(self, handler):
        self.requests.append(('POST', urllib.parse.urlsplit(handler.path).path))
        body = handler.rfile.read(int(handler.headers['Content-Length'])).decode()
        form = dict(urllib.parse.parse_qsl(body))
        if self.answer:
            return self.send_json(handler, *self.answer)
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
            return self.send_json(handler, 400, {'error': 'invalid_grant'})
        return self.send_json(handler, 200, {'token_type': 'Bearer', 'access_token': 'access',
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
