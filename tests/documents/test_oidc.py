"""OpenID Connect: logins at a real provider, and what happens when one lies."""
import base64
import json
import urllib.parse

import requests

from harness.oidc import FakeProvider, Key, RealProvider, encode
from harness.provider import LIMIT_S, USER_ID, ProviderTestCase, SlowProviderTests, form_of
from harness.tls import TlsFront

LOGIN, CALLBACK, LOGOUT = '/_session/oidc/login', '/_session/oidc/callback', '/_session/oidc/logout'


class OidcTestCase(ProviderTestCase):
    section = 'oidc'


class RealProviderTest(OidcTestCase):
    """Against npm's oidc-provider, with its own pages for logging in."""

    server_arguments = {'memory': True}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        origin = cls.server.url
        client = {'client_id': 'divan', 'client_secret': 'secret+/of: the client',
                  'redirect_uris': [origin + CALLBACK], 'post_logout_redirect_uris': [origin + '/']}
        cls.client = client
        cls.provider = RealProvider(client, {
            'anna-7': {'preferred_username': 'anna', 'email': 'anna@example.com', 'groups': ['/staff', '_admin']},
            'bert-8': {'preferred_username': 'bert', 'groups': ['guests']}})
        cls.provider.start()
        cls.addClassCleanup(cls.provider.stop)

    def setUp(self):
        super().setUp()
        self.configure('oidc_roles', **{'%2Fstaff': 'crew, _admin'})
        self.configure(issuer=self.provider.issuer, client_id='divan', client_secret=self.client['client_secret'],
                       attributes='email', jwks_request_seconds=0, enable='true',
                       post_logout_redirect_uri=self.server.url + '/')

    def submit(self, browser, page):
        """Presses the button of a page of the provider; returns what comes, without following."""
        action, fields = form_of(page)
        if 'login' in fields:
            fields.update(login=self.login_name, password='any')
        return browser.post(action, data=fields, timeout=LIMIT_S, allow_redirects=False)

    def log_in(self, browser, login_name='anna-7', next_path='/_session', stop_before_callback=False):
        """What a person does. The last answer, or the URL of the callback."""
        self.login_name = login_name
        answer = self.get(browser, LOGIN, params={'next': next_path}, allow_redirects=False)
        for _ in range(20):
            if answer.status_code in (302, 303):
                location = urllib.parse.urljoin(answer.url, answer.headers['Location'])
                if stop_before_callback and urllib.parse.urlsplit(location).path == CALLBACK:
                    return location
                answer = browser.get(location, timeout=LIMIT_S, allow_redirects=False)
            elif '<form' in answer.text:
                answer = self.submit(browser, answer)
            else:
                return answer
        raise AssertionError('the login goes round in circles')

    def test_whole_login(self):
        browser = self.browser()
        answer = self.log_in(browser, next_path='/_session?from=the%20login')
        self.assertEqual(answer.url, self.server.url + '/_session?from=the%20login')
        context = self.answer(answer, 200)
        # A provider makes nobody server admin.
        self.assertEqual(context['userCtx'], {'name': 'anna', 'roles': ['crew']})
        document = self.user('anna')
        self.assertEqual((document['email'], document['identity_provider'], document['identity_subject']),
                         ('anna@example.com', 'oidc', 'anna-7'))
        self.assertNotIn('derived_key', document)
        again = self.browser()
        self.log_in(again)
        self.assertEqual(self.user('anna')['_rev'], document['_rev'])

    def test_roles_follow_the_provider(self):
        self.log_in(self.browser(), 'bert-8')
        self.assertEqual(self.user('bert')['roles'], [])
        self.configure(groups_as_roles='true')
        self.addCleanup(self.configure, groups_as_roles='false')
        browser = self.browser()
        self.log_in(browser, 'bert-8')
        self.assertEqual(self.who(browser), {'name': 'bert', 'roles': ['guests']})

    def test_a_code_is_worth_nothing_without_the_verifier(self):
        callback = self.log_in(self.browser(), stop_before_callback=True)
        code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(callback).query))['code']
        credentials = tuple(urllib.parse.quote(self.client[name], safe='') for name in ('client_id', 'client_secret'))
        for verifier in ({}, {'code_verifier': 'x' * 43}):
            answer = requests.post(self.provider.issuer + '/token', auth=credentials, timeout=LIMIT_S, data={
                'grant_type': 'authorization_code', 'code': code, 'redirect_uri': self.server.url + CALLBACK,
                **verifier})
            self.assertEqual((answer.status_code, answer.json()['error']), (400, 'invalid_grant'))

    def test_a_state_counts_once(self):
        browser = self.browser()
        callback = self.log_in(browser, stop_before_callback=True)
        self.assertEqual(self.get(browser, callback, allow_redirects=False).status_code, 302)
        self.assertIn('begin again', self.error(self.get(browser, callback), 400, 'bad_request'))

    def test_a_foreign_login_is_refused(self):
        """Login CSRF: a callback that somebody else's browser is made to open."""
        browser, victim = self.browser(), self.browser()
        callback = self.log_in(browser, stop_before_callback=True)
        self.assertIn('another browser', self.error(self.get(victim, callback), 403, 'forbidden'))
        self.get(victim, LOGIN, allow_redirects=False)
        self.error(self.get(victim, callback), 403, 'forbidden')
        self.assertIsNone(self.who(victim)['name'])
        self.assertEqual(self.get(browser, callback, allow_redirects=False).status_code, 302)

    def test_two_tabs_of_a_browser_log_in(self):
        browser = self.browser()
        first = self.log_in(browser, stop_before_callback=True)
        second = self.log_in(browser, stop_before_callback=True)
        for callback in (second, first):
            self.assertEqual(self.get(browser, callback, allow_redirects=False).status_code, 302)

    def test_new_keys_of_the_provider_count(self):
        self.log_in(self.browser())
        self.provider.stop()
        self.provider.start()
        browser = self.browser()
        self.log_in(browser)
        self.assertEqual(self.who(browser)['name'], 'anna')

    def test_logout_ends_the_session_here_and_leads_to_the_provider(self):
        browser = self.browser()
        self.log_in(browser)
        answer = self.get(browser, LOGOUT, allow_redirects=False)
        self.assertEqual(answer.status_code, 302)
        self.assertIsNone(self.who(browser)['name'])
        page = browser.get(answer.headers['Location'], timeout=LIMIT_S)
        self.assertEqual(page.status_code, 200, page.text)
        self.assertIn('<form', page.text)

    def test_no_code_and_no_state_in_the_log(self):
        callback = self.log_in(self.browser(), stop_before_callback=True)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(callback).query))
        self.get(self.browser(), callback)
        self.assertIn(CALLBACK, self.server.log_tail())
        for secret in (query['code'], query['state']):
            self.assertNotIn(secret, '\n'.join(self.server.log))


