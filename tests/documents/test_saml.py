"""SAML: logins at a real provider, and what happens when one, or somebody on the way, lies."""
import html
import pathlib
import re
import threading
import urllib.parse
import xml.dom.minidom

import requests

from harness.case import ServerTestCase
from harness.saml import (ASSERTION, EMAIL, ENVELOPED, EXCLUSIVE, METADATA, PERSISTENT, PROTOCOL, TRANSIENT,
                          FakeProvider, Pair, RealProvider, Request, Wrapped, encoded, moment)
from harness.server import Server
from harness.tls import TlsFront

LIMIT_S = 60
USER_ID = 'org.couchdb.user:'
LOGIN, ACS, END, SERVICE = ('/_session/saml/' + name for name in ('login', 'acs', 'end', 'metadata'))
MAIL = 'urn:oid:0.9.2342.19200300.100.1.3'


class SamlTestCase(ServerTestCase):
    def configure(self, section='saml', **settings):
        for key, value in settings.items():
            self.answer(self.server.put('/_node/_local/_config/%s/%s' % (section, key), json=str(value)), 200)

    def browser(self):
        session = requests.Session()
        session.trust_env = False
        self.addCleanup(session.close)
        return session

    def get(self, browser, url, **options):
        url = self.server.url + url if url.startswith('/') else url
        return browser.get(url, timeout=LIMIT_S, **options)

    def post(self, form):
        """What a page of another site has the browser send: no cookie comes along."""
        return requests.post(self.server.url + ACS, data=form, timeout=LIMIT_S, allow_redirects=False)

    def begin(self, browser, next_path='/_session'):
        answer = self.get(browser, LOGIN, params={'next': next_path}, allow_redirects=False)
        self.assertEqual(answer.status_code, 302, answer.text)
        return Request(answer.headers['Location'])

    def who(self, browser):
        return self.get(browser, '/_session').json()['userCtx']

    def user(self, name):
        return self.answer(self.server.get('/_users/' + USER_ID + name), 200)

    def forget_users(self):
        for row in self.server.get('/_users/_all_docs').json()['rows']:
            if row['id'].startswith(USER_ID):
                self.server.delete('/_users/' + row['id'], params={'rev': row['value']['rev']})


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
                     'attributes': {'groups': 'staff'}}}, **options)
        self.addCleanup(provider.stop)
        self.configure(idp_metadata_url=provider.origin + '/metadata', enable='true')
        return provider

    def submit(self, browser, page, **fields):
        """Presses the button of a page."""
        form = re.search(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page.text, re.S)
        for tag in re.findall(r'<input[^>]*>', form[2]):
            attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            if 'name' in attributes:
                fields.setdefault(attributes['name'], html.unescape(attributes.get('value', '')))
        action = urllib.parse.urljoin(page.url, html.unescape(form[1]))
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


