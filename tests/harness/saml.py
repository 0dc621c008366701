"""SAML identity providers for tests, on loopback: a real one (npm samlp), and one that lies as it is told."""
import base64
import datetime
import json
import pathlib
import re
import subprocess
import urllib.parse
import xml.dom.minidom
import zlib

from harness.provider import LoopbackProvider, NodeProvider

COMMAND_LIMIT_S = 60
PROTOCOL = 'urn:oasis:names:tc:SAML:2.0:protocol'
ASSERTION = 'urn:oasis:names:tc:SAML:2.0:assertion'
METADATA = 'urn:oasis:names:tc:SAML:2.0:metadata'
SIGNATURE = 'http://www.w3.org/2000/09/xmldsig#'
FORMATS = 'urn:oasis:names:tc:SAML:%s:nameid-format:%s'
PERSISTENT, TRANSIENT = FORMATS % ('2.0', 'persistent'), FORMATS % ('2.0', 'transient')
EMAIL = FORMATS % ('1.1', 'emailAddress')
EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#'
ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'
SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256'


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, timeout=COMMAND_LIMIT_S,
                          stdin=subprocess.DEVNULL).stdout


class Pair:
    """A key and its certificate, by the openssl command."""

    def __init__(self, folder, name, kind=('rsa:2048',)):
        self.key, self.certificate = (str(pathlib.Path(folder) / (name + end)) for end in ('.key', '.crt'))
        run('openssl', 'req', '-x509', '-newkey', *kind, '-nodes', '-keyout', self.key, '-out', self.certificate,
            '-days', '2', '-subj', '/CN=' + name)

    @property
    def base64(self):
        lines = pathlib.Path(self.certificate).read_text().splitlines()
        return ''.join(line for line in lines if not line.startswith('-----'))

    @property
    def public_key(self):
        return run('openssl', 'x509', '-in', self.certificate, '-noout', '-pubkey')


class RealProvider(NodeProvider):
    """A process."""

    script = 'saml_provider.js'

    def __init__(self, pair, service, accounts, **options):
        super().__init__()
        self.settings = {'SAML_SERVICE': service, 'SAML_ACCOUNTS': json.dumps(accounts), 'SAML_KEY': pair.key,
                         'SAML_CERTIFICATE': pair.certificate, 'SAML_OPTIONS': json.dumps(options)}

    def environment(self):
        return self.settings


class Request:
    """What a browser brings to the provider."""

    def __init__(self, location):
        url = urllib.parse.urlsplit(location)
        self.url = location
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.state = self.query['RelayState']
        self.text = zlib.decompress(base64.b64decode(self.query['SAMLRequest']), -15).decode()
        root = xml.dom.minidom.parseString(self.text).documentElement
        self.id, self.acs = root.getAttribute('ID'), root.getAttribute('AssertionConsumerServiceURL')
        self.entity = root.getElementsByTagNameNS(ASSERTION, 'Issuer')[0].firstChild.data
        self.root = root


def moment(seconds=0):
    time = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return time.strftime('%Y-%m-%dT%H:%M:%S.%fZ')


def signature(element_id, method=RSA_SHA256, digest=SHA256, canonical=EXCLUSIVE, transforms=(ENVELOPED, EXCLUSIVE),
              uri=None, more=''):
    """A signature without its values."""
    steps = ''.join(each if each.startswith('<') else '<ds:Transform Algorithm="%s"/>' % each for each in transforms)
    return ('<ds:Signature xmlns:ds="%s"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="%s"/>'
            '<ds:SignatureMethod Algorithm="%s"/><ds:Reference URI="%s"><ds:Transforms>%s</ds:Transforms>'
            '<ds:DigestMethod Algorithm="%s"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>'
            '%s</ds:Signature>') % (SIGNATURE, canonical, method, '#' + element_id if uri is None else uri, steps,
                                    digest, more)


