"""Ways of logging in besides passwords and cookies: tokens, second factors, SCRAM; and the locks."""
import base64
import hashlib
import hmac
import json
import os
import re
import struct
import subprocess
import tempfile
import time
import unittest

import requests

from harness.command import divan
from harness.server import Server
from test_users import CONFIG, ENDS_WITHIN_S, USER_ID, UsersTestCase

SECRET = b'a secret of at least thirty-two bytes'
JWT_CONFIG = CONFIG + '''[chttpd]
authentication_handlers = {chttpd_auth, jwt_authentication_handler}, {chttpd_auth, default_authentication_handler}
[jwt_auth]
required_claims = exp, {iss, "https://issuer.example"}
roles_claim_path = realm.roles
[jwt_keys]
hmac:h = %s
''' % base64.b64encode(SECRET).decode()


def base64_url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def signed(header, claims, sign):
    text = '%s.%s' % (base64_url(json.dumps(header).encode()), base64_url(json.dumps(claims).encode()))
    return '%s.%s' % (text, base64_url(sign(text.encode())))


class TokenTest(UsersTestCase):
    server_arguments = {'config': JWT_CONFIG}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='divan-test-')
        cls.addClassCleanup(folder.cleanup)
        cls.key = os.path.join(folder.name, 'key.pem')
        subprocess.run(['openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out',
                        cls.key], check=True, capture_output=True)
        cls.public = subprocess.run(['openssl', 'pkey', '-in', cls.key, '-pubout'], check=True,
                                    capture_output=True, text=True).stdout
        super().setUpClass()

    def claims(self, **members):
        return {'sub': 'service', 'exp': int(time.time()) + 60, 'iss': 'https://issuer.example',
                'realm': {'roles': ['r1', 'r2']}, **members}

    def token(self, claims, secret=SECRET, **header):
        return signed({'alg': 'HS256', 'kid': 'h', **header}, claims,
                      lambda text: hmac.new(secret, text, hashlib.sha256).digest())

    def ask(self, token, path='/_session'):
        session = self.server.new_session('')
        self.addCleanup(session.close)
        return session.get(self.server.url + path, headers={'Authorization': 'Bearer ' + token})

    def test_tokens_name_users_and_roles(self):
        answer = self.ask(self.token(self.claims())).json()
        self.assertEqual(answer['userCtx'], {'name': 'service', 'roles': ['r1', 'r2']})
        self.assertEqual(answer['info'], {'authentication_handlers': ['jwt', 'default'],
                                          'authenticated': 'jwt'})

    def sign(self, text):
        return subprocess.run(['openssl', 'dgst', '-sha256', '-sign', self.key], input=text, check=True,
                              capture_output=True).stdout

    def test_keys_are_set_while_the_server_runs(self):
        token = signed({'alg': 'RS256', 'kid': 'r'}, self.claims(), self.sign)
        self.assertEqual(self.ask(token).status_code, 400)
        pem = self.public.replace('\n', '\\n')
        self.answer(self.server.put('/_node/_local/_config/jwt_keys/rsa:r', json=pem), 200)
        self.assertEqual(self.ask(token).json()['userCtx']['name'], 'service')
        # The public key is no secret of an HMAC, under whatever name.
        for kid in ('r', 'h'):
            forged = self.token(self.claims(sub='admin'), secret=self.public.encode(), kid=kid)
            self.assertEqual(self.ask(forged).status_code, 400)
        refused = self.server.put('/_node/_local/_config/jwt_keys/hmac:x', json=pem)
        self.assertEqual(refused.status_code, 400)
        self.assertNotIn('BEGIN', refused.text)
        self.assertNotIn('BEGIN', self.server.get('/_node/_local/_config/jwt_keys').text)

    def test_what_is_wrong_with_a_token_opens_nothing(self):
        now = int(time.time())
        good = self.token(self.claims())
        header, payload, signature = good.split('.')
        wrong = {
            'expired': self.token(self.claims(exp=now - 1)),
            'not yet': self.token(self.claims(nbf=now + 60)),
            'another issuer': self.token(self.claims(iss='https://other.example')),
            'no expiry': self.token({k: v for k, v in self.claims().items() if k != 'exp'}),
            'no subject': self.token({k: v for k, v in self.claims().items() if k != 'sub'}),
            'forged': self.token(self.claims(), secret=b'another'),
            'unknown key': self.token(self.claims(), kid='../../etc/passwd'),
            'none': '%s.%s.' % (base64_url(b'{"alg":"none"}'), payload),
            'None': '%s.%s.' % (base64_url(b'{"alg":"None","kid":"h"}'), payload),
            'crit': self.token(self.claims(), crit=['x']),
            'two subjects': signed_text('{"alg":"HS256","kid":"h"}', json.dumps(self.claims())[:-1] +
                                        ',"sub":"admin"}'),
            'other payload': '%s.%s.%s' % (header, base64_url(json.dumps(self.claims(sub='admin')).encode()),
                                           signature),
            'padded': '%s.%s.%s=' % (header, payload, signature),
            'huge': self.token(self.claims(x='x' * 9000))}
        for name, token in wrong.items():
            with self.subTest(name):
                answer = self.ask(token)
                self.assertIn(answer.status_code, (400, 401), answer.text)
                self.assertNotIn(token.rsplit('.', 1)[-1] or 'x', answer.text)
        for size in range(0, len(good), 7):
            answer = self.ask(good[:size])
            self.assertIn(answer.status_code, (400, 401) if size else (200, 400, 401))
            self.assertNotIn('service', answer.text)

    def test_bad_keys_and_claims_stop_the_start(self):
        for text, expected in (('[jwt_keys]\nrsa:x = nonsense\n', 'rsa:x'),
                               ('[jwt_keys]\nx = nonsense\n', 'jwt_keys'),
                               ('[jwt_auth]\nrequired_claims = {iss\n', 'required_claims'),
                               ('[chttpd]\nauthentication_handlers = {chttpd_auth, null_authentication_handler}\n',
                                'null_authentication_handler'),
                               ('[chttpd_auth]\npassword_regexp = [\n', 'password_regexp'),
                               ('[chttpd_auth]\nhash_algorithms = md5\n', 'hash_algorithms')):
            with tempfile.TemporaryDirectory(prefix='divan-test-') as folder:
                path = os.path.join(folder, 'bad.ini')
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(text)
                ended = divan('serve', '--memory', '--port', '0', '--admin', 'a:correct horse', '--config', path)
                self.assertNotEqual(ended.status, 0, text)
                self.assertIn(expected, ended.errors)


