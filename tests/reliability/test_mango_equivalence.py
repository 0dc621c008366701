"""Random queries on random documents: the answers of every plan are those of a plain computation."""
import collections
import os
import random
import unittest

from harness import mango_groups as groups
from harness import mango_reference as reference
from harness.case import ServerTestCase
from harness.random_mango import COLORS, NARROW, NUMBERS, SCALARS, STRINGS, ARRAYS, OBJECTS, Generator

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 180
LONG_TIME_LIMIT_S = 3600
SEED = int(os.environ.get('DIVAN_SEED', '20261128'))
ROUNDS = 150 if LONG else 2
DOCUMENTS = 150
QUERIES = 60 if LONG else 40
EVERYTHING = 1000


def compare_by(sort):
    """A comparison of documents by a sort; 0 if it does not say."""
    fields = [(field, 'asc') if isinstance(field, str) else next(iter(field.items())) for field in sort]

    def compare(left, right):
        for field, direction in fields:
            keys = [reference.order_key(reference.value_of(document, field)) for document in (left, right)]
            if keys[0] != keys[1]:
                return (-1 if keys[0] < keys[1] else 1) * (1 if direction == 'asc' else -1)
        return 0
    return compare


def sort_fields(query):
    return [field if isinstance(field, str) else next(iter(field)) for field in query.get('sort', [])]


class MangoCase(ServerTestCase):
    server_arguments = {'memory': True}

    def send(self, db, body, path='_find', status=200):
        answer = self.server.post('/%s/%s' % (db, path), data=reference.dumps(body).encode(),
                                  headers={'Content-Type': 'application/json'})
        self.assertEqual(answer.status_code, status, answer.text[:1000])
        return reference.loads(answer.text)

    def save(self, db, docs):
        rows = self.send(db, {'docs': docs}, '_bulk_docs', 201)
        for doc, row in zip(docs, rows):
            doc['_rev'] = row['rev']


class OrderTest(MangoCase):
    def test_reference_has_the_order_of_an_index(self):
        """What the reference says of strings is what ICU says, or nothing below means much."""
        db = self.database()
        values = STRINGS + NUMBERS + SCALARS + COLORS + ARRAYS + OBJECTS + [[text, 1] for text in STRINGS]
        self.save(db, [{'_id': '%03d' % at, 'v': value} for at, value in enumerate(values)])
        self.send(db, {'index': {'fields': ['v']}}, '_index')
        found = self.send(db, {'selector': {'v': {'$exists': True}}, 'sort': ['v'], 'limit': EVERYTHING})['docs']
        expected = sorted(range(len(values)), key=lambda at: (reference.order_key(values[at]), at))
        self.assertEqual([int(doc['_id']) for doc in found], expected)


