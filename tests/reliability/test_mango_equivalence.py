"""Random queries on random documents: the answers of every plan are those of a plain computation."""
import collections
import decimal
import math
import os
import random
import unittest

from harness import mango_reference as reference
from harness.case import ServerTestCase
from harness.random_mango import COLORS, NUMBERS, SCALARS, STRINGS, ARRAYS, OBJECTS, Generator

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 180
LONG_TIME_LIMIT_S = 3600
SEED = int(os.environ.get('DIVAN_SEED', '20261128'))
ROUNDS = 150 if LONG else 2
DOCUMENTS = 150
QUERIES = 60 if LONG else 40
EVERYTHING = 1000


class Nearly:
    """A sum of doubles: as near as their sizes allow."""

    def __init__(self, numbers):
        self.value, self.size = math.fsum(numbers), math.fsum(map(abs, numbers))

    def __eq__(self, shown):
        return shown is not None and abs(float(shown) - self.value) <= 1e-14 * DOCUMENTS * self.size

    def __repr__(self):
        return 'nearly %r' % self.value


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

    def make_indexes(self, generator, count):
        for _ in range(count):
            index = generator.index()
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

    def check_query(self, generator, query):
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
        self.check_hint(generator, everything, query)

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

    def check_hint(self, generator, everything, query):
        """An index that is asked for answers the same; a partial one what its filter leaves."""
        ddoc, name, index = generator.pick(self.indexes)
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

    def aggregate(self, spec, docs):
        if spec == 'count':
            return len(docs)
        (function, field), = spec.items()
        values = [value for value in (reference.value_of(doc, field) for doc in docs) if value is not reference.MISSING]
        if function == 'count':
            return len(values)
        if function in ('min', 'max'):
            chosen = (min if function == 'min' else max)(values, key=reference.order_key, default=None)
            return reference.order_key(chosen)
        numbers = [value for value in values if reference.type_name(value) == 'number']
        if any(isinstance(value, decimal.Decimal) for value in numbers):
            numbers = list(map(float, numbers))
        total = Nearly(numbers) if numbers and isinstance(numbers[0], float) else sum(numbers)
        if function == 'sum':
            return total
        if function == 'avg':
            return Nearly([number / len(numbers) for number in numbers]) if numbers else None
        return {'sum': total, 'count': len(numbers), 'min': min(numbers, default=None), 'max': max(numbers, default=None),
                'sumsqr': Nearly([number * number for number in numbers]) if isinstance(total, Nearly) else
                sum(number * number for number in numbers)}

    def expected_groups(self, query):
        fields = [query['distinct']] if 'distinct' in query else query.get('group_by', [])
        groups = {}
        for doc in self.matching({'selector': query['selector']}):
            values = [reference.value_of(doc, field) for field in fields]
            if reference.MISSING not in values:
                key = [reference.order_key(value) for value in values]
                groups.setdefault(repr(key), (key, []))[1].append(doc)
        if not fields and not groups:
            groups[''] = ([], [])
        ordered = sorted(groups.values(), key=lambda group: group[0])
        if 'distinct' in query:
            return [key[0] for key, _ in ordered]
        return [(key, {name: self.aggregate(spec, docs) for name, spec in query['aggregate'].items()})
                for key, docs in ordered]

    def shown_groups(self, answer, query):
        if 'distinct' in query:
            return [reference.order_key(value) for value in answer['distinct']]
        groups = []
        for row in answer['groups']:
            key = [reference.order_key(row.pop(field)) for field in query.get('group_by', [])]
            for name, spec in query['aggregate'].items():
                if isinstance(spec, dict) and next(iter(spec)) in ('min', 'max'):
                    row[name] = reference.order_key(row[name])
            groups.append((key, row))
        return groups

    def check_groups(self, generator, selector):
        query = {'selector': selector, **generator.groups()}
        expected = self.expected_groups(query)
        for db in (self.plain, self.indexed):
            shown = self.shown_groups(self.send(db, {**query, 'limit': EVERYTHING}), query)
            self.assert_groups(shown, expected)
            paged, bookmark = [], None
            for _ in range(6):
                page = self.send(db, {**query, 'limit': 4, **({'bookmark': bookmark} if bookmark else {})})
                groups = self.shown_groups(page, query)
                paged += groups
                bookmark = page['bookmark']
                if not groups:
                    break
            self.assert_groups(paged, expected[:24])
        plan = self.send(self.indexed, {**query, 'verbose': True}, '_explain')['plan']
        self.seen['groups: ' + plan['groups']] += 1

    def assert_groups(self, shown, expected):
        self.assertEqual(len(shown), len(expected))
        for one, other in zip(shown, expected):
            if not isinstance(one[-1], dict):
                self.assertEqual(one, other)
                continue
            self.assertEqual(one[0], other[0])
            for name, value in other[1].items():
                self.assert_result(one[1][name], value)

    def assert_result(self, shown, expected):
        """Integers to the last digit, other numbers nearly."""
        if isinstance(expected, dict):
            self.assertEqual(list(shown), list(expected))
            for name, value in expected.items():
                self.assert_result(shown[name], value)
        elif isinstance(expected, float):
            self.assertEqual(float(shown), expected)
        else:
            self.assertEqual(shown, expected)

    # ---- rounds

    def run_round(self, seed):
        generator = Generator(random.Random(seed))
        self.docs.clear()
        self.indexes.clear()
        for db in (self.plain, self.indexed):
            self.server.delete('/' + db)
            self.answer(self.server.put('/' + db), 201)
        self.store({generator.doc_id(number): generator.document() for number in range(DOCUMENTS)})
        self.make_indexes(generator, 4)
        for number in range(QUERIES):
            if number % 10 == 9:
                self.change(generator)
                self.make_indexes(generator, 1)
            query = generator.query([index for _, _, index in self.indexes])
            with self.subTest(round=seed, number=number, query=reference.dumps(query)):
                self.check_query(generator, query)
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
