"""Whatever a client sends, the answer says what is wrong, nothing is lost and the server goes on."""
import base64
import http.client
import json
import unittest
import urllib.parse

from documents import malformed_queries, malformed_requests
from harness.case import ServerTestCase


def error_of(body):
    try:
        value = json.loads(body)
    except ValueError:
        return 'no JSON'
    return value.get('error') if isinstance(value, dict) else None


class BadInputCase(ServerTestCase):
    """A database with something to lose; after each test it is all there."""

    # Many logins fail here, and each has to get its own answer.
    server_arguments = {'config': '[log]\nlevel = warning\n[chttpd_auth_lockout]\nmode = off\n'}

    def setUp(self):
        super().setUp()
        self.name = self.database()
        db = '/' + self.name
        self.answer(self.server.put(db + '/kept', json={'text': 'kept'}), 201)
        made = self.answer(self.server.put(db + '/gone', json={}), 201)
        self.answer(self.server.delete(db + '/gone', params={'rev': made['rev']}), 200)
        made = self.server.get(db + '/kept').json()
        self.rev = self.answer(self.server.put(db + '/kept/a.txt', data=b'0123456789', params={'rev': made['_rev']},
                                               headers={'Content-Type': 'application/octet-stream'}), 201)['rev']
        self.before = self.state()

    def state(self):
        db = '/' + self.name
        info = self.answer(self.server.get(db), 200)
        return {
            'databases': self.answer(self.server.get('/_all_dbs'), 200),
            'rows': self.answer(self.server.get(db + '/_all_docs', params={'include_docs': 'true'}), 200),
            'local': self.answer(self.server.get(db + '/_local_docs'), 200),
            'security': self.answer(self.server.get(db + '/_security'), 200),
            'config': self.answer(self.server.get('/_node/_local/_config'), 200),
            'update_seq': info['update_seq'], 'counts': (info['doc_count'], info['doc_del_count']),
            'attachment': self.server.get(db + '/kept/a.txt').content,
        }

    def assert_unharmed(self):
        self.assertEqual(self.state(), self.before)
        self.assertEqual(self.server.errors(), [])


class TableTest(BadInputCase):
    def send(self, connection, row):
        target = row.target.format(db='/' + self.name, rev=self.rev, node='/_node/_local')
        body = row.body.encode() if isinstance(row.body, str) else row.body
        headers = dict(row.headers)
        if row.auth and 'Authorization' not in headers:
            headers['Authorization'] = self.authorization
        connection.request(row.method, target, body=body, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()

    @property
    def authorization(self):
        pair = '%s:%s' % (self.server.user, self.server.password)
        return 'Basic ' + base64.b64encode(pair.encode()).decode()

    def check(self, rows):
        place = urllib.parse.urlsplit(self.server.url)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        self.addCleanup(connection.close)
        wrong = []
        for row in rows:
            answer, body = self.send(connection, row)
            got = error_of(body)
            if (answer.status, got) != (row.status, row.error):
                wrong.append('%s\n    answered %d %s, not %d %s: %.200r' % (
                    row, answer.status, got, row.status, row.error, body))
            self.assertTrue(self.server.running, row)
        if wrong:
            self.fail('%d of %d rows\n%s' % (len(wrong), len(rows), '\n'.join(wrong)))
        self.assert_unharmed()


class OverlongIdsTest(BadInputCase):
    """Ids that no key can hold are not there: asking for them aborted the server once."""

    def test_reads(self):
        db, name = '/' + self.name, 'z' * 5000
        quoted = '%22' + name + '%22'
        for path, length in (('/_all_docs?startkey=' + quoted, 0), ('/_all_docs?endkey=' + quoted, 1),
                             ('/_all_docs?descending=true&startkey=' + quoted, 1), ('/_local_docs?startkey=%22_local/z' + name + '%22', 0),
                             ('/_design_docs?endkey=' + quoted, 0)):
            self.assertEqual(len(self.answer(self.server.get(db + path), 200)['rows']), length, path[:40])
        self.assertEqual(self.answer(self.server.get('/_all_dbs?startkey=' + quoted), 200), [])
        self.assertIn(self.name, self.answer(self.server.get('/_all_dbs?endkey=' + quoted), 200))
        rows = self.answer(self.server.post(db + '/_all_docs', json={'keys': [name, 'kept']}), 200)['rows']
        self.assertEqual([row.get('error') for row in rows], ['not_found', None])
        rows = self.answer(self.server.post(db + '/_bulk_get', json={'docs': [{'id': name}]}), 200)['results']
        self.assertIn('error', rows[0]['docs'][0])
        self.assertEqual(self.answer(self.server.post(db + '/_revs_diff', json={name: ['1-a']}), 200),
                         {name: {'missing': ['1-a']}})
        feed = self.server.post(db + '/_changes?filter=_doc_ids', json={'doc_ids': [name]})
        self.assertEqual(self.answer(feed, 200)['results'], [])
        infos = self.answer(self.server.post('/_dbs_info', json={'keys': [name]}), 200)
        self.assertEqual(infos, [{'key': name, 'error': 'not_found'}])
        self.assert_unharmed()

    def test_purge(self):
        self.server.post('/%s/_purge' % self.name, json={'z' * 5000: ['1-a']})
        self.answer(self.server.get('/%s/kept' % self.name), 200)


def add_tests():
    for name, rows in {**malformed_requests.TABLES, **malformed_queries.TABLES}.items():
        setattr(TableTest, 'test_' + name, lambda self, rows=rows: self.check(rows))


add_tests()

if __name__ == '__main__':
    unittest.main()
