"""Starts pouchdb-server, a CouchDB on PouchDB: in memory, on a free loopback port, for anybody."""
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile

import requests

from harness import clients
from harness.case import wait_until

FOLDER = clients.FOLDER / 'pouchdb-server'
START_LIMIT_S = 60
REQUEST_LIMIT_S = 60
PORTS_TRIED_MAX = 5
LOG_CHARS = 5000


class PouchDBServer:
    """One process; everybody is admin. Use it in a `with`, or call start() and close(). What it holds is gone
    with it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='divan-test-'))
        self.process = self.origin = None
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def start(self):
        """Starts the process and returns self when it answers."""
        program = clients.node_modules(FOLDER) / 'pouchdb-server' / 'bin' / 'pouchdb-server'
        (self.folder / 'config.json').write_text(json.dumps({'log': {'file': str(self.folder / 'server.log')}}))
        for _ in range(PORTS_TRIED_MAX):
            port = free_port()
            self.origin = 'http://127.0.0.1:%d' % port
            with open(self.folder / 'output', 'wb') as output:
                self.process = subprocess.Popen(
                    # A replication that fails is a rejection nobody handles, which ends a process of today's node.
                    ['node', '--unhandled-rejections=warn', str(program), '--in-memory', '--no-stdout-logs',
                     '--host', '127.0.0.1', '--port', str(port)],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder)
            if wait_until(lambda: self.answers() or self.failed(), START_LIMIT_S) and not self.failed():
                return self
            self.end()
        raise AssertionError('pouchdb-server did not start\n' + self.log())

    def answers(self):
        try:
            return 'express-pouchdb' in self.session.get(self.origin, timeout=REQUEST_LIMIT_S).json()
        except requests.RequestException:
            return False

    def failed(self):
        return self.process.poll() is not None or 'already in use' in (self.folder / 'output').read_text()

    def log(self):
        return (self.folder / 'output').read_text()[-LOG_CHARS:]

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(REQUEST_LIMIT_S)

    def close(self):
        self.end()
        self.session.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ------------------------------------------------------------ as harness.server.Server has them

    @property
    def url(self):
        return self.origin

    @property
    def url_with_credentials(self):
        return self.origin

    def request(self, method, path, **arguments):
        arguments.setdefault('timeout', REQUEST_LIMIT_S)
        return self.session.request(method, self.origin + path, **arguments)

    def get(self, path, **arguments):
        return self.request('GET', path, **arguments)

    def put(self, path, **arguments):
        return self.request('PUT', path, **arguments)

    def post(self, path, **arguments):
        return self.request('POST', path, **arguments)

    def delete(self, path, **arguments):
        return self.request('DELETE', path, **arguments)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
