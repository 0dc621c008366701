"""Certificates made for a test, and TLS in front of a server that speaks plain HTTP."""
import pathlib
import select
import socket
import ssl
import subprocess
import tempfile
import threading

MAKE_LIMIT_S = 60
BUFFER_BYTES = 65536


class Certificate:
    """A certificate and its key, as PEM files."""

    def __init__(self, folder, name):
        self.name = name
        self.certificate = pathlib.Path(folder) / (name + '.pem')
        self.key = pathlib.Path(folder) / (name + '.key')


class Certificates:
    """Makes certificates in a folder that exists."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def openssl(self, *arguments):
        subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True, timeout=MAKE_LIMIT_S)

    def authority(self, name='authority'):
        made = Certificate(self.folder, name)
        self.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 2,
                     '-subj', '/CN=' + name, '-addext', 'basicConstraints=critical,CA:TRUE',
                     '-keyout', made.key, '-out', made.certificate)
        return made

    def issue(self, name, authority, names='IP:127.0.0.1,DNS:localhost', days=2, password=None):
        """A certificate of `authority`; with negative days, one that has ended."""
        made = Certificate(self.folder, name)
        request, extensions = self.folder / (name + '.csr'), self.folder / (name + '.ext')
        extensions.write_text('subjectAltName=%s\n' % names, encoding='utf-8')
        protection = ['-passout', 'pass:' + password] if password else ['-nodes']
        self.openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', *protection, '-subj', '/CN=' + name,
                     '-keyout', made.key, '-out', request)
        self.openssl('x509', '-req', '-in', request, '-CA', authority.certificate, '-CAkey', authority.key,
                     '-CAcreateserial', '-days', days, '-extfile', extensions, '-out', made.certificate)
        return made


class TlsFront:
    """Listens on a free loopback port and passes on what comes, decrypted, to `port`; use it in a `with`."""

    def __init__(self, port):
        self.port_behind = port
        self.folder = tempfile.TemporaryDirectory(prefix='divan-test-')
        self.certificate = pathlib.Path(self.folder.name) / 'certificate.pem'
        self.key = pathlib.Path(self.folder.name) / 'key.pem'

    def __enter__(self):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
                        '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', self.key, '-out', self.certificate],
                       check=True, capture_output=True, timeout=MAKE_LIMIT_S)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, self.key)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.folder.cleanup()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as front, \
                    socket.create_connection(('127.0.0.1', self.port_behind)) as behind:
                while True:
                    ready = [front] if front.pending() else select.select([front, behind], [], [])[0]
                    for one in ready:
                        data = one.recv(BUFFER_BYTES)
                        if not data:
                            return
                        (behind if one is front else front).sendall(data)
        except OSError:  # a client that does not trust it, or has enough
            client.close()
