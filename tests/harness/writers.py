"""Writers that go on until the server is killed, and know what it has acknowledged."""
import random
import threading

from harness.raw_http import Connection, Lost

LIMIT_S = 60


class Acknowledged:
    """Counts what all writers were told; `enough` is set when so many writes are `wanted`, or a writer failed."""

    def __init__(self, wanted):
        self.count, self.wanted, self.lock, self.enough = 0, wanted, threading.Lock(), threading.Event()

    def add(self, number=1):
        with self.lock:
            self.count += number
            if self.count >= self.wanted:
                self.enough.set()

    def fail(self):
        self.enough.set()


class Writer(threading.Thread):
    """Calls write() of a subclass, which sends one request, until the server is gone. Nobody else writes to ids that
    begin with `prefix`."""

    def __init__(self, server, prefix, seed, acknowledged):
        super().__init__(daemon=True)
        self.connection, self.prefix = Connection(server), prefix
        self.random = random.Random('%s %s' % (seed, prefix))
        self.acknowledged = acknowledged
        self.count, self.failure = 0, None

    def run(self):
        try:
            with self.connection:
                while True:
                    self.write()
        except Lost:
            pass
        except Exception as failure:  # told by the main thread
            self.failure = failure
            self.acknowledged.fail()

    def write(self):
        raise NotImplementedError

    def new_id(self):
        self.count += 1
        return '%s-%d' % (self.prefix, self.count)


def kill_under_load(server, writers, acknowledged):
    """Lets them write, and kills the server when enough is acknowledged. Raises what a writer failed with."""
    for writer in writers:
        writer.start()
    assert acknowledged.enough.wait(LIMIT_S), 'too few writes were acknowledged'
    server.kill()
    for writer in writers:
        writer.join(LIMIT_S)
        assert not writer.is_alive(), 'a writer hangs'
        if writer.failure:
            raise writer.failure
