"""Programs in other languages that tests run against a server."""
import hashlib
import os
import pathlib
import subprocess
import tempfile

from harness.case import ServerTestCase

FOLDER = pathlib.Path(__file__).resolve().parent.parent / 'clients'
INSTALL_LIMIT_S = 240
PROGRAM_LIMIT_S = 120
JAVA_LIBRARIES = ['lightcouch', 'gson', 'httpclient', 'httpcore', 'commons-codec', 'commons-logging']


def node_modules(place=FOLDER):
    """The folder of the npm packages of `place`, installed when it does not fit package-lock.json."""
    folder = place / 'node_modules'
    stamp = folder / '.divan-lock-hash'
    wanted = hashlib.sha256((place / 'package-lock.json').read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        # No scripts: the one package with native code brings it built.
        done = subprocess.run(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts'], cwd=place,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=INSTALL_LIMIT_S)
        if done.returncode != 0:
            raise AssertionError('npm ci failed:\n' + done.stdout + done.stderr)
        stamp.write_text(wanted)
    return folder


def java_classes(source):
    """Compiles a Java file of tests/clients; returns the class path to run it with."""
    jars = [pathlib.Path('/usr/share/java', name + '.jar') for name in JAVA_LIBRARIES]
    absent = [str(jar) for jar in jars if not jar.exists()]
    if absent:
        raise AssertionError('not installed: %s; scripts/install test' % ', '.join(absent))
    path = FOLDER / source
    key = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    folder = FOLDER.parent.parent / 'build' / 'clients' / key
    class_path = os.pathsep.join([str(folder), *map(str, jars)])
    if not (folder / path.with_suffix('.class').name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(['javac', '-Xlint:all', '-cp', class_path, '-d', str(folder), str(path)],
                              capture_output=True, text=True, timeout=PROGRAM_LIMIT_S)
        if done.returncode != 0:
            raise AssertionError('javac failed:\n' + done.stdout + done.stderr)
    return class_path


class ClientTestCase(ServerTestCase):
    """Runs scenarios of client programs; each gets an empty database and a folder of its own."""

    def run_program(self, command, database='', environment=None, **options):
        """Runs a program with the server's place in its environment; it must end with status 0.
        Returns what it printed."""
        with tempfile.TemporaryDirectory() as scratch:
            variables = {'DIVAN_URL': self.server.url_with_credentials, 'DIVAN_ORIGIN': self.server.url,
                         'DIVAN_USER': self.server.user, 'DIVAN_PASSWORD': self.server.password,
                         'DIVAN_DATABASE': database, 'DIVAN_SCRATCH': scratch,
                         'NO_PROXY': '127.0.0.1', 'no_proxy': '127.0.0.1', **(environment or {})}
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors='replace',
                                      timeout=PROGRAM_LIMIT_S, env={**os.environ, **variables}, **{'cwd': FOLDER, **options})
            except subprocess.TimeoutExpired as late:
                self.fail('%s ran longer than %d s\n%s' % (command, PROGRAM_LIMIT_S,
                                                           (late.stdout or b'').decode('utf-8', 'replace')))
        if done.returncode != 0:
            self.fail('%s: status %d\n%s' % (command, done.returncode, done.stdout))
        return done.stdout
