"""Debian's slapd for a test: a process of its own, free loopback ports, a temporary folder, no service of the system."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from harness.case import wait_until
from harness.tls import Certificates

SUFFIX = 'dc=example,dc=org'
ROOT_DN, ROOT_PASSWORD = 'cn=root,' + SUFFIX, 'root-secret'
RUN_LIMIT_S = 60
ENVIRONMENT = {**os.environ, 'PATH': os.environ.get('PATH', '') + ':/usr/sbin:/sbin'}
CONFIG = '''
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
allow bind_anon_dn
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database mdb
maxsize 16777216
suffix "{suffix}"
rootdn "{root_dn}"
rootpw {root_password}
directory {folder}/database
access to attrs=userPassword by anonymous auth by * none
access to * by users read by anonymous auth
'''


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


class Slapd:
    """A directory that holds `ldif`, and says yes to whoever has no password; with a certificate for `names`. Call start(), stop() and close()."""

    def __init__(self, ldif, names='IP:127.0.0.1'):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='divan-test-'))
        (self.folder / 'database').mkdir()
        self.make = Certificates(self.folder)
        self.authority = self.make.authority()
        certificate = self.make.issue('slapd', self.authority, names)
        self.config = self.folder / 'slapd.conf'
        self.config.write_text(CONFIG.format(
            folder=self.folder, authority=self.authority.certificate, certificate=certificate.certificate,
            key=certificate.key, suffix=SUFFIX, root_dn=ROOT_DN, root_password=ROOT_PASSWORD), encoding='utf-8')
        self.port, self.tls_port = free_port(), free_port()
        self.process = None
        subprocess.run(['slapadd', '-f', str(self.config)], input=ldif.encode(), check=True, capture_output=True,
                       timeout=RUN_LIMIT_S, env=ENVIRONMENT)

    @property
    def url(self):
        return 'ldap://127.0.0.1:%d' % self.port

    @property
    def tls_url(self):
        return 'ldaps://127.0.0.1:%d' % self.tls_port

    def start(self):
        log = (self.folder / 'log').open('ab')
        self.process = subprocess.Popen(['slapd', '-f', str(self.config), '-h', self.url + ' ' + self.tls_url, '-d', '0'],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT)
        log.close()
        if not wait_until(self.answers):
            text = (self.folder / 'log').read_text()
            self.stop()
            raise AssertionError('slapd did not start\n' + text)
        return self

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def answers(self):
        for port in (self.port, self.tls_port):
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
            except OSError:
                return False
        return True

    def stop(self):
        """Ends the process and its connections; the data stays."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(RUN_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(RUN_LIMIT_S)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def change(self, ldif):
        """Applies changes, in the form of ldapmodify."""
        subprocess.run(['ldapmodify', '-x', '-H', self.url, '-D', ROOT_DN, '-w', ROOT_PASSWORD], input=ldif.encode(),
                       check=True, capture_output=True, timeout=RUN_LIMIT_S)


def person(name, password='pw', **attributes):
    """An entry of ou=people, as LDIF."""
    lines = ['dn: uid=%s,ou=people,%s' % (name.replace(',', '\\,'), SUFFIX), 'objectClass: inetOrgPerson', 'uid: ' + name, 'cn: ' + name,
             'sn: ' + name]
    lines += ['userPassword: ' + password] if password else []
    for attribute, values in attributes.items():
        lines += ['%s: %s' % (attribute, value) for value in ([values] if isinstance(values, str) else values)]
    return '\n'.join(lines) + '\n\n'


def group(name, *members, base='ou=groups'):
    lines = ['dn: cn=%s,%s,%s' % (name, base, SUFFIX), 'objectClass: groupOfNames', 'cn: ' + name]
    lines += ['member: uid=%s,ou=people,%s' % (member, SUFFIX) for member in members]
    return '\n'.join(lines) + '\n\n'


def tree():
    """The suffix, its two folders, and cn=divan with the password `service-secret`, who may search."""
    text = 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n\n' % SUFFIX
    for folder in ('people', 'groups'):
        text += 'dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n' % (folder, SUFFIX, folder)
    return text + ('dn: cn=divan,%s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: divan\n'
                   'userPassword: service-secret\n\n' % SUFFIX)
