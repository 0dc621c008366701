"""What tests of logins by SAML share."""
import requests

from harness.provider import LIMIT_S, ProviderTestCase
from harness.saml import FakeProvider, Pair, Request, encoded

LOGIN, ACS, END, SERVICE = ('/_session/saml/' + name for name in ('login', 'acs', 'end', 'metadata'))


class SamlTestCase(ProviderTestCase):
    section = 'saml'

    def post(self, form):
        """What a page of another site has the browser send: no cookie comes along."""
        return requests.post(self.server.url + ACS, data=form, timeout=LIMIT_S, allow_redirects=False)

    def begin(self, browser, next_path='/_session'):
        answer = self.get(browser, LOGIN, params={'next': next_path}, allow_redirects=False)
        self.assertEqual(answer.status_code, 302, answer.text)
        return Request(answer.headers['Location'])


class FakeProviderTestCase(SamlTestCase):
    """With a provider that lies as it is told."""

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
