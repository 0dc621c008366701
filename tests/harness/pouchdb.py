"""A PouchDB in a process of its own, in memory: a device that synchronizes."""
import json
import os
import queue
import subprocess
import threading

from harness import clients

ANSWER_LIMIT_S = 90
END_LIMIT_S = 20


class PouchDB:
    """Use it in a `with`, or call start() and close(). Commands are those of tests/clients/synchronize.js."""

    def __init__(self):
        self.process = None
        self.lines = queue.Queue()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def start(self):
        clients.node_modules()
        environment = {**os.environ, 'NO_PROXY': '127.0.0.1', 'no_proxy': '127.0.0.1'}
        self.process = subprocess.Popen(['node', 'synchronize.js'], cwd=clients.FOLDER, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, encoding='utf-8', env=environment)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put('')

    def call(self, *command):
        """Does a command and returns its result."""
        self.process.stdin.write(json.dumps(command) + '\n')
        self.process.stdin.flush()
        line = self.lines.get(timeout=ANSWER_LIMIT_S)
        assert line, 'the process of PouchDB ended'
        answer = json.loads(line)
        assert 'ok' in answer, answer.get('error')
        return answer['ok']

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            try:
                self.process.wait(END_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(END_LIMIT_S)
            self.reader.join(END_LIMIT_S)
            self.process.stdout.close()

    # ------------------------------------------------------------ what harness.replication compares

    def leaves(self, _):
        return self.call('leaves')

    def winners(self, _):
        return self.call('winners')