class LyingProviderTest(OidcTestCase):
    server_arguments = {'memory': True}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = FakeProvider()
        cls.addClassCleanup(cls.provider.close)
        cls.other_key = Key(cls.provider.folder, 'other')

    def setUp(self):
        super().setUp()
        self.provider.reset()
        self.forget_users()
        self.configure(issuer=self.provider.issuer, client_id=self.provider.client_id,
                       client_secret=self.provider.client_secret, jwks_request_seconds=0, enable='true',
                       name_claim='preferred_username', name_fallback_sub='false', scopes='openid')

    def log_in(self, browser=None, **options):
        return self.get(browser or self.browser(), LOGIN + '?next=/_session', **options)

    def refused(self, status, word, part):
        browser = self.browser()
        answer = self.log_in(browser)
        reason = self.error(answer, status, word)
        self.assertIn(part, reason)
        self.assertNotIn('AuthSession', browser.cookies)
        self.assertNotIn('eyJ', reason)

    def test_the_truth_is_believed(self):
        context = self.answer(self.log_in(), 200)['userCtx']
        self.assertEqual(context, {'name': 'anna', 'roles': []})

    def test_forged_tokens_are_refused(self):
        def tampered(token):
            header, payload, signature = token.split('.')
            claims = json.loads(base64.urlsafe_b64decode(payload + '=='))
            claims['preferred_username'] = 'mallory'
            return '.'.join([header, encode(json.dumps(claims).encode()), signature])
        provider = self.provider
        other = encode(b'0' * 16)
        for part, lies in [
                ('nonce is not', {'claims': {'nonce': 'another'}}),
                ('nonce is not', {'claims': {'nonce': None}}),
                ('iss is not', {'claims': {'iss': provider.issuer + '/'}}),
                ('not for this client', {'claims': {'aud': 'another'}}),
                ('not for this client', {'claims': {'aud': None}}),
                ('no azp', {'claims': {'aud': [provider.client_id, 'another']}}),
                ('azp is another', {'claims': {'azp': 'another'}}),
                ('has expired', {'claims': {'exp': 1_000_000_000}}),
                ('lacks exp', {'claims': {'exp': None}}),
                ('lacks exp or iat', {'claims': {'iat': None}}),
                ('in the future', {'claims': {'iat': 9_000_000_000}}),
                ('not valid yet', {'claims': {'nbf': 9_000_000_000}}),
                ('lacks sub', {'claims': {'sub': None}}),
                ('at_hash', {'claims': {'at_hash': other}}),
                ('Invalid alg', {'header': {'alg': 'none'}}),
                ('Unknown kid', {'header': {'alg': 'HS256'}, 'sign': provider.hmac}),
                ('Unknown kid', {'header': {'kid': 'unknown'}}),
                ('Bad signature', {'sign': self.other_key.sign}),
                ('Bad signature', {'token': tampered}),
                ('Malformed', {'token': lambda token: token + '.'}),
                ('Unsupported crit', {'header': {'crit': ['exp']}}),
        ]:
            with self.subTest(part=part, lies=str(lies)):
                provider.reset()
                for name, value in lies.items():
                    setattr(provider, name, value)
                self.refused(401, 'unauthorized', part)
        self.assertEqual(self.server.get('/_users/' + USER_ID + 'anna').status_code, 404)

    def test_answers_of_the_token_endpoint(self):
        for answer, status, word, part in [
                ((400, {'error': 'invalid_grant', 'error_description': 'x'}), 401, 'unauthorized', 'invalid_grant'),
                ((400, {'error': '<script>'}), 503, 'service unavailable', 'answers 400'),
                ((500, {}), 503, 'service unavailable', 'answers 500'),
                ((200, []), 503, 'service unavailable', 'no JSON object'),
                ((200, {'access_token': 'x'}), 503, 'service unavailable', 'without an ID token'),
                ((302, {}, [('Location', '/token')]), 503, 'service unavailable', 'answers 302')]:
            with self.subTest(answer=answer):
                self.provider.answer = answer
                self.refused(status, word, part)

    def test_userinfo_fills_in_what_the_token_lacks(self):
        self.provider.claims = {'preferred_username': None, 'groups': None}
        self.provider.userinfo = {'sub': 'subject-1', 'preferred_username': 'anna', 'nonce': 'x'}
        self.assertEqual(self.answer(self.log_in(), 200)['userCtx']['name'], 'anna')
        self.provider.userinfo = {'sub': 'subject-2', 'preferred_username': 'anna'}
        self.refused(401, 'unauthorized', 'somebody else')

    def test_who_has_no_name(self):
        self.provider.claims = {'preferred_username': None}
        self.provider.userinfo = {'sub': 'subject-1'}
        self.refused(403, 'forbidden', 'preferred_username')
        self.configure(name_fallback_sub='true')
        self.assertEqual(self.answer(self.log_in(), 200)['userCtx']['name'], 'subject-1')

    def test_names_that_belong_to_somebody_else(self):
        document = {'type': 'user', 'name': 'anna', 'roles': [], 'password': 'pw'}
        self.answer(self.server.put('/_users/' + USER_ID + 'anna', json=document), 201)
        self.refused(403, 'forbidden', 'belongs to another account')
        self.provider.claims = {'preferred_username': self.server.user}
        self.refused(403, 'forbidden', 'belongs to another account')
        self.provider.claims = {'preferred_username': 'carla'}
        self.answer(self.log_in(), 200)
        self.provider.claims = {'preferred_username': 'carla', 'sub': 'subject-2'}
        self.refused(403, 'forbidden', 'somebody else at the identity provider')

    def test_a_locked_account_stays_locked(self):
        self.answer(self.log_in(), 200)
        self.lock('anna')
        self.refused(403, 'forbidden', 'locked')

    def test_next_leads_to_no_other_server(self):
        for path in ('//evil.example', 'https://evil.example', '/\\evil.example', '/%09/evil.example', '',
                     '/a%0d%0aX: y', 'a', '/' + 'a' * 3000):
            with self.subTest(path=path):
                self.assert_stays_here(path)

    def test_logins_are_counted(self):
        well, badly = self.counts()
        self.log_in()
        self.provider.claims = {'nonce': 'another'}
        self.log_in()
        self.assertEqual(self.counts(), (well + 1, badly + 1))

    def test_a_refusal_by_the_provider_is_told(self):
        browser = self.browser()
        answer = self.get(browser, LOGIN, allow_redirects=False)
        state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers['Location']).query))['state']
        answer = self.get(browser, CALLBACK, params={'state': state, 'error': 'access_denied'})
        self.assertIn('access_denied', self.error(answer, 401, 'unauthorized'))
        self.error(self.get(browser, CALLBACK), 400, 'bad_request')

    def test_an_answer_of_another_provider(self):
        """Mix-up (RFC 9207)."""
        browser = self.browser()
        location = self.get(browser, LOGIN, allow_redirects=False).headers['Location']
        callback = browser.get(location, timeout=LIMIT_S, allow_redirects=False).headers['Location']
        answer = self.get(browser, callback + '&iss=https://evil.example')
        self.assertIn('another identity provider', self.error(answer, 401, 'unauthorized'))

    def test_pending_logins_are_bounded(self):
        self.configure(logins_pending_max=2)
        self.addCleanup(self.configure, logins_pending_max=10000)
        browser = self.browser()
        locations = [self.get(browser, LOGIN, allow_redirects=False).headers['Location'] for _ in range(3)]
        statuses = []
        for location in locations:
            callback = browser.get(location, timeout=LIMIT_S, allow_redirects=False).headers['Location']
            statuses.append(self.get(browser, callback, allow_redirects=False).status_code)
        self.assertEqual(statuses, [400, 302, 302])

    def test_changes_that_cannot_work_are_refused(self):
        self.assert_refuses_settings([
            ('issuer', 'http://id.example.com'), ('issuer', 'https://id.example.com/?a=1'), ('redirect_uri', 'ftp://a'),
            ('scopes', 'profile'), ('attributes', 'a:b:c'), ('clock_leeway_seconds', '61'), ('name_claim', '')])
        answer = self.server.get('/_node/_local/_config/oidc')
        self.assertNotIn(self.provider.client_secret, answer.text)


