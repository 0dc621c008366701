"""`divan index`: builds views on a running server and says how far it is."""
import json
import unittest
import urllib.parse

from harness.case import ServerTestCase
from harness.command import divan, divan_on_terminal

EMIT = 'function (doc) { emit(doc._id) }'
# Long enough to be looked at several times.
SLOW = 'function (doc) { var x = 0; for (var i = 0; i < 8000000; i++) x += i; emit(doc._id, x) }'


class IndexCommandTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()

    def save(self, count):
        docs = [{'_id': 'd%03d' % i} for i in range(count)]
        self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'docs': docs}), 201)

    def design(self, name, source=EMIT, **more):
        self.answer(self.server.put('/%s/_design/%s' % (self.db, urllib.parse.quote(name, safe='')), json={
            'views': {'v': {'map': source}}, 'autoupdate': False, **more}), 201)

    def index(self, *arguments, url=None):
        return divan('index', *arguments, '--url', url or self.server.url_with_credentials)

    def total(self, name):
        return self.server.get('/%s/_design/%s/_view/v?update=false' % (self.db, name)).json()['total_rows']

    def test_all_design_documents(self):
        self.save(5)
        self.design('a')
        self.design('b', EMIT + ' ')
        self.answer(self.server.put('/%s/_design/c' % self.db, json={'filters': {}}), 201)
        self.assertEqual(self.total('a'), 0)
        done = self.index(self.db)
        self.assertEqual((done.status, done.errors), (0, ''), done)
        self.assertRegex(done.output, r'^%s/_design/a: up to date, \d+\.\d s\n%s/_design/b: up to date, \d+\.\d s\n$' % (
            self.db, self.db))
        self.assertEqual((self.total('a'), self.total('b')), (5, 5))

    def test_one_design_document_and_the_environment(self):
        self.save(3)
        self.design('a b/c')
        self.design('other', EMIT + ' ')
        for name in ('a b/c', '_design/a b/c'):
            done = divan('index', self.db, name, environment={'DIVAN_URL': self.server.url_with_credentials})
            self.assertEqual((done.status, done.errors), (0, ''), done)
        self.assertEqual((self.total('a%20b%2Fc'), self.total('other')), (3, 0))

    def test_json(self):
        self.save(3)
        self.design('a')
        done = self.index(self.db, '--json')
        answer = json.loads(done.output)
        self.assertEqual(answer['database'], self.db)
        self.assertEqual([(entry['id'], entry['ok']) for entry in answer['design_documents']], [('_design/a', True)])
        self.assertIsInstance(answer['design_documents'][0]['seconds'], float)

    def test_languages_that_are_not_built_are_skipped(self):
        self.answer(self.server.put('/%s/_design/m' % self.db, json={
            'language': 'erlang', 'views': {'v': {'map': 'x'}}}), 201)
        done = self.index(self.db)
        self.assertEqual((done.status, done.errors), (0, ''), done)
        self.assertIn('/_design/m: skipped, ', done.output)

    def test_what_fails(self):
        self.save(1)
        port_of_nobody = 'http://127.0.0.1:1'
        url = self.server.url_with_credentials
        for arguments, status, says in (
                (['none', '--url', url], 1, 'Database does not exist.'),
                ([self.db, 'none', '--url', url], 1, 'missing'),
                ([self.db, '--url', self.server.url], 1, 'unauthorized'),
                ([self.db, '--url', self.server.url], 1, 'Give NAME:PASSWORD in the URL of --url or DIVAN_URL.'),
                ([self.db, 'ddoc', url], 2, 'not expected'),
                ([self.db, '--url', port_of_nobody], 1, 'Cannot connect to ' + port_of_nobody),
                ([self.db, '--url', 'https://127.0.0.1:1'], 1, 'Cannot connect to https://127.0.0.1:1'),
                ([self.db, '--url', self.server.url.replace('http', 'https')], 1, 'does not speak TLS'),
                ([self.db, '--url', 'ftp://x'], 2, 'http://'),
                ([self.db, '--url', 'x'], 2, 'http://'),
                (['--url', url], 2, 'DB is required')):
            done = divan('index', *arguments)
            self.assertEqual(done.status, status, done)
            self.assertIn(says, done.errors)
            self.assertNotIn(self.server.password, done.errors)
        self.answer(self.server.put('/%s/_design/empty' % self.db, json={}), 201)
        self.assertIn('has no views', self.index(self.db, 'empty').errors)
        self.assertEqual(self.index(self.db).output, '%s: no design document has views\n' % self.db)

    def test_a_terminal_shows_a_bar(self):
        self.save(150)
        self.design('a', SLOW)
        status, text = divan_on_terminal('index', self.db, '--url', self.server.url_with_credentials)
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r'\r\x1b\[K%s/_design/a  \[#*-*\] \d+ %%, \d+ of \d+ changes' % self.db)
        self.assertRegex(text, r'_design/a: up to date, \d+\.\d s\r\n$')

    def test_help(self):
        done = divan('index', '--help')
        for part in ('DB', 'DDOC', '--url', 'DIVAN_URL', '--json', 'http://NAME:PASSWORD@HOST:PORT', 'Status: 0'):
            self.assertIn(part, done.output)
        self.assertIn('index', divan('--help').output)


if __name__ == '__main__':
    unittest.main()