class FakeProvider(LoopbackProvider):
    """Makes responses as it is told, and serves its metadata."""

    entity = 'urn:example:provider'
    login_url = 'https://id.example.com/login?tenant=1'

    def __init__(self):
        super().__init__()
        self.pair = Pair(self.folder, 'first')
        self.reset()
        self.count = 0

    def reset(self):
        self.status = 200
        self.metadata = self.descriptor()

    @property
    def metadata_url(self):
        return 'http://127.0.0.1:%d/metadata?a=1' % self.port

    def get(self, handler):
        self.requests.append(handler.path)
        self.send(handler, self.status, self.metadata.encode())

    def descriptor(self, entity=None, certificates=None, attributes='', role='', binding='HTTP-Redirect',
                   location=None):
        keys = ''.join('<KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="%s"><ds:X509Data><ds:X509Certificate>'
                       '\n%s\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>' % (SIGNATURE, each)
                       for each in ([self.pair.base64] if certificates is None else certificates))
        return ('<!-- edited by hand --><EntityDescriptor xmlns="%s" entityID="%s" %s>'
                '<IDPSSODescriptor protocolSupportEnumeration="%s" %s>%s'
                '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:%s" Location="%s"/>'
                '</IDPSSODescriptor></EntityDescriptor>') % (
                    METADATA, entity or self.entity, attributes, PROTOCOL, role, keys, binding,
                    (location or self.login_url).replace('&', '&amp;'))

    def assertion(self, asked, **changes):
        """Without values of signatures. `sign`: None, or more for signature()."""
        self.count += 1
        values = {'id': '_a%d' % self.count, 'version': '2.0', 'issuer': self.entity, 'name': 'anna',
                  'format': PERSISTENT, 'recipient': asked.acs, 'in_response_to': asked.id, 'until': moment(60),
                  'from': moment(-1), 'conditions_until': moment(60), 'audience': asked.entity,
                  'session_until': moment(3600), 'instant': moment(), 'method': 'bearer', 'confirmation': '',
                  'conditions': '', 'sign': {}, 'attributes': {'groups': ['staff'], 'mail': ['anna@example.com']},
                  **changes}
        values['signature'] = '' if values['sign'] is None else signature(values['id'], **values['sign'])

        def attribute(name, value):
            return '' if value is None else ' %s="%s"' % (name, value)

        values['subject_data'] = (attribute('Recipient', values['recipient']) + attribute('NotOnOrAfter', values['until'])
                                  + attribute('InResponseTo', values['in_response_to']) + values['confirmation'])
        values['name_id'] = '' if values['name'] is None else '<saml:NameID%s>%s</saml:NameID>' % (
            attribute('Format', values['format']), values['name'])
        values['audiences'] = '' if values['audience'] is None else (
            '<saml:AudienceRestriction><saml:Audience>%s</saml:Audience></saml:AudienceRestriction>' % values['audience'])
        values['times'] = attribute('NotBefore', values['from']) + attribute('NotOnOrAfter', values['conditions_until'])
        values['statement'] = '' if values['instant'] is None else (
            '<saml:AuthnStatement AuthnInstant="%s"%s><saml:AuthnContext/></saml:AuthnStatement>' % (
                values['instant'], attribute('SessionNotOnOrAfter', values['session_until'])))
        values['said'] = ''.join('<saml:Attribute Name="%s">%s</saml:Attribute>' % (name, ''.join(
            '<saml:AttributeValue>%s</saml:AttributeValue>' % each for each in said))
            for name, said in values['attributes'].items())
        return ('<saml:Assertion xmlns:saml="' + ASSERTION + '" ID="{id}" Version="{version}" IssueInstant="2026-01-01T00:00:00Z">'
                '<saml:Issuer>{issuer}</saml:Issuer>{signature}<saml:Subject>{name_id}'
                '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:{method}">'
                '<saml:SubjectConfirmationData{subject_data}/></saml:SubjectConfirmation></saml:Subject>'
                '<saml:Conditions{times}>{audiences}{conditions}</saml:Conditions>{statement}'
                '<saml:AttributeStatement>{said}</saml:AttributeStatement></saml:Assertion>').format(**values)

    def response(self, asked, assertion=None, **changes):
        """The same of a response; the assertion is a text, by default a good one."""
        values = {'id': '_r%d' % self.count, 'version': '2.0', 'destination': asked.acs, 'in_response_to': asked.id,
                  'issuer': self.entity, 'status': '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>',
                  'sign': None, 'more': '', **changes}
        values['assertion'] = self.assertion(asked) if assertion is None else assertion
        values['signature'] = '' if values['sign'] is None else signature(values['id'], **values['sign'])
        return ('<samlp:Response xmlns:samlp="' + PROTOCOL + '" ID="{id}" Version="{version}" Destination="{destination}" '
                'InResponseTo="{in_response_to}" IssueInstant="2026-01-01T00:00:00Z">'
                '<saml:Issuer xmlns:saml="' + ASSERTION + '">{issuer}</saml:Issuer>{signature}'
                '<samlp:Status>{status}</samlp:Status>{more}{assertion}</samlp:Response>').format(**values)

    def sign(self, text, pair=None, secret=None):
        """Fills in the values of signatures, those of assertions first."""
        source, target = self.path('source.xml'), self.path('target.xml')
        by = ('--hmackey', secret) if secret else ('--privkey-pem', (pair or self.pair).key)
        for parent in ('Assertion', 'Response'):
            where = "//*[local-name()='Signature' and local-name(..)='%s']" % parent
            holds = r'<ds:DigestValue/>'
            for _ in range(len(re.findall(holds, text))):
                if not any(element.getElementsByTagNameNS(SIGNATURE, 'DigestValue')[0].firstChild is None
                           for element in xml.dom.minidom.parseString(text).getElementsByTagNameNS(SIGNATURE, 'Signature')
                           if element.parentNode.localName == parent):
                    break
                pathlib.Path(source).write_text(text)
                run('xmlsec1', '--sign', *by, '--id-attr:ID', ASSERTION + ':Assertion', '--id-attr:ID',
                    PROTOCOL + ':Response', '--node-xpath', where, '--output', target, source)
                text = pathlib.Path(target).read_text()
        return text

    def good(self, asked, **changes):
        return self.sign(self.response(asked, self.assertion(asked, **changes)))


