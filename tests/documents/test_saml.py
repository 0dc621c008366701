"""SAML: logins at a real provider and at one that lies, and providers that are out of order."""
import pathlib
import xml.dom.minidom

from harness.provider import LIMIT_S, SlowProviderTests, form_of
from harness.saml import (EMAIL, METADATA, PERSISTENT, PROTOCOL, TRANSIENT, FakeProvider, Pair, RealProvider, encoded,
                          moment)
from harness.saml_case import ACS, END, LOGIN, SERVICE, FakeProviderTestCase, SamlTestCase
from harness.tls import TlsFront

MAIL = 'urn:oid:0.9.2342.19200300.100.1.3'


class RealProviderTest(SamlTestCase):
    """Against npm's samlp."""

    server_arguments = {'memory': True}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fake = FakeProvider()  # for its keys
        cls.addClassCleanup(cls.fake.close)
        cls.own = Pair(cls.fake.folder, 'own')

    def setUp(self):
        super().setUp()
        self.configure(base_url=self.server.url, roles_attribute='groups', attributes=MAIL + ':mail')
        self.configure('saml_roles', staff='crew, _admin')

    def tearDown(self):
        self.forget_users()
        self.configure(enable='false', key_file='', certificate_file='')

    def start(self, **options):
        provider = RealProvider(self.fake.pair, self.server.url + SERVICE, {
            'anna': {'name': {'nameIdentifier': 'anna', 'nameIdentifierFormat': PERSISTENT},
                     'attributes': {'groups': ['staff', 'guests', '_admin'], MAIL: 'anna@example.com'}},
            'bert': {'name': {'nameIdentifier': 'x7', 'nameIdentifierFormat': TRANSIENT},
                     'attributes': {'groups': 'staff'}}}, **options).start()
        self.addCleanup(provider.stop)
        self.configure(idp_metadata_url=provider.origin + '/metadata', enable='true')
        return provider

    def submit(self, browser, page, **fields):
        """Presses the button of a page."""
        action, shown = form_of(page)
        fields = {**shown, **fields}
        if action.startswith(self.server.url):
            return self.post(fields)
        return browser.post(action, data=fields, timeout=LIMIT_S)

    def log_in(self, browser, name='anna', next_path='/_session'):
        page = self.get(browser, LOGIN, params={'next': next_path})
        page = self.submit(browser, page, login=name)
        self.assertIn('SAMLResponse', page.text)
        answer = self.submit(browser, page)
        return self.get(browser, answer.headers['Location']) if answer.status_code == 303 else answer

    def test_whole_login(self):
        self.start()
        browser = self.browser()
        answer = self.log_in(browser, next_path='/_session?from=the%20login')
        self.assertEqual(answer.url, self.server.url + '/_session?from=the%20login')
        # A provider makes nobody server admin.
        self.assertEqual(self.answer(answer, 200)['userCtx'], {'name': 'anna', 'roles': ['crew']})
        document = self.user('anna')
        self.assertEqual([document[key] for key in ('identity_provider', 'identity_subject', 'mail', 'roles')],
                         ['saml', PERSISTENT + '#anna', 'anna@example.com', ['crew']])
        self.assertNotIn('derived_key', document)
        self.assertFalse([cookie.name for cookie in browser.cookies if cookie.name.startswith('DivanLogin')])
        self.answer(browser.delete(self.server.url + '/_session', timeout=LIMIT_S), 200)
        self.assertIsNone(self.who(browser)['name'])
        self.assertEqual(self.answer(self.log_in(browser), 200)['userCtx']['name'], 'anna')

    def test_groups_as_roles(self):
        self.start()
        self.configure(groups_as_roles='true')
        self.addCleanup(self.configure, groups_as_roles='false')
        self.assertEqual(self.answer(self.log_in(self.browser()), 200)['userCtx']['roles'], ['crew', 'guests'])

    def test_the_response_is_signed_or_both(self):
        for options in ({'signResponse': True, 'signAssertion': False}, {'signResponse': True},
                        {'signatureAlgorithm': 'rsa-sha256', 'signatureNamespacePrefix': 'dsig'}):
            with self.subTest(**options):
                self.start(**options)
                self.assertEqual(self.answer(self.log_in(self.browser()), 200)['userCtx']['name'], 'anna')

    def test_what_is_signed_badly_or_not_at_all(self):
        for options, part in [({'signAssertion': False}, 'neither it nor its assertion is signed'),
                              ({'signatureAlgorithm': 'rsa-sha1'}, 'algorithm that is not taken'),
                              ({'digestAlgorithm': 'sha1'}, 'digest is of an algorithm')]:
            with self.subTest(**options):
                self.start(**options)
                self.assertIn(part, self.error(self.log_in(self.browser()), 401, 'unauthorized'))

    def test_a_name_that_does_not_last(self):
        self.start()
        self.assertIn('transient', self.error(self.log_in(self.browser(), 'bert'), 403, 'forbidden'))

    def test_signed_requests(self):
        """The provider checks them with the certificate of our metadata."""
        self.configure(key_file=self.own.key, certificate_file=self.own.certificate)
        self.start()
        browser = self.browser()
        self.assertEqual(self.answer(self.log_in(browser), 200)['userCtx']['name'], 'anna')
        location = self.get(browser, LOGIN, allow_redirects=False).headers['Location']
        self.assertIn('&Signature=', location)
        page = self.get(browser, location.replace('&RelayState=', '&RelayState=x'))
        self.assertIn('does not match', self.submit(browser, page, login='anna').text)

    def test_an_encrypted_assertion(self):
        certificate = pathlib.Path(self.own.certificate).read_text()
        self.start(encryptionCert=certificate, encryptionPublicKey=self.own.public_key.decode(),
                   disallowEncryptionWithInsecureAlgorithm=False)
        self.assertIn('encrypted', self.error(self.log_in(self.browser()), 401, 'unauthorized'))

    def test_a_refusal_by_the_provider(self):
        self.start(samlStatusCode='urn:oasis:names:tc:SAML:2.0:status:Responder')
        reason = self.error(self.log_in(self.browser()), 401, 'unauthorized')
        self.assertIn('refuses the login: Responder', reason)