class ProviderOutOfOrderTest(SlowProviderTests, OidcTestCase):
    def setUp(self):
        self.provider = FakeProvider()
        self.addCleanup(self.provider.close)

    def serve_client(self, issuer, **more):
        self.serve(**{'enable': 'true', 'issuer': issuer, 'client_id': 'divan',
                      'client_secret': self.provider.client_secret, **more})

    def serve_slow(self, timeout_ms):
        self.serve_client(self.provider.issuer, timeout_ms=timeout_ms)

    def refused(self, part, issuer):
        reason = self.error(self.get(self.browser(), LOGIN), 503, 'service unavailable')
        self.assertIn(part, reason)
        self.assertIn(issuer, reason)

    def test_unreachable(self):
        self.serve_client('http://127.0.0.1:1')
        self.refused('cannot be asked', 'http://127.0.0.1:1')
        browser = self.browser()
        answer = self.get(browser, LOGOUT)
        self.assertEqual(answer.status_code, 503)
        self.assertIn('AuthSession=;', answer.headers['Set-Cookie'])

    def test_another_issuer(self):
        self.serve_client(self.provider.issuer + '/')
        self.refused('its issuer is another one', self.provider.issuer)

    def test_metadata_that_cannot_be_used(self):
        for metadata, part in [
                ({'token_endpoint': 'http://id.example.com/token'}, 'token_endpoint is not a URL'),
                ({'authorization_endpoint': None}, 'authorization_endpoint is not a URL'),
                ({'jwks_uri': 7}, 'jwks_uri is not a string'),
                ({'code_challenge_methods_supported': ['plain']}, 'PKCE'),
                ({'id_token_signing_alg_values_supported': ['HS256', 'none']}, 'no algorithm')]:
            with self.subTest(part=part):
                self.provider.metadata = metadata
                self.serve_client(self.provider.issuer)
                self.refused(part, self.provider.issuer)

    def test_an_algorithm_that_the_metadata_does_not_name(self):
        self.provider.metadata = {'id_token_signing_alg_values_supported': ['ES256']}
        self.serve_client(self.provider.issuer)
        reason = self.error(self.get(self.browser(), LOGIN), 401, 'unauthorized')
        self.assertIn('its alg is not one', reason)

    def test_a_secret_in_the_body_and_none_at_all(self):
        self.provider.metadata = {'token_endpoint_auth_methods_supported': ['client_secret_post', 'none']}
        for authentication, secret in (('post', self.provider.client_secret), ('none', '')):
            with self.subTest(authentication):
                self.provider.authentication = authentication
                self.serve_client(self.provider.issuer, client_secret=secret)
                browser = self.browser()
                self.get(browser, LOGIN)
                self.assertEqual(self.who(browser)['name'], 'anna')

    def test_a_provider_with_tls_is_trusted_by_its_authority_alone(self):
        with TlsFront(self.provider.port) as front:
            self.provider.origin = 'https://127.0.0.1:%d' % front.port
            self.serve_client(self.provider.issuer)
            self.refused('certificate', self.provider.issuer)
            self.serve_client(self.provider.issuer, ca_file=front.certificate)
            browser = self.browser()
            browser.verify = str(front.certificate)
            self.get(browser, LOGIN)
            self.assertEqual(self.who(browser)['name'], 'anna')

    def test_the_redirect_uri_is_the_one_that_is_set(self):
        self.serve_client(self.provider.issuer, redirect_uri='https://db.example.com/_session/oidc/callback')
        location = self.get(self.browser(), LOGIN, allow_redirects=False).headers['Location']
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
        self.assertEqual(asked['redirect_uri'], 'https://db.example.com/_session/oidc/callback')

    def test_not_enabled(self):
        self.serve()
        for path in (LOGIN, CALLBACK, LOGOUT):
            self.assertIn('[oidc] enable', self.error(self.get(self.browser(), path), 404, 'not_found'))

    def test_a_start_with_settings_that_cannot_work(self):
        self.assert_does_not_start([
            ('enable = true\n', r'\[oidc\] issuer is missing'),
            ('enable = true\nissuer = https://a\n', r'\[oidc\] client_id is missing'),
            ('issuer = http://id.example.com\n', r'\[oidc\] issuer: .*https://')])
