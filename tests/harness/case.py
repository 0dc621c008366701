"""The base of tests that talk to a server."""
import re
import threading
import time
import unittest

from harness.server import Server


POLL_INTERVAL_S = 0.05


def wait_until(check, limit_s=30):
    """Asks until `check()` is true; for what tells nobody when it happens. False when time is up."""
    end = time.monotonic() + limit_s
    while not check():
        if time.monotonic() > end:
            return False
        threading.Event().wait(POLL_INTERVAL_S)
    return True


class ServerTestCase(unittest.TestCase):
    """One server for all tests of the class, and a database of its own for each test that asks.

    A subclass sets `server_arguments` to what Server is to be made with.
    """

    server_arguments = {}

    @classmethod
    def setUpClass(cls):
        cls.server = Server(**cls.server_arguments)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        if cls.server.running:
            cls.server.stop()

    def setUp(self):
        super().setUp()
        self.addCleanup(self.assert_alive)

    def assert_alive(self):
        """A test that ended the server fails, and leaves the next one a new server."""
        if not self.server.running:
            log = self.server.log_tail()
            self.server.start()
            self.fail('the server ended during the test\n' + log)

    def database(self, suffix=''):
        """Makes an empty database named after the test; returns its name."""
        name = re.sub('[^a-z0-9_]', '_', self.id().split('.')[-1].lower()) + suffix
        self.server.delete('/' + name)
        self.answer(self.server.put('/' + name), 201)
        self.addCleanup(self.delete_database, name)
        return name

    def delete_database(self, name):
        if self.server.running:
            self.server.delete('/' + name)

    def answer(self, response, status):
        """Asserts the status and returns the JSON of the body, if there is one."""
        self.assertEqual(response.status_code, status,
                         '%s %s: %s' % (response.request.method, response.url, response.text[:2000]))
        return response.json() if response.text else None

    def error(self, response, status, word):
        """Asserts that the answer is the error `word` with this status; returns its reason."""
        body = self.answer(response, status)
        self.assertEqual(body.get('error'), word, body)
        return body.get('reason')