class FakeProviderTest(SamlTestCase):
    """A provider that lies, and messages that were changed on the way."""

    server_arguments = {'memory': True}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = FakeProvider()
        cls.addClassCleanup(cls.provider.close)
        cls.other = Pair(cls.provider.folder, 'other')

    def setUp(self):
        super().setUp()
        self.provider.reset()
        self.configure(base_url=self.server.url, idp_metadata_url=self.provider.metadata_url, roles_attribute='groups',
                       groups_as_roles='true', attributes='mail', name_attribute='', force_authn='false',
                       clock_leeway_seconds=5, enable='true')
        self.forget_users()

    def finish(self, browser, asked, text):
        """The last answer after the provider's response was posted."""
        answer = self.post({'SAMLResponse': encoded(text), 'RelayState': asked.state})
        if answer.status_code != 303:
            return answer
        self.assertEqual(answer.headers['Location'], END + '?state=' + asked.state)
        return self.get(browser, answer.headers['Location'])

    def log_in(self, **changes):
        browser = self.browser()
        asked = self.begin(browser)
        return self.finish(browser, asked, self.provider.good(asked, **changes))

    def refused(self, part, text, status=401, word='unauthorized'):
        browser = self.browser()
        asked = self.begin(browser)
        answer = self.finish(browser, asked, text(asked) if callable(text) else text)
        self.assertIn(part, self.error(answer, status, word))
        self.assertIsNone(self.who(browser)['name'])

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

    def test_forms_of_signatures_that_are_taken(self):
        provider = self.provider
        for hash_name in ('sha384', 'sha512'):
            self.answer(self.log_in(sign={'method': 'http://www.w3.org/2001/04/xmldsig-more#rsa-' + hash_name}), 200)
        for both in ({'sign': {}}, {'sign': None}):
            browser = self.browser()
            asked = self.begin(browser)
            text = provider.response(asked, provider.assertion(asked, **both), sign={})
            self.answer(self.finish(browser, asked, provider.sign(text)), 200)

    def test_assertions_that_do_not_count(self):
        provider = self.provider
        for part, changes in [
                ('its issuer', {'issuer': 'urn:example:another'}),
                ('its issuer', {'issuer': ''}),
                ('its audience', {'audience': 'https://another.example.com'}),
                ('no AudienceRestriction', {'audience': None}),
                ('its audience', {'conditions': '<saml:AudienceRestriction><saml:Audience>x</saml:Audience>'
                                                '</saml:AudienceRestriction>'}),
                ('its Recipient', {'recipient': 'https://another.example.com/_session/saml/acs'}),
                ('its Recipient', {'recipient': None}),
                ('not confirmed for this login', {'in_response_to': '_another'}),
                ('not confirmed for this login', {'in_response_to': None}),
                ('expired (NotOnOrAfter)', {'until': moment(-60)}),
                ('no NotOnOrAfter', {'until': None}),
                ('no time in UTC', {'until': '2036-01-01T00:00:00+01:00'}),
                ('has a NotBefore', {'confirmation': ' NotBefore="2026-01-01T00:00:00Z"'}),
                ('expired (NotOnOrAfter)', {'conditions_until': moment(-60)}),
                ('not valid yet', {'from': moment(60)}),
                ('not known', {'conditions': '<saml:Condition/>'}),
                ('not known', {'conditions': '<x:Secret xmlns:x="urn:x"/>'}),
                ('exactly one element Conditions', {'conditions': '</saml:Conditions><saml:Conditions>'}),
                ('method bearer', {'method': 'sender-vouches'}),
                ('no AuthnStatement', {'instant': None}),
                ('expired (SessionNotOnOrAfter)', {'session_until': moment(-60)}),
                ('not of SAML 2.0', {'version': '1.1'}),
                ('its NameID is malformed', {'name': 'anna<saml:x/>'}),
        ]:
            with self.subTest(part=part, changes=changes):
                self.refused(part, lambda asked: provider.good(asked, **changes))
        self.assertEqual(self.server.get('/_users/' + USER_ID + 'anna').status_code, 404)

    def test_responses_that_do_not_count(self):
        provider = self.provider
        for part, changes in [
                ('its issuer', {'issuer': 'urn:example:another'}),
                ('its Destination', {'destination': 'https://another.example.com/'}),
                ('its Destination', {'destination': ''}),
                ('does not answer this login', {'in_response_to': '_another'}),
                ('not of SAML 2.0', {'version': '1.1'}),
                ('has no status', {'status': ''}),
                ('refuses the login: Responder, AuthnFailed',
                 {'status': '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode '
                            'Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode>'}),
                ('a status of its own', {'status': '<samlp:StatusCode Value="urn:x &lt;script&gt;"/>'}),
                ('its assertion is encrypted',
                 {'assertion': '<saml:EncryptedAssertion xmlns:saml="%s"/>' % ASSERTION}),
                ('exactly one assertion', {'assertion': ' '}),
        ]:
            for sign in (None, {}):
                with self.subTest(part=part, changes=changes, sign=sign):
                    self.refused(part, lambda asked: provider.sign(provider.response(asked, sign=sign, **changes)))

    def test_signatures_that_do_not_count(self):
        provider = self.provider
        key_info = '<ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo>'
        public_key = pathlib.Path(provider.path('public.pem'))
        public_key.write_bytes(provider.pair.public_key)
        xslt = ('<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet version="1.0" '
                'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"/></xsl:stylesheet>'
                '</ds:Transform>')

        def with_form(pair=None, secret=None, **form):
            return lambda asked: provider.sign(provider.response(asked, provider.assertion(asked, sign=form)), pair, secret)

        def unsigned(asked):
            return provider.response(asked, provider.assertion(asked, sign=None))

        def swapped(what, by):
            def change(asked):
                text = provider.good(asked)
                self.assertIn(what, text)
                return text.replace(what, by)
            return change

        for part, text in [
                ('neither it nor its assertion is signed', unsigned),
                ('not by a key', swapped('>anna<', '>bert<')),
                ('not by a key', swapped('>staff<', '>_admin<')),
                ('not by a key', lambda asked: provider.response(asked)),
                ('not by a key', with_form(self.other)),
                ('not by a key', with_form(self.other, more=key_info % self.other.base64)),
                ('not by a key', with_form(self.other, more=key_info % provider.pair.base64)),
                ('algorithm that is not taken', with_form(method='http://www.w3.org/2000/09/xmldsig#rsa-sha1')),
                ('algorithm that is not taken',
                 with_form(secret=str(public_key), method='http://www.w3.org/2001/04/xmldsig-more#hmac-sha256')),
                ('digest is of an algorithm', with_form(digest='http://www.w3.org/2000/09/xmldsig#sha1')),
                ('canonical form', with_form(canonical='http://www.w3.org/TR/2001/REC-xml-c14n-20010315')),
                ('transforms', with_form(transforms=(ENVELOPED,))),
                ('transforms', lambda asked: provider.response(asked, provider.assertion(
                    asked, sign={'transforms': (ENVELOPED, xslt, EXCLUSIVE)}))),
                ('another element', with_form(uri='')),
                ('another element', swapped('URI="#_a', 'URI="#_b')),
                ('other parts', with_form(more='<ds:Object>x</ds:Object>')),
                ('other parts', swapped('</ds:Signature>', '<x/></ds:Signature>')),
        ]:
            with self.subTest(part=part, text=str(text)):
                self.refused(part, text)

    def test_both_are_signed_and_one_of_them_badly(self):
        provider = self.provider

        def both(badly):
            def text(asked):
                signed = provider.sign(provider.response(asked, provider.assertion(asked), sign={}))
                before, value, after = re.search(r'(.*<ds:Signature .*?<ds:SignatureValue>)(.*?)(</ds:SignatureValue>.*)',
                                                 signed, re.S).groups() if badly == 'Response' else re.search(
                    r'(.*<ds:Signature .*<ds:SignatureValue>)(.*?)(</ds:SignatureValue>.*)', signed, re.S).groups()
                return before + ('B' if value[0] == 'A' else 'A') + value[1:] + after
            return text

        for badly in ('Response', 'Assertion'):
            with self.subTest(badly):
                self.refused('not by a key', both(badly))

    def test_wrapped_signatures(self):
        provider = self.provider
        for name, of_response in [('xsw1', True), ('xsw2', True), ('xsw3', False), ('xsw4', False), ('xsw5', False),
                                  ('xsw6', False), ('xsw7', False), ('xsw8', False)]:
            def text(asked):
                assertion = provider.assertion(asked, sign=None if of_response else {})
                response = provider.response(asked, assertion, sign={} if of_response else None)
                wrapped = Wrapped(provider.sign(response))
                getattr(wrapped, name)()
                self.assertIn('victim', wrapped.text())
                return wrapped.text()
            with self.subTest(name):
                self.refused('The answer of the identity provider is refused', text)

        def both(asked):
            wrapped = Wrapped(provider.sign(provider.response(asked, sign={})))
            wrapped.xsw3()
            return wrapped.text()
        self.refused('exactly one assertion', both)
        for victim in ('victim', 'anna'):
            self.assertEqual(self.server.get('/_users/' + USER_ID + victim).status_code, 404)

    def test_texts_that_are_split(self):
        """CVE-2017-11427 and others: the canonical form has no comments, a reader's text may end at one."""
        name = 'admin@example.com<!-- -->.evil.example'
        self.refused('comment', lambda asked: self.provider.good(asked, name=name))
        self.refused('comment', lambda asked: self.provider.good(asked).replace('>anna<', '>an<!-- -->na<'))
        self.refused('processing instruction', lambda asked: self.provider.good(asked).replace('>anna<', '>an<?x y?>na<'))

    def test_documents_that_are_bombs(self):
        bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">%s]>' % ''.join(
            '<!ENTITY %s "%s">' % (name, ('&%s;' % before) * 10) for before, name in zip('abcdefgh', 'bcdefghi'))
        for part, text in [
                ('DOCTYPE', lambda asked: '<!DOCTYPE samlp:Response>' + self.provider.good(asked).partition('?>')[2]),
                ('DOCTYPE', bomb + '<a>&i;</a>'),
                ('DOCTYPE', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'),
                ('DOCTYPE', '<!DOCTYPE a SYSTEM "http://127.0.0.1:%d/dtd"><a/>' % self.provider.port),
                ('deeper', '<a>' * 10000),
                ('more than 20000 elements', '<a>' + '<b/>' * 30000 + '</a>'),
                ('no well-formed XML', ''.join('<a%d xmlns:b="c">' % n for n in range(60))),
                ('not UTF-8', '<a/>'.encode('utf-16')),
                ('not UTF-8', b'<a>\xff</a>'),
                ('no well-formed XML', '\n'),
                ('no SAML response', '<a/>'),
                ('no SAML response', '<Response xmlns="%s"/>' % ASSERTION)]:
            with self.subTest(part=part, text=str(text)[:60]):
                self.refused(part, text)
        self.assertNotIn('/dtd', self.provider.requests)

    def test_truncated(self):
        """At every tenth byte, and of the form itself."""
        browser = self.browser()
        asked = self.begin(browser)
        text = self.provider.good(asked)
        for size in range(0, len(text.rstrip()) - 1, max(1, len(text) // 60)):
            with self.subTest(size=size):
                answer = self.post({'SAMLResponse': encoded(text[:size]), 'RelayState': asked.state})
                self.assertIn(answer.status_code, (400, 401))
        whole = encoded(text)
        for form, status, word, part in [
                ({'RelayState': asked.state}, 400, 'bad_request', 'no SAMLResponse'),
                ({'SAMLResponse': '', 'RelayState': asked.state}, 400, 'bad_request', 'no SAMLResponse'),
                ({'SAMLResponse': '%%%', 'RelayState': asked.state}, 400, 'bad_request', 'not in base64'),
                ({'SAMLResponse': whole}, 400, 'bad_request', 'is not known'),
                ({'SAMLResponse': whole, 'RelayState': asked.state + 'x'}, 400, 'bad_request', 'is not known'),
                ({'SAMLResponse': 'A' * 300_000 * 2, 'RelayState': asked.state}, 413, 'too_large', '')]:
            with self.subTest(part=part):
                self.assertIn(part, self.error(self.post(form), status, word))
        answer = requests.post(self.server.url + ACS, json={'SAMLResponse': whole}, timeout=LIMIT_S)
        self.error(answer, 415, 'bad_content_type')
        # None of it has spoiled the login.
        self.answer(self.finish(browser, asked, text), 200)

    def test_an_answer_counts_once(self):
        browser = self.browser()
        asked = self.begin(browser)
        text = self.provider.good(asked)
        form = {'SAMLResponse': encoded(text), 'RelayState': asked.state}
        end = self.post(form).headers['Location']
        # While the login waits for its browser, after that, and for another login.
        self.assertIn('answered this login already', self.error(self.post(form), 400, 'bad_request'))
        self.answer(self.get(browser, end), 200)
        self.assertIn('ended already', self.error(self.post(form), 400, 'bad_request'))
        self.assertIn('ended already', self.error(self.get(browser, end), 400, 'bad_request'))
        self.refused('does not answer this login', text)

    def test_an_assertion_that_another_login_has_used(self):
        """Even if it were for both."""
        browser = self.browser()
        first, second = self.begin(browser), self.begin(browser)
        self.answer(self.finish(browser, first, self.provider.good(first, id='_same')), 200)
        answer = self.finish(browser, second, self.provider.good(second, id='_same'))
        self.assertIn('was used before', self.error(answer, 401, 'unauthorized'))

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
        self.answer(self.server.put('/_users/' + USER_ID + 'anna', json={**self.user('anna'), 'locked': True}), 201)
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

    def test_the_clocks_may_differ_by_the_leeway(self):
        self.configure(clock_leeway_seconds=60)
        self.answer(self.log_in(until=moment(-30), conditions_until=moment(-30), session_until=moment(-30)), 200)
        self.answer(self.log_in(**{'from': moment(30)}), 200)
        self.error(self.log_in(until=moment(-90)), 401, 'unauthorized')

    def test_next_leads_to_no_other_server(self):
        for path in ('//evil.example', 'https://evil.example', '/\\evil.example', '', '/a%0d%0aX: y'):
            with self.subTest(path=path):
                answer = self.get(self.browser(), LOGIN + '?next=' + path, allow_redirects=False)
                self.assertIn('next must be a path', self.error(answer, 400, 'bad_request'))

    def test_logins_are_counted(self):
        def counts():
            stats = self.server.get('/_node/_local/_stats/divan/saml').json()
            return stats['logins']['value'], stats['logins_failed']['value']
        well, badly = counts()
        self.log_in()
        self.log_in(audience='x')
        self.assertEqual(counts(), (well + 1, badly + 1))

    def test_pending_logins_are_bounded(self):
        self.configure(logins_pending_max=2)
        self.addCleanup(self.configure, logins_pending_max=10000)
        browser = self.browser()
        all_asked = [self.begin(browser) for _ in range(3)]
        self.assertEqual([self.finish(browser, asked, self.provider.good(asked)).status_code for asked in all_asked],
                         [400, 200, 200])

    def test_changes_that_cannot_work_are_refused(self):
        for key, value in [('idp_metadata_url', 'http://id.example.com/metadata'), ('base_url', 'https://a/?b'),
                           ('base_url', 'ftp://a'), ('entity_id', 'a b'), ('attributes', 'a:'), ('attributes', 'http://a/b'),
                           ('clock_leeway_seconds', '61')]:
            with self.subTest(key=key, value=value):
                answer = self.server.put('/_node/_local/_config/saml/' + key, json=value)
                self.assertIn(key, self.error(answer, 400, 'bad_request'))


class ProviderOutOfOrderTest(SamlTestCase):
    def setUp(self):
        self.provider = FakeProvider()
        self.addCleanup(self.provider.close)

    def serve(self, **settings):
        settings = {'enable': 'true', 'entity_id': 'urn:divan', 'idp_metadata_url': self.provider.metadata_url, **settings}
        server = Server(memory=True, config='[saml]\n' + ''.join('%s = %s\n' % item for item in settings.items()))
        self.addCleanup(server.close)
        self.server = server.start()
        self.addCleanup(server.stop)

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
        self.serve(idp_metadata_url='http://127.0.0.1:1/')
        self.refused('cannot be asked', 'http://127.0.0.1:1/')
        self.provider.status = 500
        self.serve()
        self.refused('answers 500')
        self.serve(idp_metadata_url='', idp_metadata_file='/nowhere/metadata.xml')
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
                self.serve()
                self.refused(part)

    def test_one_provider_of_many(self):
        self.provider.metadata = '<EntitiesDescriptor xmlns="%s">%s%s</EntitiesDescriptor>' % (
            METADATA, self.provider.descriptor(entity='urn:example:second', certificates=[]), self.provider.descriptor())
        self.serve(idp_entity_id=self.provider.entity)
        self.assertEqual(self.finish().status_code, 200)
        self.serve(idp_entity_id='urn:example:third')
        self.refused('urn:example:third')

    def test_metadata_of_a_file(self):
        path = pathlib.Path(self.provider.path('metadata.xml'))
        path.write_text(self.provider.descriptor())
        self.serve(idp_metadata_url='', idp_metadata_file=str(path))
        self.assertEqual(self.finish().status_code, 200)
        self.assertEqual(self.provider.requests, [])

    def test_keys_of_the_metadata_and_a_pinned_one(self):
        other = Pair(self.provider.folder, 'other', ('ec', '-pkeyopt', 'ec_paramgen_curve:P-256'))
        self.provider.metadata = self.provider.descriptor(certificates=[other.base64, self.provider.pair.base64])
        self.serve()
        self.assertEqual(self.finish().status_code, 200)
        self.serve(idp_certificate_file=other.certificate)
        self.assertIn('not by a key', self.error(self.finish(), 401, 'unauthorized'))
        self.provider.metadata = self.provider.descriptor(certificates=[])
        self.serve(idp_certificate_file=self.provider.pair.certificate)
        self.assertEqual(self.finish().status_code, 200)

    def test_metadata_is_kept(self):
        self.serve(metadata_refresh_seconds=10)
        self.assertEqual(self.finish().status_code, 200)
        self.provider.metadata = ''
        self.assertEqual(self.finish().status_code, 200)
        self.assertEqual(self.provider.requests, ['/metadata?a=1'])

    def test_a_provider_with_tls_is_trusted_by_its_authority_alone(self):
        with TlsFront(self.provider.port) as front:
            url = 'https://127.0.0.1:%d/metadata' % front.port
            self.serve(idp_metadata_url=url)
            self.refused('certificate', url)
            self.serve(idp_metadata_url=url, ca_file=front.certificate)
            self.assertEqual(self.finish().status_code, 200)

    def test_a_slow_provider_holds_up_nobody(self):
        asked, go = threading.Event(), threading.Event()
        self.addCleanup(go.set)
        self.provider.get = lambda handler: (asked.set(), go.wait(LIMIT_S))
        self.serve(timeout_ms=300)
        reasons = []
        waiting = threading.Thread(target=lambda: reasons.append(self.get(self.browser(), LOGIN).json()['reason']))
        waiting.start()
        self.assertTrue(asked.wait(LIMIT_S))
        self.assertEqual(self.get(self.browser(), '/_up').status_code, 200)
        waiting.join(LIMIT_S)
        self.assertIn('no answer within 300 ms', reasons[0])

    def test_a_stop_does_not_wait_for_the_provider(self):
        asked, go = threading.Event(), threading.Event()
        self.addCleanup(go.set)
        self.provider.get = lambda handler: (asked.set(), go.wait(LIMIT_S))
        self.serve(timeout_ms=600000)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(self.get(self.browser(), LOGIN)))
        waiting.start()
        self.assertTrue(asked.wait(LIMIT_S))
        self.server.stop()
        waiting.join(LIMIT_S)
        self.assertEqual(answers[0].status_code, 503)
        self.assertIn('shutting down', answers[0].json()['reason'])
        self.server.start()

    def test_nothing_of_it_is_logged(self):
        server = Server(memory=True, config='[log]\nlevel = debug\n[saml]\nenable = true\nentity_id = urn:divan\n'
                                            'idp_metadata_url = %s\n' % self.provider.metadata_url)
        self.addCleanup(server.close)
        self.server = server.start()
        self.addCleanup(server.stop)
        browser = self.browser()
        first, second = self.begin(browser), self.begin(browser)
        self.assertEqual(first.entity, 'urn:divan')
        texts = [self.provider.good(first), self.provider.good(second, audience='x')]
        for asked, text, status in zip((first, second), texts, (303, 401)):
            answer = self.post({'SAMLResponse': encoded(text), 'RelayState': asked.state})
            self.assertEqual(answer.status_code, status)
        self.answer(self.get(browser, END, params={'state': first.state}), 200)
        server.stop()
        log = '\n'.join(server.log)
        server.start()
        self.assertIn('logged in by saml', log)
        self.assertIn('a login at the identity provider failed', log)
        for secret in (first.state, second.state, first.id, encoded(texts[0])[:40], texts[0][-200:-100]):
            self.assertNotIn(secret, log)

    def test_not_enabled(self):
        self.server = Server(memory=True)
        self.addCleanup(self.server.close)
        self.server.start()
        self.addCleanup(self.server.stop)
        for path in (LOGIN, END, SERVICE):
            self.assertIn('[saml] enable', self.error(self.get(self.browser(), path), 404, 'not_found'))
        self.assertIn('[saml] enable', self.error(self.post({'SAMLResponse': 'AAAA'}), 404, 'not_found'))

    def test_a_start_with_settings_that_cannot_work(self):
        own = Pair(self.provider.folder, 'own')
        elliptic = Pair(self.provider.folder, 'elliptic', ('ec', '-pkeyopt', 'ec_paramgen_curve:P-256'))
        well = 'enable = true\nentity_id = urn:divan\nidp_metadata_url = https://a\n'
        for config, part in [
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
                (well + 'key_file = %s\ncertificate_file = %s\n' % (elliptic.key, elliptic.certificate), r'not RSA')]:
            with self.subTest(part=part):
                server = Server(memory=True, config='[saml]\n' + config)
                self.addCleanup(server.close)
                with self.assertRaisesRegex(AssertionError, part):
                    server.start()
