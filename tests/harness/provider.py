"""What the identity providers of tests (oidc.py, saml.py) and the tests of logins at them share."""
import html
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.parse

import requests

from harness import clients
from harness.case import ServerTestCase
from harness.server import Server

START_LIMIT_S = 60
LIMIT_S = 60
USER_ID = 'org.couchdb.user:'


class NodeProvider:
    """A real provider: a process that runs `script`, and says its port. A subclass gives the environment."""

    script = None

    def __init__(self):
        self.port, self.process = 0, None

    def environment(self):
        raise NotImplementedError

    @property
    def origin(self):
        return 'http://127.0.0.1:%d' % self.port

    def start(self):
        clients.node_modules()
        self.process = subprocess.Popen(
            ['node', str(clients.FOLDER / self.script)], env={**os.environ, **self.environment(), 'NO_COLOR': '1'},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        timer = threading.Timer(START_LIMIT_S, self.process.kill)
        timer.start()
        output = ''
        for line in self.process.stdout:
            output += line
            if said := re.match(r'listening on (\d+)', line):
                self.port = int(said[1])
                break
        timer.cancel()
        if 'listening' not in output:
            raise AssertionError('the provider did not start\n' + output)
        # What it warns about must not fill the pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        return self

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(START_LIMIT_S)
            self.process = None


class LoopbackProvider:
    """A provider inside the test: get() and post() of a subclass answer the requests, `folder` is for its keys."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='divan-test-')
        self.requests = []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                provider.get(self)

            def do_POST(self):
                provider.post(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def port(self):
        return self.server.server_port

    def path(self, name):
        return str(pathlib.Path(self.folder) / name)

    def get(self, handler):
        raise NotImplementedError

    def post(self, handler):
        raise NotImplementedError

    @staticmethod
    def send(handler, status, data, headers=()):
        handler.send_response(status)
        for name, value in (('Content-Length', str(len(data))), *headers):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)


def form_of(page):
    """Where the form of a page goes, and its fields."""
    form = re.search(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page.text, re.S)
    fields = {}
    for tag in re.findall(r'<input[^>]*>', form[2]):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if 'name' in attributes:
            fields[attributes['name']] = html.unescape(attributes.get('value', ''))
    return urllib.parse.urljoin(page.url, html.unescape(form[1])), fields


class ProviderTestCase(ServerTestCase):
    """Browsers and the users that they become. `section`: of the settings."""

    section = None

    @property
    def login_path(self):
        return '/_session/%s/login' % self.section

    def configure(self, section=None, **settings):
        for key, value in settings.items():
            place = '/_node/_local/_config/%s/%s' % (section or self.section, key)
            self.answer(self.server.put(place, json=str(value)), 200)

    def browser(self):
        session = requests.Session()
        session.trust_env = False
        self.addCleanup(session.close)
        return session

    def get(self, browser, url, **options):
        url = self.server.url + url if url.startswith('/') else url
        return browser.get(url, timeout=LIMIT_S, **options)

    def who(self, browser):
        return self.get(browser, '/_session').json()['userCtx']

    def user(self, name):
        return self.answer(self.server.get('/_users/' + USER_ID + name), 200)

    def lock(self, name):
        document = {**self.user(name), 'locked': True}
        self.answer(self.server.put('/_users/' + USER_ID + name, json=document), 201)

    def forget_users(self):
        for row in self.server.get('/_users/_all_docs').json()['rows']:
            if row['id'].startswith(USER_ID):
                self.server.delete('/_users/' + row['id'], params={'rev': row['value']['rev']})

    def counts(self):
        """Logins, and those that failed."""
        stats = self.server.get('/_node/_local/_stats/divan/' + self.section).json()
        return stats['logins']['value'], stats['logins_failed']['value']

    def assert_stays_here(self, next_path):
        """A login that is to lead to another server is refused."""
        answer = self.get(self.browser(), self.login_path + '?next=' + next_path, allow_redirects=False)
        self.assertIn('next must be a path', self.error(answer, 400, 'bad_request'))

    def assert_refuses_settings(self, settings):
        """Each of them by its name."""
        for key, value in settings:
            with self.subTest(key=key, value=value):
                answer = self.server.put('/_node/_local/_config/%s/%s' % (self.section, key), json=value)
                self.assertIn(key, self.error(answer, 400, 'bad_request'))

    def serve(self, **settings):
        """A server of its own with these settings; the test's server from now on."""
        text = '[%s]\n' % self.section + ''.join('%s = %s\n' % item for item in settings.items())
        self.serve_with(text if settings else None)

    def serve_with(self, config):
        server = Server(memory=True, config=config)
        self.addCleanup(server.close)
        self.server = server.start()
        self.addCleanup(server.stop)

    def assert_does_not_start(self, configs):
        """[(text of the section, what the server says)]"""
        for config, part in configs:
            with self.subTest(part=part):
                server = Server(memory=True, config='[%s]\n%s' % (self.section, config))
                self.addCleanup(server.close)
                with self.assertRaisesRegex(AssertionError, part):
                    server.start()


class SlowProviderTests:
    """Mixed into a ProviderTestCase whose `provider` is a LoopbackProvider, and serve_slow(timeout_ms) a server for it."""

    def hold_up(self):
        """Makes the provider wait. The event of a request that waits; the answers come after the test."""
        asked, go = threading.Event(), threading.Event()
        self.addCleanup(go.set)
        answer = self.provider.get

        def slow(handler):
            asked.set()
            go.wait(LIMIT_S)
            answer(handler)
        self.provider.get = slow
        return asked

    def log_in_behind(self):
        """A login in another thread: the thread, and the list that gets its answer."""
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(self.get(self.browser(), self.login_path)))
        waiting.start()
        return waiting, answers

    def test_a_slow_provider_holds_up_nobody(self):
        asked = self.hold_up()
        self.serve_slow(300)
        waiting, answers = self.log_in_behind()
        self.assertTrue(asked.wait(LIMIT_S))
        self.assertEqual(self.get(self.browser(), '/_up').status_code, 200)
        waiting.join(LIMIT_S)
        self.assertIn('no answer within 300 ms', answers[0].json()['reason'])

    def test_a_stop_does_not_wait_for_the_provider(self):
        asked = self.hold_up()
        self.serve_slow(600000)
        waiting, answers = self.log_in_behind()
        self.assertTrue(asked.wait(LIMIT_S))
        self.server.stop()
        waiting.join(LIMIT_S)
        self.assertEqual(answers[0].status_code, 503)
        self.assertIn('shutting down', answers[0].json()['reason'])
        self.server.start()
