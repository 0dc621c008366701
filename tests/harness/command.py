"""Runs the binary as a person in a terminal would, to its end or until it is told to stop."""
import os
import pty
import queue
import signal
import subprocess
import threading

from harness.server import BINARY

RUN_LIMIT_S = 60


class Done:
    def __init__(self, status, output, errors):
        self.status, self.output, self.errors = status, output, errors

    def __repr__(self):
        return 'status %d\n%s\n%s' % (self.status, self.output, self.errors)


def clean_environment(more=None):
    """The environment without what tells the server a name or an admin."""
    return {**{name: value for name, value in os.environ.items()
               if not name.startswith('COUCHDB_') and name != 'NODENAME'}, **(more or {})}


def divan(*arguments, environment=None, **options):
    done = subprocess.run([str(BINARY), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=RUN_LIMIT_S, env=clean_environment(environment), **options)
    return Done(done.returncode, done.stdout, done.stderr)


def divan_on_terminal(*arguments, environment=None):
    """The status, and everything that a terminal was sent."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen([str(BINARY), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=slave,
                                   stderr=subprocess.STDOUT, env=clean_environment(environment))
        os.close(slave)
        shown = b''
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            shown += part
        return process.wait(RUN_LIMIT_S), shown.decode()
    finally:
        os.close(master)


class Running:
    """A command that goes on until it is told to stop; its lines are waited for."""

    def __init__(self, *arguments, environment=None):
        self.process = subprocess.Popen(
            [str(BINARY), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=clean_environment(environment))
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(RUN_LIMIT_S)
        self.reader.join(RUN_LIMIT_S)

    def read(self):
        with self.process.stdout as stream:
            for line in stream:
                self.lines.put(line)
        self.lines.put(None)

    def await_line(self, part):
        while True:
            line = self.lines.get(timeout=RUN_LIMIT_S)
            if line is None:
                raise AssertionError('it ended without %r:\n%s' % (part, ''.join(self.seen)))
            self.seen.append(line)
            if part in line:
                return line

    def interrupt(self, number=signal.SIGINT):
        """Sends a signal; returns the status and everything that was printed."""
        self.process.send_signal(number)
        status = self.process.wait(RUN_LIMIT_S)
        self.reader.join(RUN_LIMIT_S)
        while (line := self.lines.get_nowait()) is not None:
            self.seen.append(line)
        return status, ''.join(self.seen)