class LoginsTest(FakeProviderTestCase):
    def test_a_good_one(self):
        answer = self.log_in()
        self.assertEqual(self.answer(answer, 200)['userCtx'], {'name': 'anna', 'roles': ['staff']})
        self.assertEqual(self.user('anna')['mail'], 'anna@example.com')

    def test_what_is_asked(self):
        asked = self.begin(self.browser())
        self.assertTrue(asked.url.startswith(self.provider.login_url + '&SAMLRequest='))
        self.assertEqual(asked.acs, self.server.url + ACS)
        self.assertEqual(asked.entity, self.server.url + SERVICE)
        root = asked.root
        self.assertEqual((root.namespaceURI, root.localName, root.getAttribute('Version')),
                         (PROTOCOL, 'AuthnRequest', '2.0'))
        self.assertEqual(root.getAttribute('Destination'), self.provider.login_url)
        self.assertFalse(root.hasAttribute('ForceAuthn'))
        self.assertNotIn('Signature', asked.query)
        self.assertLessEqual(len(asked.state), 80)

    def test_what_this_server_says_of_itself(self):
        answer = self.get(self.browser(), SERVICE)
        self.assertEqual(answer.headers['Content-Type'], 'application/samlmetadata+xml')
        root = xml.dom.minidom.parseString(answer.text).documentElement
        self.assertEqual(root.getAttribute('entityID'), self.server.url + SERVICE)
        role = root.getElementsByTagNameNS(METADATA, 'SPSSODescriptor')[0]
        self.assertEqual(role.getAttribute('WantAssertionsSigned'), 'true')
        self.assertEqual(role.getAttribute('AuthnRequestsSigned'), 'false')
        service = role.getElementsByTagNameNS(METADATA, 'AssertionConsumerService')[0]
        self.assertEqual(service.getAttribute('Location'), self.server.url + ACS)
        self.assertEqual(answer.text.count('KeyDescriptor'), 0)

    def test_a_login_belongs_to_its_browser(self):
        """Login CSRF: somebody makes your browser end their login."""
        browser, other = self.browser(), self.browser()
        asked = self.begin(browser)
        self.begin(other)
        end = self.post({'SAMLResponse': encoded(self.provider.good(asked)), 'RelayState': asked.state}).headers['Location']
        self.assertIn('another browser', self.error(self.get(other, end), 403, 'forbidden'))
        self.assertIsNone(self.who(other)['name'])
        self.assertEqual(self.answer(self.get(browser, end), 200)['userCtx']['name'], 'anna')

    def test_nobody_has_asked(self):
        asked = self.begin(self.browser())
        answer = self.post({'SAMLResponse': encoded(self.provider.good(asked)), 'RelayState': '/app'})
        self.assertIn('/_session/saml/login', self.error(answer, 400, 'bad_request'))

    def test_an_end_before_the_answer(self):
        browser = self.browser()
        asked = self.begin(browser)
        answer = self.get(browser, END, params={'state': asked.state})
        self.assertIn('has not answered', self.error(answer, 400, 'bad_request'))
        self.error(self.get(browser, END), 400, 'bad_request')

    def test_the_cookie_of_a_login(self):
        answer = self.get(self.browser(), LOGIN, allow_redirects=False)
        cookie = answer.headers['Set-Cookie']
        for part in ('DivanLogin_', 'HttpOnly', 'SameSite=Lax', 'Path=/_session/saml', 'Max-Age=600'):
            self.assertIn(part, cookie)
        self.assertEqual(answer.headers['Cache-Control'], 'no-store')

    def test_names(self):
        for changes, status, name in [({'format': EMAIL, 'name': 'anna@example.com'}, 200, 'anna@example.com'),
                                      ({'format': None, 'name': ' bert\n'}, 200, 'bert'),
                                      ({'format': TRANSIENT}, 403, 'transient'), ({'name': None}, 403, 'transient'),
                                      ({'name': ''}, 403, 'name'), ({'name': '_admin'}, 403, 'begins with `_`'),
                                      ({'name': self.server.user}, 403, 'belongs to another account')]:
            with self.subTest(**changes):
                answer = self.log_in(**changes)
                self.assertEqual(answer.status_code, status)
                self.assertIn(name, answer.json()['userCtx']['name'] if status == 200 else answer.json()['reason'])
        self.configure(name_attribute='uid')
        self.assertEqual(self.answer(self.log_in(format=TRANSIENT, attributes={'uid': ['carla']}), 200)['userCtx'],
                         {'name': 'carla', 'roles': []})
        self.assertNotIn('identity_subject', self.user('carla'))
        for attributes in ({}, {'uid': []}, {'uid': ['a', 'b']}, {'uid': ['']}):
            self.assertIn('name_attribute', self.error(self.log_in(attributes=attributes), 403, 'forbidden'))

    def test_a_name_that_changes_hands(self):
        self.configure(name_attribute='uid')
        self.answer(self.log_in(name='1', attributes={'uid': ['dora']}), 200)
        answer = self.log_in(name='2', attributes={'uid': ['dora']})
        self.assertIn('somebody else at the identity provider', self.error(answer, 403, 'forbidden'))

    def test_a_locked_account_stays_locked(self):
        self.answer(self.log_in(), 200)
        self.lock('anna')
        self.assertIn('locked', self.error(self.log_in(), 403, 'forbidden'))

    def test_attributes_with_several_values(self):
        self.answer(self.log_in(attributes={'mail': ['a@b', 'c@d'], 'groups': ['x', 'y', '_admin']}), 200)
        self.assertEqual(self.user('anna')['mail'], ['a@b', 'c@d'])
        self.assertEqual(self.user('anna')['roles'], ['x', 'y'])

    def test_logins_anew(self):
        self.configure(force_authn='true')
        self.assertEqual(self.begin(self.browser()).root.getAttribute('ForceAuthn'), 'true')
        self.answer(self.log_in(), 200)
        self.assertIn('earlier login', self.error(self.log_in(instant=moment(-600)), 401, 'unauthorized'))

    def test_next_leads_to_no_other_server(self):
        for path in ('//evil.example', 'https://evil.example', '/\\evil.example', '', '/a%0d%0aX: y'):
            with self.subTest(path=path):
                self.assert_stays_here(path)

    def test_logins_are_counted(self):
        well, badly = self.counts()
        self.log_in()
        self.log_in(audience='x')
        self.assertEqual(self.counts(), (well + 1, badly + 1))

    def test_pending_logins_are_bounded(self):
        self.configure(logins_pending_max=2)
        self.addCleanup(self.configure, logins_pending_max=10000)
        browser = self.browser()
        all_asked = [self.begin(browser) for _ in range(3)]
        self.assertEqual([self.finish(browser, asked, self.provider.good(asked)).status_code for asked in all_asked],
                         [400, 200, 200])

    def test_changes_that_cannot_work_are_refused(self):
        self.assert_refuses_settings([
            ('idp_metadata_url', 'http://id.example.com/metadata'), ('base_url', 'https://a/?b'), ('base_url', 'ftp://a'),
            ('entity_id', 'a b'), ('attributes', 'a:'), ('attributes', 'http://a/b'), ('clock_leeway_seconds', '61')])