class EquivalenceTest(MangoCase):
    """`plain` has no indexes; `indexed` has the same documents, and some."""

    def setUp(self):
        super().setUp()
        self.plain, self.indexed = self.database('_plain'), self.database('_indexed')
        self.docs, self.indexes, self.seen = {}, [], collections.Counter()

    # ---- data

    def store(self, bodies):
        """Saves documents in both databases; a body of None deletes."""
        for db, revs in ((self.plain, 'plain'), (self.indexed, 'indexed')):
            sent = []
            for doc_id, body in bodies.items():
                old = self.docs.get(doc_id, {}).get(revs)
                sent.append({'_id': doc_id, **(body or {'_deleted': True}), **({'_rev': old} if old else {})})
            self.save(db, sent)
            for doc in sent:
                self.docs.setdefault(doc['_id'], {})[revs] = doc['_rev']
        for doc_id, body in bodies.items():
            if body is None:
                del self.docs[doc_id]
            else:
                self.docs[doc_id]['doc'] = {'_id': doc_id, **body}

    def change(self, generator):
        ids = generator.random.sample(sorted(self.docs), DOCUMENTS // 5)
        self.store({doc_id: generator.document() if generator.chance(0.7) else None for doc_id in ids})

    def make_indexes(self, indexes):
        for index in indexes:
            number = len(self.indexes)
            name = {'ddoc': 'd%d' % (number // 3), 'name': 'i%d' % number}
            self.send(self.indexed, {'index': index, **name}, '_index')
            self.indexes.append((name['ddoc'], name['name'], index))

    # ---- what is expected

    def matching(self, query, and_filter=None):
        fields = sort_fields(query)
        return [entry['doc'] for entry in self.docs.values()
                if reference.matches(query['selector'], entry['doc'])
                and all(reference.value_of(entry['doc'], field) is not reference.MISSING for field in fields)
                and (and_filter is None or reference.matches(and_filter, entry['doc']))]

    def check_docs(self, answer, query, expected):
        docs = answer['docs']
        by_id = {doc['_id']: doc for doc in expected}
        ids = [doc['_id'] for doc in docs]
        self.assertEqual(sorted(ids), sorted(by_id))
        for doc in docs:
            whole = by_id[doc['_id']]
            doc.pop('_rev', None)
            self.assertEqual(doc, reference.project(whole, query['fields']) if 'fields' in query else whole)
        self.check_order(query.get('sort', []), [by_id[doc_id] for doc_id in ids])
        return ids

    def check_order(self, sort, docs):
        if sort_fields({'sort': sort}) == ['_id']:  # by bytes, or by ICU in an index
            ids = [doc['_id'] for doc in docs]
            if ids in (sorted(ids, key=str.encode), sorted(ids, key=str.encode, reverse=True)):
                return
        compare = compare_by(sort)
        for left, right in zip(docs, docs[1:]):
            self.assertLessEqual(compare(left, right), 0, (left['_id'], right['_id']))

    # ---- checks of one query

    def check_query(self, generator, query, hint):
        expected = self.matching(query)
        everything = {**query, 'limit': EVERYTHING}
        for db in (self.plain, self.indexed):
            ids = self.check_docs(self.send(db, everything), query, expected)
            self.check_pages(db, query, ids, generator)
        counted = self.send(self.indexed, {**query, 'count': True, 'limit': 2})
        self.assertEqual(counted.get('count', 0), len(expected))
        skip = generator.random.randrange(10)
        skipped = self.send(self.indexed, {**everything, 'skip': skip})['docs']
        self.assertEqual([doc['_id'] for doc in skipped], ids[skip:])
        self.note_plan(query)
        self.check_hint(everything, query, *hint)

    def note_plan(self, query):
        plan = self.send(self.indexed, {**query, 'verbose': True}, '_explain')['plan']
        self.seen[plan['reads']] += 1
        self.seen['sort: ' + plan['sort']] += 1
        for index in plan['indexes']:
            self.seen['covering'] += index['covering']
            self.seen['several ranges'] += index['ranges'] > 1

    def check_pages(self, db, query, ids, generator):
        limit = generator.pick([1, 3, 7, 50])
        joined, bookmark = [], None
        for _ in range(8):
            page = self.send(db, {**query, 'limit': limit, **({'bookmark': bookmark} if bookmark else {})})
            joined += [doc['_id'] for doc in page['docs']]
            if 'bookmark' not in page or not page['docs']:
                break
            bookmark = page['bookmark']
        self.assertEqual(joined, ids[:len(joined)])
        self.assertGreaterEqual(len(joined), min(len(ids), 8 * limit))

    def check_hint(self, everything, query, ddoc, name, index):
        """An index that is asked for answers the same; a partial one what its filter leaves."""
        hinted = {**everything, 'use_index': [ddoc, name]}
        used = self.send(self.indexed, {**hinted, 'verbose': True}, '_explain')['plan']['indexes']
        if [scan['name'] for scan in used] != [name]:
            self.check_docs(self.send(self.indexed, hinted), query, self.matching(query))
            return
        expected = self.matching(query, index.get('partial_filter_selector'))
        self.seen['asked for'] += 1
        self.seen['asked for: partial'] += 'partial_filter_selector' in index
        self.seen['asked for: elements'] += '[]' in str(index['fields'])
        ids = self.check_docs(self.send(self.indexed, hinted), query, expected)
        bookmark, joined = None, []
        for _ in range(4):
            page = self.send(self.indexed, {**query, 'use_index': [ddoc, name], 'limit': 5,
                                            **({'bookmark': bookmark} if bookmark else {})})
            joined += [doc['_id'] for doc in page['docs']]
            bookmark = page.get('bookmark')
            if not page['docs']:
                break
        self.assertEqual(joined, ids[:20])

    # ---- groups

    def check_groups(self, generator, selector):
        query = {'selector': selector, **generator.groups()}
        expected = groups.expected(query, self.matching({'selector': selector}))
        for db in (self.plain, self.indexed):
            self.assertEqual(groups.shown(query, self.send(db, {**query, 'limit': EVERYTHING})), expected)
            paged, bookmark = [], None
            for _ in range(6):
                page = self.send(db, {**query, 'limit': 4, **({'bookmark': bookmark} if bookmark else {})})
                rows = groups.shown(query, page)
                paged += rows
                bookmark = page['bookmark']
                if not rows:
                    break
            self.assertEqual(paged, expected[:24])
        plan = self.send(self.indexed, {**query, 'verbose': True}, '_explain')['plan']
        self.seen['groups: ' + plan['groups']] += 1

    # ---- rounds

    def run_round(self, seed):
        generator = Generator(random.Random(seed))
        self.docs.clear()
        self.indexes.clear()
        for db in (self.plain, self.indexed):
            self.server.delete('/' + db)
            self.answer(self.server.put('/' + db), 201)
        self.store({generator.doc_id(number): generator.document() for number in range(DOCUMENTS)})
        self.make_indexes(NARROW + [generator.index() for _ in range(4)])
        for number in range(QUERIES):
            if number % 10 == 9:
                self.change(generator)
                self.make_indexes([generator.index()])
            hint = generator.pick(self.indexes)
            query = generator.query(hint[2], generator.pick(self.indexes)[2])
            if number % 10 in (4, 5, 6, 7):
                query = {'selector': generator.narrow_selector(number % 10 - 4)}
                hint = self.indexes[number % 10 - 4]
            with self.subTest(round=seed, number=number, query=reference.dumps(query)):
                self.check_query(generator, query, hint)
                self.check_groups(generator, query['selector'])

    def test_every_plan_answers_the_same(self):
        for number in range(ROUNDS):
            self.run_round(SEED + number)
        for kind in ('index', 'scan of documents', 'documents by id', 'union of indexes', 'covering', 'several ranges',
                     'asked for', 'asked for: partial', 'asked for: elements', 'sort: order of the index', 'sort: in memory',
                     'groups: in memory', 'groups: one after the other'):
            self.assertGreater(self.seen[kind], 0, '%s was never seen: %s' % (kind, self.seen))


if __name__ == '__main__':
    unittest.main()
