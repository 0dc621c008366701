"""What tests of `divan migrate` share: two servers, and databases of the old one."""
import json
import re
import urllib.parse

from harness.case import ServerTestCase
from harness.command import divan
from harness.server import Server


class MigrateCase(ServerTestCase):
    """`server` is the old one, `new` the new one; each test has databases that begin with a name of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new = Server()
        cls.addClassCleanup(cls.new.close)
        cls.new.start()

    def setUp(self):
        super().setUp()
        self.name = re.sub('[^a-z0-9_]', '_', self.id().split('.')[-1].lower())
        self.old_url, self.new_url = self.server.url_with_credentials, self.new.url_with_credentials

    def path(self, suffix=''):
        return '/' + urllib.parse.quote(self.name + suffix, safe='')

    def make(self, suffix='', docs=(), query=''):
        path = self.path(suffix)
        self.answer(self.server.put(path + query), 201)
        self.addCleanup(self.server.delete, path)
        self.addCleanup(self.new.delete, path)
        if docs:
            self.answer(self.server.post(path + '/_bulk_docs', json={'docs': list(docs)}), 201)
        return path

    def arguments(self, *more):
        return ['migrate', self.old_url, '--to', self.new_url, '--databases', self.name + '*', *more]

    def migrate(self, *more, status=0):
        done = divan(*self.arguments(*more))
        self.assertEqual(done.status, status, done)
        for secret in ('correct horse', 'correct%20horse'):
            self.assertNotIn(secret, done.output + done.errors)
        return done

    def events(self, *more, status=0):
        return [json.loads(line) for line in self.migrate('--json', *more, status=status).output.splitlines()]

    def leaves(self, server, path):
        rows = self.answer(server.get(path + '/_changes?style=all_docs'), 200)['results']
        return sorted((row['id'], sorted(change['rev'] for change in row['changes']), row.get('deleted', False))
                      for row in rows)