def signed_text(header, payload):
    text = '%s.%s' % (base64_url(header.encode()), base64_url(payload.encode()))
    return '%s.%s' % (text, base64_url(hmac.new(SECRET, text.encode(), hashlib.sha256).digest()))


def one_time_password(key, steps=0):
    """RFC 6238, with SHA-1 and six digits."""
    digest = hmac.new(base64.b32decode(key), struct.pack('>Q', int(time.time()) // 30 + steps),
                      hashlib.sha1).digest()
    at = digest[-1] & 15
    return '%06d' % ((struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000)


class SecondFactorTest(UsersTestCase):
    def log_in(self, name, token=None, **members):
        session = self.server.new_session('')
        self.addCleanup(session.close)
        body = {'name': name, 'password': 'pw', **members}
        if token is not None:
            body['token'] = token
        return session, session.post(self.server.url + '/_session', json=body)

    def test_a_document_of_couchdb_asks_for_codes(self):
        key = base64.b32encode(b'12345678901234567890').decode()
        self.put_user('imported', totp={'key': key, 'algorithm': 'sha', 'length': 6})
        self.assertEqual(self.who(self.as_user('imported')), 401)
        self.assertEqual(self.log_in('imported')[1].status_code, 401)
        self.assertEqual(self.log_in('imported', '000000x')[1].status_code, 401)
        session, answer = self.log_in('imported', one_time_password(key))
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(self.who(session), 'imported')

    def test_users_set_one_up_and_remove_it(self):
        self.put_user('enrolling')
        session, _ = self.log_in('enrolling')
        url = self.server.url + '/_session/_totp'
        made = session.post(url).json()
        self.assertTrue(made['uri'].startswith('otpauth://totp/Divan:enrolling?secret=' + made['key']), made)
        self.assertEqual(session.put(url, json={'token': '12345'}).status_code, 400)
        confirmed = session.put(url, json={'token': one_time_password(made['key'])})
        self.assertEqual(confirmed.status_code, 200, confirmed.text)
        codes = confirmed.json()['recovery_codes']
        self.assertEqual(len(set(codes)), 10)
        self.assertEqual(self.who(session), 'enrolling')  # under the new rights
        self.assertEqual(session.post(url).status_code, 409)
        self.assertEqual(self.log_in('enrolling')[1].status_code, 401)
        self.assertEqual(self.log_in('enrolling', codes[0])[1].status_code, 200)
        self.assertEqual(self.log_in('enrolling', codes[0])[1].status_code, 401)
        self.assertEqual(session.post(url + '/_remove', json={'token': codes[0]}).status_code, 403)
        self.assertEqual(session.post(url + '/_remove', json={'token': codes[1]}).status_code, 200)
        self.assertEqual(self.log_in('enrolling')[1].status_code, 200)
        nobody = self.server.new_session('').post(url)
        self.assertEqual(nobody.status_code, 401)

    def test_roles_that_need_one_may_only_set_it_up(self):
        with Server(config=CONFIG + '[authentication]\nmulti_factor_roles = boss\n') as server:
            document = {'type': 'user', 'name': 'chief', 'roles': ['boss'], 'password': 'pw'}
            self.assertEqual(server.put('/_users/' + USER_ID + 'chief', json=document).status_code, 201)
            server.put('/open')
            server.put('/open/_security', json={})
            with server.new_session('chief', 'pw') as session:
                for path in ('/open', '/open/_all_docs', '/_users/' + USER_ID + 'chief', '/_all_dbs'):
                    answer = session.get(server.url + path)
                    self.assertEqual(answer.status_code, 403, path)
                    self.assertIn('/_session/_totp', answer.json()['reason'])
                made = session.post(server.url + '/_session/_totp').json()
                confirmed = session.put(server.url + '/_session/_totp',
                                        json={'token': one_time_password(made['key'])})
                self.assertEqual(confirmed.status_code, 200, confirmed.text)
                cookie = session.cookies['AuthSession']
            answer = requests.get(server.url + '/open', cookies={'AuthSession': cookie}, timeout=10)
            self.assertEqual(answer.status_code, 200, answer.text)

    def test_a_password_is_replaced_with_the_login(self):
        self.put_user('renewing')
        _, answer = self.log_in('renewing', new_password='another')
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(self.log_in('renewing')[1].status_code, 401)
        self.assertEqual(self.who(self.as_user('renewing', 'another')), 'renewing')
        session = self.server.new_session('')
        answer = session.post(self.server.url + '/_session', json={
            'name': self.server.user, 'password': self.server.password, 'new_password': 'x'})
        self.assertEqual(answer.status_code, 403)


class ScramTest(UsersTestCase):
    server_arguments = {'config': CONFIG.replace('1000', '4096')}

    def scram(self, name, password):
        """The exchange of RFC 7804 by hand; returns the last answer and whether the server proved itself."""
        session = self.server.new_session('')
        self.addCleanup(session.close)
        encode = lambda text: base64.b64encode(text.encode()).decode()
        bare = 'n=%s,r=%s' % (name, 'rOprNGfwEbeRWgbNEkqO')
        answer = session.get(self.server.url + '/_session', headers={
            'Authorization': 'SCRAM-SHA-256 realm="divan",data=' + encode('n,,' + bare)})
        self.assertEqual(answer.status_code, 401)
        challenge = answer.headers['WWW-Authenticate']
        sid = re.search(r'sid=([^,]+)', challenge).group(1)
        first = base64.b64decode(re.search(r'data=([^,]+)', challenge).group(1)).decode()
        parts = dict(part.split('=', 1) for part in first.split(','))
        salted = hashlib.pbkdf2_hmac('sha256', password.encode(), base64.b64decode(parts['s']), int(parts['i']))
        mac = lambda key, text: hmac.new(key, text.encode(), hashlib.sha256).digest()
        client_key = mac(salted, 'Client Key')
        without_proof = 'c=biws,r=' + parts['r']
        message = ','.join((bare, first, without_proof))
        proof = bytes(a ^ b for a, b in zip(client_key, mac(hashlib.sha256(client_key).digest(), message)))
        final = '%s,p=%s' % (without_proof, base64.b64encode(proof).decode())
        answer = session.get(self.server.url + '/_session', headers={
            'Authorization': 'SCRAM-SHA-256 sid=%s,data=%s' % (sid, encode(final))})
        proven = False
        if answer.status_code == 200:
            data = re.search(r'data=([^,]+)', answer.headers['Authentication-Info']).group(1)
            expected = base64.b64encode(mac(mac(salted, 'Server Key'), message)).decode()
            proven = base64.b64decode(data).decode() == 'v=' + expected
        return session, answer, proven

    def test_the_password_does_not_travel_and_the_server_proves_itself(self):
        self.put_user('scrammer', roles=['r'])
        session, answer, proven = self.scram('scrammer', 'pw')
        self.assertEqual((answer.status_code, answer.json()),
                         (200, {'ok': True, 'name': 'scrammer', 'roles': ['r']}))
        self.assertTrue(proven)
        self.assertEqual(self.who(session), 'scrammer')
        for name, password in (('scrammer', 'wrong'), ('nobody', 'pw')):
            self.assertEqual(self.scram(name, password)[1].status_code, 401)

    def test_messages_that_are_malformed_get_400(self):
        for value in ('SCRAM-SHA-256', 'SCRAM-SHA-256 data=!', 'SCRAM-SHA-256 data=eA==',
                      'SCRAM-SHA-256 data=cD10bHMtdW5pcXVlLCxuPXUscj1h'):
            answer = self.server.new_session('').get(self.server.url + '/_session',
                                                     headers={'Authorization': value})
            self.assertEqual(answer.status_code, 400, value + answer.text)


class LockTest(UsersTestCase):
    def test_admins_see_and_open_locks(self):
        self.put_user('forgetful')
        for _ in range(5):
            self.assertEqual(self.who(self.as_user('forgetful', 'wrong')), 401)
        self.assertEqual(self.who(self.as_user('forgetful')), 403)
        locks = self.server.get('/_node/_local/_lockouts').json()
        self.assertEqual([(lock['name'], lock['address']) for lock in locks], [('forgetful', '127.0.0.1')])
        self.assertTrue(0 < locks[0]['remaining_seconds'] <= 900)
        self.assertEqual(self.as_user('forgetful').get(self.server.url + '/_node/_local/_lockouts').status_code, 403)
        self.answer(self.server.delete('/_node/_local/_lockouts/forgetful'), 200)
        self.assertEqual(self.who(self.as_user('forgetful')), 'forgetful')
        self.answer(self.server.delete('/_node/_local/_lockouts/forgetful'), 404)


if __name__ == '__main__':
    unittest.main()
