"""Starts Divan for a test: a process of its own, a free loopback port, a temporary data folder."""
import atexit
import collections
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.parse
import weakref

import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# DIVAN_BINARY runs the tests against another build, for example build/asan/divan.
BINARY = pathlib.Path(os.environ.get('DIVAN_BINARY', ROOT / 'build' / 'release' / 'divan'))
READY = re.compile(r'divan is ready at (http://[^/\s]+)/(?: and (https://[^/\s]+)/)?')
ERROR_LINE = re.compile(r'^\[(error|critical)\]')
START_LIMIT_S = 60
STOP_LIMIT_S = 60
REQUEST_LIMIT_S = 60
LOG_LINES_MAX = 20000
LOG_TAIL_LINES = 60

_servers = weakref.WeakSet()


class Server:
    """One server process. Use it in a `with`, or call start() and stop().

    memory   the memory engine instead of a data folder
    config   the text of an ini file given with --config
    options  further options of `divan serve`
    data_dir keeps its data there and leaves it; else a temporary folder, removed by close()
    """

    user = 'admin'
    password = 'correct horse battery'

    def __init__(self, memory=False, config=None, options=(), data_dir=None, environment=None):
        self.memory, self.config = memory, config
        self.options, self.environment = list(options), dict(environment or {})
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='divan-test-'))
        self.data_dir = pathlib.Path(data_dir) if data_dir else self.folder / 'data'
        self.process = None
        self.origin = None
        self.tls_origin = None  # of the HTTPS listener, if there is one
        self.ready_count = 0
        self.became_ready = threading.Condition()
        self.log = collections.deque(maxlen=LOG_LINES_MAX)
        self.session = self.new_session()
        _servers.add(self)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None and self.running:
            self.stop()
        self.close()

    # ------------------------------------------------------------ the process

    def command(self):
        command = [str(BINARY), 'serve', '--bind', '127.0.0.1', '--port', '0',
                   '--admin', '%s:%s' % (self.user, self.password)]
        command += ['--memory'] if self.memory else ['--data-dir', str(self.data_dir)]
        if self.config is not None:
            path = self.folder / 'test.ini'
            path.write_text(self.config, encoding='utf-8')
            command += ['--config', str(path)]
        return command + self.options

    def start(self):
        """Starts the process and returns self when it said that it is ready."""
        assert not self.running, 'the server runs already'
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith('COUCHDB_') and name != 'NODENAME'}
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**environment, **self.environment}, cwd=self.folder)
        self.log.append('--- started, pid %d' % self.process.pid)
        self.origin = None
        heard = threading.Event()
        self.reader = threading.Thread(target=self._read_log, args=(self.process.stdout, heard),
                                       daemon=True)
        self.reader.start()
        if not heard.wait(START_LIMIT_S) or self.origin is None:
            self.kill()
            raise AssertionError('the server did not become ready\n' + self.log_tail())
        return self

    def _read_log(self, stream, heard):
        with stream:
            for raw in stream:
                line = raw.decode('utf-8', 'replace').rstrip('\n')
                self.log.append(line)
                ready = READY.search(line)
                if ready:
                    with self.became_ready:
                        self.origin, self.tls_origin = ready.groups()
                        self.ready_count += 1
                        self.became_ready.notify_all()
                    heard.set()
        heard.set()  # the end of the log before the ready line: start() sees no origin

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        """SIGKILL: what a crash leaves behind stays."""
        if self.running:
            self.process.kill()
        self.process.wait(STOP_LIMIT_S)
        self.reader.join(STOP_LIMIT_S)
        self.session.close()

    def stop(self):
        """SIGTERM; asserts that the server ends with status 0 and logged no error since its start."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError('the server did not stop on SIGTERM') from None
        self.reader.join(STOP_LIMIT_S)
        self.session.close()
        assert status == 0, 'the server stopped with status %d' % status
        errors = self.errors()
        assert not errors, 'the server logged errors:\n' + '\n'.join(errors)

    def restart(self):
        """A clean stop and a start on the same data; the port may be another."""
        self.stop()
        return self.start()

    def await_ready(self, count):
        """Waits until the process said for the count-th time that it is ready: it restarts itself."""
        with self.became_ready:
            if not self.became_ready.wait_for(lambda: self.ready_count >= count, START_LIMIT_S):
                raise AssertionError('the server did not become ready again\n' + self.log_tail())

    def close(self):
        """Ends the process if it runs and removes the temporary folder."""
        if self.process is not None:
            self.kill()
        _servers.discard(self)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ------------------------------------------------------------ its log

    def errors(self):
        """The error lines of the running or last process."""
        found = []
        for line in list(self.log):
            if line.startswith('--- started'):
                found = []
            elif ERROR_LINE.match(line):
                found.append(line)
        return found

    def log_tail(self):
        lines = list(self.log)[-LOG_TAIL_LINES:]
        return 'log of the server:\n' + '\n'.join('  ' + line for line in lines)

    # ------------------------------------------------------------ requests

    @property
    def url(self):
        """The URL without credentials and without a slash at its end."""
        return self.origin

    @property
    def url_with_credentials(self):
        return self.origin.replace('://', '://%s:%s@' % (
            urllib.parse.quote(self.user, safe=''), urllib.parse.quote(self.password, safe='')), 1)

    def new_session(self, user=None, password=None):
        """A requests.Session of its own, as the admin or as somebody else; user='' is nobody."""
        session = requests.Session()
        session.trust_env = False
        if user != '':
            session.auth = (user or self.user, password or self.password)
        return session

    def request(self, method, path, **arguments):
        """Sends a request as the admin; path is encoded already and begins with a slash."""
        arguments.setdefault('timeout', REQUEST_LIMIT_S)
        return self.session.request(method, self.origin + path, **arguments)

    def get(self, path, **arguments):
        return self.request('GET', path, **arguments)

    def head(self, path, **arguments):
        return self.request('HEAD', path, **arguments)

    def put(self, path, **arguments):
        return self.request('PUT', path, **arguments)

    def post(self, path, **arguments):
        return self.request('POST', path, **arguments)

    def delete(self, path, **arguments):
        return self.request('DELETE', path, **arguments)

    def copy(self, path, destination, **arguments):
        headers = {'Destination': destination, **arguments.pop('headers', {})}
        return self.request('COPY', path, headers=headers, **arguments)


def log_tails():
    """The ends of the logs of all servers that tests hold at this moment."""
    return '\n'.join(server.log_tail() for server in list(_servers) if server.process is not None)


def kill_all():
    for server in list(_servers):
        server.close()


atexit.register(kill_all)