def encoded(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class Wrapped:
    """The attacks of Somorovsky and others, "On Breaking SAML: Be Whoever You Want to Be" (2012)."""

    def __init__(self, text):
        self.document = xml.dom.minidom.parseString(text)
        self.response = self.document.documentElement
        self.assertion = self.response.getElementsByTagNameNS(ASSERTION, 'Assertion')[0]

    @staticmethod
    def signature_of(element):
        return next(child for child in element.childNodes if child.localName == 'Signature')

    def forged(self, element, keep_signature=False):
        """A copy that names the victim."""
        copy = element.cloneNode(True)
        copy.setAttribute('ID', '_evil')
        for name in copy.getElementsByTagNameNS(ASSERTION, 'NameID'):
            name.firstChild.data = 'victim'
        if not keep_signature:
            copy.removeChild(self.signature_of(copy))
        return copy

    def without_signature(self, element):
        copy = element.cloneNode(True)
        copy.removeChild(self.signature_of(copy))
        return copy

    def text(self):
        return self.document.documentElement.toxml()

    def xsw1(self):
        evil = self.forged(self.response, keep_signature=True)
        self.signature_of(evil).appendChild(self.without_signature(self.response))
        self.document.replaceChild(evil, self.response)

    def xsw2(self):
        evil = self.forged(self.response, keep_signature=True)
        evil.insertBefore(self.without_signature(self.response), self.signature_of(evil))
        self.document.replaceChild(evil, self.response)

    def xsw3(self):
        self.response.insertBefore(self.forged(self.assertion), self.assertion)

    def xsw4(self):
        evil = self.forged(self.assertion)
        self.response.replaceChild(evil, self.assertion)
        evil.appendChild(self.assertion)

    def xsw5(self):
        original = self.without_signature(self.assertion)
        self.response.replaceChild(self.forged(self.assertion, keep_signature=True), self.assertion)
        self.response.appendChild(original)

    def xsw6(self):
        original = self.without_signature(self.assertion)
        evil = self.forged(self.assertion, keep_signature=True)
        self.response.replaceChild(evil, self.assertion)
        self.signature_of(evil).appendChild(original)

    def xsw7(self):
        extensions = self.document.createElementNS(PROTOCOL, 'samlp:Extensions')
        extensions.appendChild(self.forged(self.assertion))
        self.response.insertBefore(extensions, self.assertion)

    def xsw8(self):
        original = self.without_signature(self.assertion)
        evil = self.forged(self.assertion, keep_signature=True)
        self.response.replaceChild(evil, self.assertion)
        thing = self.document.createElementNS(SIGNATURE, 'ds:Object')
        thing.appendChild(original)
        self.signature_of(evil).appendChild(thing)
