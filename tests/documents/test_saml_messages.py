"""SAML: messages that were forged, wrapped, replayed and cut, by a provider or by somebody on the way."""
import pathlib
import re

import requests

from harness.provider import LIMIT_S, USER_ID
from harness.saml import ASSERTION, ENVELOPED, EXCLUSIVE, Wrapped, encoded, moment
from harness.saml_case import ACS, FakeProviderTestCase


class MessagesTest(FakeProviderTestCase):
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

    def test_the_clocks_may_differ_by_the_leeway(self):
        self.configure(clock_leeway_seconds=60)
        self.answer(self.log_in(until=moment(-30), conditions_until=moment(-30), session_until=moment(-30)), 200)
        self.answer(self.log_in(**{'from': moment(30)}), 200)
        self.error(self.log_in(until=moment(-90)), 401, 'unauthorized')
