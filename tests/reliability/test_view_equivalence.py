"""Views after random edits, deletes, conflicts, purges, stops and kills: as a fresh build and as computed plainly."""
import json
import os
import random
import unittest

from harness.case import ServerTestCase

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 180
LONG_TIME_LIMIT_S = 3600

ROUNDS = 200 if LONG else 14
DOCUMENTS = 3000 if LONG else 600
RANGES = 12

# The design document and, by a comment in its maps, another index of the same views, built anew when it is asked for.
MAP = '''function (doc) {%s
  if (doc.skip) return;
  emit([doc.group, doc.k], doc.v);
  if (doc.twice) { emit([doc.group, doc.k], doc.v + 1); emit(doc.k, doc.v); }
}'''
REDUCES = {'count': '_count', 'sum': '_sum', 'stats': '_stats',
           'js': 'function (keys, values) { return sum(values); }'}
KEYS = ['a', 'A', 'b', 'B', 'ab', 'a b', '\u00e9', 'e\u0301', 'z', '', 1, 2, 10, -1, 0.5, None, True, False, [], {}]


def views(comment):
    return {name: {'map': MAP % comment, 'reduce': reduce} for name, reduce in REDUCES.items()}


def reduced(name, values):
    """What the reduce of a view makes of some values."""
    if name == 'count':
        return len(values)
    if name in ('sum', 'js'):
        return sum(values)
    return {'sum': sum(values), 'count': len(values), 'min': min(values), 'max': max(values),
            'sumsqr': sum(value * value for value in values)}


class EquivalenceTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(20261125)
        self.db = self.database()
        self.answer(self.server.put('/%s/_design/kept' % self.db, json={'views': views('')}), 201)

    def get(self, design, view, **parameters):
        encoded = {name: json.dumps(value) for name, value in parameters.items()}
        return self.answer(self.server.get('/%s/_design/%s/_view/%s' % (self.db, design, view), params=encoded), 200)

    def random_document(self):
        body = {'group': self.random.choice(['g', 'h', 'i', 1, 2]), 'k': self.random.choice(KEYS),
                'v': self.random.randrange(-5, 100)}
        for flag in ('skip', 'twice'):
            if self.random.random() < 0.15:
                body[flag] = True
        return body

    def leaves(self, doc_id):
        answer = self.server.get('/%s/%s' % (self.db, doc_id), params={'open_revs': 'all'},
                                 headers={'Accept': 'application/json'})
        return [row['ok'] for row in answer.json() if 'ok' in row] if answer.status_code == 200 else []

    def edit(self, count):
        for _ in range(count):
            doc_id = 'doc%04d' % self.random.randrange(DOCUMENTS)
            what = self.random.random()
            path = '/%s/%s' % (self.db, doc_id)
            current = self.server.get(path)
            rev = {'_rev': current.json()['_rev']} if current.status_code == 200 else {}
            if what < 0.55:
                self.answer(self.server.put(path, json={**self.random_document(), **rev}), 201)
            elif what < 0.7 and rev:
                self.answer(self.server.delete(path, params={'rev': rev['_rev']}), 200)
            elif what < 0.85:
                conflict = {**self.random_document(), '_id': doc_id,
                            '_rev': '%d-%032x' % (self.random.randrange(1, 4), self.random.getrandbits(128))}
                self.answer(self.server.post('/%s/_bulk_docs' % self.db,
                                             json={'docs': [conflict], 'new_edits': False}), 201)
            else:
                leaves = self.leaves(doc_id)
                purged = [leaf['_rev'] for leaf in leaves if self.random.random() < 0.7]
                if purged:
                    self.answer(self.server.post('/%s/_purge' % self.db, json={doc_id: purged}), 201)

    def fill(self):
        docs = [{'_id': 'doc%04d' % i, **self.random_document()} for i in range(DOCUMENTS)]
        self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'docs': docs}), 201)

    def restart(self, number):
        if number % 3 == 1:
            self.server.kill()
            self.server.start()
        elif number % 3 == 2:
            self.server.stop()
            self.server.start()

    def expected_rows(self):
        """What the map emits for each winner, without an order."""
        rows = []
        documents = self.answer(self.server.get('/%s/_all_docs' % self.db, params={'include_docs': 'true'}), 200)
        for row in documents['rows']:
            doc = row['doc']
            if doc['_id'].startswith('_') or doc.get('skip'):
                continue
            key = [doc['group'], doc['k']]
            rows.append((doc['_id'], key, doc['v']))
            if doc.get('twice'):
                rows += [(doc['_id'], key, doc['v'] + 1), (doc['_id'], doc['k'], doc['v'])]
        return rows

    def check(self, number):
        self.answer(self.server.put('/%s/_design/fresh' % self.db,
                                    json={'views': views('// %d' % number), **self.rev_of('fresh')}), 201)
        kept = self.get('kept', 'count', reduce=False)
        fresh = self.get('fresh', 'count', reduce=False)
        self.assertEqual(kept, fresh, 'round %d' % number)
        rows = [(row['id'], row['key'], row['value']) for row in kept['rows']]
        plain = lambda row: json.dumps(row, sort_keys=True)
        self.assertEqual(sorted(map(plain, rows)), sorted(map(plain, self.expected_rows())))
        self.assertEqual(kept['total_rows'], len(rows))
        self.check_reduces(rows)
        for _ in range(RANGES):
            self.check_range(rows)

    def rev_of(self, design):
        answer = self.server.get('/%s/_design/%s' % (self.db, design))
        return {'_rev': answer.json()['_rev']} if answer.status_code == 200 else {}

    def groups(self, rows, level):
        """[(key, values)] of neighbours that are equal in the first `level` elements; None = exactly."""
        groups = []
        for doc_id, key, value in rows:
            shown = None if level == 0 else key[:level] if isinstance(key, list) and level else key
            if groups and self.same(groups[-1][0], shown):
                groups[-1][1].append(value)
            else:
                groups.append((shown, [value]))
        return groups

    @staticmethod
    def same(left, right):
        # The one pair of keys that is equal by collation and not as text.
        flat = lambda key: json.dumps(key).replace('e\\u0301', '\\u00e9')
        return flat(left) == flat(right)

    def check_reduces(self, rows, **bounds):
        for name in REDUCES:
            for level in (0, 1, 2, None):
                grouping = {'group': True} if level is None else {'group_level': level}
                answer = self.get('kept', name, **grouping, **bounds)['rows']
                expected = self.groups(rows, level)
                self.assertEqual([(row['key'], row['value']) for row in answer],
                                 [(key, reduced(name, values)) for key, values in expected],
                                 (name, level, bounds))

    def check_range(self, rows):
        if not rows:
            return
        begin, end = sorted(self.random.randrange(len(rows)) for _ in range(2))
        bounds = {'startkey': rows[begin][1], 'endkey': rows[end][1]}
        while begin > 0 and self.same(rows[begin - 1][1], rows[begin][1]):
            begin -= 1
        while end + 1 < len(rows) and self.same(rows[end + 1][1], rows[end][1]):
            end += 1
        inside = rows[begin:end + 1]
        skip, limit = self.random.randrange(len(inside) + 2), self.random.randrange(1, 200)
        answer = self.get('kept', 'count', reduce=False, skip=skip, limit=limit, **bounds)
        self.assertEqual([(row['id'], row['key'], row['value']) for row in answer['rows']],
                         inside[skip:skip + limit], bounds)
        self.assertEqual(answer['offset'], min(begin + skip, len(rows)))
        down = self.get('kept', 'count', reduce=False, descending=True, skip=skip, limit=limit,
                        startkey=bounds['endkey'], endkey=bounds['startkey'])
        self.assertEqual([(row['id'], row['key'], row['value']) for row in down['rows']],
                         inside[::-1][skip:skip + limit], bounds)
        self.check_reduces(inside, **bounds)

    def test_index_equals_a_fresh_build_and_a_plain_computation(self):
        self.check(0)
        self.fill()
        for number in range(1, ROUNDS + 1):
            self.edit(40)
            if number % 2 == 0:
                self.get('kept', 'count')  # now and then the index follows in small steps
                self.edit(10)
            self.restart(number)
            self.check(number)


if __name__ == '__main__':
    unittest.main()