class ProviderOutOfOrderTest(SlowProviderTests, SamlTestCase):
    def setUp(self):
        self.provider = FakeProvider()
        self.addCleanup(self.provider.close)

    def serve_entity(self, **settings):
        self.serve(**{'enable': 'true', 'entity_id': 'urn:divan', 'idp_metadata_url': self.provider.metadata_url,
                      **settings})

    def serve_slow(self, timeout_ms):
        self.serve_entity(timeout_ms=timeout_ms)

    def refused(self, part, source=None):
        reason = self.error(self.get(self.browser(), LOGIN), 503, 'service unavailable')
        self.assertIn(part, reason)
        self.assertIn(source or 'http://127.0.0.1:%d/metadata' % self.provider.port, reason)

    def finish(self):
        browser = self.browser()
        asked = self.begin(browser)
        answer = self.post({'SAMLResponse': encoded(self.provider.good(asked)), 'RelayState': asked.state})
        return self.get(browser, answer.headers['Location']) if answer.status_code == 303 else answer

    def test_unreachable(self):
        self.serve_entity(idp_metadata_url='http://127.0.0.1:1/')
        self.refused('cannot be asked', 'http://127.0.0.1:1/')
        self.provider.status = 500
        self.serve_entity()
        self.refused('answers 500')
        self.serve_entity(idp_metadata_url='', idp_metadata_file='/nowhere/metadata.xml')
        self.refused('no file that can be read', '/nowhere/metadata.xml')

    def test_metadata_that_cannot_be_used(self):
        provider = self.provider
        weak = Pair(provider.folder, 'weak', ('rsa:1024',))
        two = '<EntitiesDescriptor xmlns="%s">%s%s</EntitiesDescriptor>' % (
            METADATA, provider.descriptor(), provider.descriptor(entity='urn:example:second'))
        for metadata, part in [
                ('', 'no well-formed XML'),
                ('{}', 'no well-formed XML'),
                ('<!DOCTYPE a><a/>', 'DOCTYPE'),
                ('<a/>', 'no identity provider'),
                (provider.descriptor().replace('IDPSSODescriptor', 'SPSSODescriptor'), 'no identity provider'),
                (provider.descriptor().replace('SAML:2.0:protocol', 'SAML:1.1:protocol'), 'no identity provider'),
                (two, 'several identity providers'),
                (provider.descriptor(binding='HTTP-POST'), 'binding HTTP-Redirect'),
                (provider.descriptor(location='http://id.example.com/login'), 'not a URL for it'),
                (provider.descriptor(location='javascript:alert(1)'), 'not a URL for it'),
                (provider.descriptor(certificates=[]), 'no certificate'),
                (provider.descriptor(certificates=[weak.base64]), 'no certificate'),
                (provider.descriptor(certificates=['AAAA']), 'no certificate'),
                (provider.descriptor().replace('use="signing"', 'use="encryption"'), 'no certificate'),
                (provider.descriptor(attributes='validUntil="2020-01-01T00:00:00Z"'), 'validUntil'),
                (provider.descriptor(attributes='validUntil="soon"'), 'validUntil'),
                (provider.descriptor(role='WantAuthnRequestsSigned="true"'), 'signed requests'),
                ('<a>' + 'x' * 300_000 + '</a>', 'more than 262144 bytes')]:
            with self.subTest(part=part, metadata=metadata[:40]):
                self.provider.metadata = metadata
                self.serve_entity()
                self.refused(part)

    def test_one_provider_of_many(self):
        self.provider.metadata = '<EntitiesDescriptor xmlns="%s">%s%s</EntitiesDescriptor>' % (
            METADATA, self.provider.descriptor(entity='urn:example:second', certificates=[]), self.provider.descriptor())
        self.serve_entity(idp_entity_id=self.provider.entity)
        self.assertEqual(self.finish().status_code, 200)
        self.serve_entity(idp_entity_id='urn:example:third')
        self.refused('urn:example:third')

    def test_metadata_of_a_file(self):
        path = pathlib.Path(self.provider.path('metadata.xml'))
        path.write_text(self.provider.descriptor())
        self.serve_entity(idp_metadata_url='', idp_metadata_file=str(path))
        self.assertEqual(self.finish().status_code, 200)
        self.assertEqual(self.provider.requests, [])

    def test_keys_of_the_metadata_and_a_pinned_one(self):
        other = Pair(self.provider.folder, 'other', ('ec', '-pkeyopt', 'ec_paramgen_curve:P-256'))
        self.provider.metadata = self.provider.descriptor(certificates=[other.base64, self.provider.pair.base64])
        self.serve_entity()
        self.assertEqual(self.finish().status_code, 200)
        self.serve_entity(idp_certificate_file=other.certificate)
        self.assertIn('not by a key', self.error(self.finish(), 401, 'unauthorized'))
        self.provider.metadata = self.provider.descriptor(certificates=[])
        self.serve_entity(idp_certificate_file=self.provider.pair.certificate)
        self.assertEqual(self.finish().status_code, 200)

    def test_metadata_is_kept(self):
        self.serve_entity(metadata_refresh_seconds=10)
        self.assertEqual(self.finish().status_code, 200)
        self.provider.metadata = ''
        self.assertEqual(self.finish().status_code, 200)
        self.assertEqual(self.provider.requests, ['/metadata?a=1'])

    def test_a_provider_with_tls_is_trusted_by_its_authority_alone(self):
        with TlsFront(self.provider.port) as front:
            url = 'https://127.0.0.1:%d/metadata' % front.port
            self.serve_entity(idp_metadata_url=url)
            self.refused('certificate', url)
            self.serve_entity(idp_metadata_url=url, ca_file=front.certificate)
            self.assertEqual(self.finish().status_code, 200)

    def test_nothing_of_it_is_logged(self):
        self.serve_with('[log]\nlevel = debug\n[saml]\nenable = true\nentity_id = urn:divan\nidp_metadata_url = %s\n'
                        % self.provider.metadata_url)
        browser = self.browser()
        first, second = self.begin(browser), self.begin(browser)
        self.assertEqual(first.entity, 'urn:divan')
        texts = [self.provider.good(first), self.provider.good(second, audience='x')]
        for asked, text, status in zip((first, second), texts, (303, 401)):
            answer = self.post({'SAMLResponse': encoded(text), 'RelayState': asked.state})
            self.assertEqual(answer.status_code, status)
        self.answer(self.get(browser, END, params={'state': first.state}), 200)
        self.server.stop()
        log = '\n'.join(self.server.log)
        self.server.start()
        self.assertIn('logged in by saml', log)
        self.assertIn('a login at the identity provider failed', log)
        for secret in (first.state, second.state, first.id, encoded(texts[0])[:40], texts[0][-200:-100]):
            self.assertNotIn(secret, log)

    def test_not_enabled(self):
        self.serve()
        for path in (LOGIN, END, SERVICE):
            self.assertIn('[saml] enable', self.error(self.get(self.browser(), path), 404, 'not_found'))
        self.assertIn('[saml] enable', self.error(self.post({'SAMLResponse': 'AAAA'}), 404, 'not_found'))

    def test_a_start_with_settings_that_cannot_work(self):
        own = Pair(self.provider.folder, 'own')
        elliptic = Pair(self.provider.folder, 'elliptic', ('ec', '-pkeyopt', 'ec_paramgen_curve:P-256'))
        well = 'enable = true\nentity_id = urn:divan\nidp_metadata_url = https://a\n'
        self.assert_does_not_start([
            ('enable = true\n', r'\[saml\] idp_metadata_url is missing'),
            ('enable = true\nidp_metadata_url = https://a\n', r'\[saml\] base_url is missing'),
            (well + 'idp_metadata_file = /a\n', r'\[saml\] idp_metadata_url and idp_metadata_file'),
            ('idp_metadata_url = http://id.example.com\n', r'\[saml\] idp_metadata_url: .*https://'),
            (well + 'idp_certificate_file = /nowhere\n', r'\[saml\] idp_certificate_file cannot be used'),
            (well + 'idp_certificate_file = %s\n' % own.key, r'\[saml\] idp_certificate_file .* private key'),
            (well + 'key_file = %s\n' % own.key, r'\[saml\] certificate_file is missing'),
            (well + 'certificate_file = %s\n' % own.certificate, r'\[saml\] key_file is missing'),
            (well + 'key_file = %s\ncertificate_file = %s\n' % (own.certificate, own.certificate), r'\[saml\] key_file'),
            (well + 'key_file = %s\ncertificate_file = %s\n' % (own.key, own.key), r'is no certificate'),
            (well + 'key_file = %s\ncertificate_file = %s\n' % (own.key, elliptic.certificate), r'of another key'),
            (well + 'key_file = %s\ncertificate_file = %s\n' % (elliptic.key, elliptic.certificate), r'not RSA')])
