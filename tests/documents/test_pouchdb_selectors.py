"""The matcher against PouchDB's, on the same cases: what differs is of a kind that is listed."""
import json
import os
import random
import subprocess
import unittest

import selector_differences as known
from harness import clients
from harness.server import BINARY, ROOT

PROGRAM = BINARY.parent / 'selector_match'
LIMIT_S = 120
GENERATED = 10000
WORDS = ['ab', 'abc', 'b', 'bc', 'c', '']


class Generator:
    """Selectors and documents that mostly mean the same to both."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one_in(self, count):
        return self.random.randrange(count) == 0

    def scalar(self):
        kind = self.random.randrange(12)
        if kind == 0:
            return None
        if kind == 1:
            return self.one_in(2)
        if kind == 2 and self.one_in(3):
            return self.random.choice([1.5, 0.5, 2.0, 'B', '\u00e9', 'a-b', 2 ** 53 + 1])
        return self.random.randrange(-3, 5) if kind < 8 else self.random.choice(WORDS)

    def array(self):
        scalars = self.one_in(2)
        return [self.scalar() if scalars else {name: self.scalar() for name in 'xy'}
                for _ in range(self.random.randrange(4))]

    def object(self):
        return {name: self.scalar() for name in self.random.sample('xyz', self.random.randrange(1, 4))}

    def value(self):
        return self.random.choice([self.scalar, self.scalar, self.scalar, self.array, self.object])()

    def document(self):
        doc = {'_id': self.random.choice(WORDS[:-1]), 'a': self.scalar(), 'b': self.scalar(), 'c': self.object(),
               'd': self.array()}
        doc['c']['o'] = self.object()
        if self.one_in(4):
            doc[self.random.choice('abcd')] = self.value()
        if self.one_in(4):
            del doc[self.random.choice('abcd')]
        return doc

    def field(self):
        usual = ['a', 'b', '_id', 'c', 'd', 'c.x', 'c.y', 'c.o.x', 'd.0']
        return self.random.choice(['a.x', 'c.0', 'd.x', 'e'] if self.one_in(12) else usual)

    def test(self, depth):
        operator = self.random.choice(sorted(known.OPERATORS))
        if operator in known.ELEMENTS:
            inner = self.condition(0) if self.one_in(2) else {name: self.condition(0) for name in 'xy'}
            return {operator: inner if isinstance(inner, dict) else {'$eq': inner}}
        arguments = {
            '$exists': lambda: self.one_in(2), '$size': lambda: self.random.randrange(4),
            '$type': lambda: self.random.choice(['null', 'boolean', 'number', 'string', 'array', 'object', 'nope']),
            '$mod': lambda: [self.random.choice([-3, 2, 3]), self.random.randrange(-1, 3)],
            '$regex': lambda: self.random.choice(['^a', 'b', 'c$', '^b?c?$', 'a.*c', '[bc]', '']),
            '$all': lambda: [self.scalar() for _ in range(self.random.randrange(3))],
        }
        for name in ('$in', '$nin'):
            arguments[name] = lambda: [self.value() for _ in range(self.random.randrange(4))]
        return {operator: arguments.get(operator, lambda: self.value())()}

    def condition(self, depth):
        if self.one_in(5):
            return self.scalar()
        if depth and self.one_in(12):
            return {name: self.condition(0) for name in self.random.sample('xy', self.random.randrange(1, 3))}
        tests = self.test(depth)
        if self.one_in(4):
            tests.update(self.test(depth))
        return tests

    def selector(self, depth=2):
        selector = {}
        for _ in range(self.random.randrange(1, 3)):
            kind = self.random.choice(['$and', '$or', '$nor', '$not'] + [None] * 8) if depth else None
            if kind == '$not':
                selector[kind] = self.selector(0)
            elif kind:
                fewest = 0 if self.one_in(9) else 1
                selector[kind] = [self.selector(depth - 1) for _ in range(self.random.randrange(fewest, 4))]
            else:
                selector[self.field()] = self.condition(depth)
        return selector


def answers(command, cases, **options):
    """The answers of a program to cases (selector, document)."""
    lines = ''.join(json.dumps({'selector': selector, 'doc': doc}) + '\n' for selector, doc in cases)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=LIMIT_S, check=True, **options)
    told = done.stdout.split('\n')[:-1]
    if len(told) != len(cases):
        raise AssertionError('%d answers to %d cases' % (len(told), len(cases)))
    return told


def recorded_cases():
    """Selectors and documents of the answers recorded from CouchDB."""
    with open(ROOT / 'tests/replay/couchdb-transcripts.jsonl', encoding='utf-8') as lines:
        for line in lines:
            transcript = json.loads(line)
            if not transcript['id'].startswith(('find-op-', 'find-bad-selector', 'find-numbers', 'find-key-order')):
                continue
            bodies = [(step['path'], json.loads(step['body'])) for step in transcript['steps']
                      if step['path'].endswith(('/_bulk_docs', '/_find'))]
            docs = [doc for path, body in bodies if path.endswith('_bulk_docs') for doc in body['docs']]
            for path, body in bodies:
                if path.endswith('_find') and isinstance(body['selector'], dict):
                    yield from ((body['selector'], doc) for doc in docs)


class PouchDBSelectorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        clients.node_modules()

    def compare(self, cases):
        """[(selector, document, Divan's answer, PouchDB's)]"""
        divan = answers([str(PROGRAM)], cases)
        pouchdb = answers(['node', 'selectors.js'], cases, cwd=clients.FOLDER)
        return [(*case, *both) for case, both in zip(cases, zip(divan, pouchdb))]

    @staticmethod
    def same(divan, pouchdb):
        return divan == pouchdb or (divan not in ('true', 'false') and pouchdb == 'error')

    def check(self, cases):
        """Fails if a difference is of no listed kind. Returns the cases for which no kind is listed."""
        plain, unlisted = [], []
        for selector, doc, divan, pouchdb in self.compare(cases):
            if not known.kinds_of(selector, doc):
                plain.append((selector, doc, divan))
                if not self.same(divan, pouchdb):
                    unlisted.append('%s\n  of %s\n  Divan: %s, PouchDB: %s' % (
                        json.dumps(selector), json.dumps(doc), divan, pouchdb))
        if unlisted:
            self.fail('%d differences of no listed kind, as\n%s' % (len(unlisted), '\n'.join(unlisted[:5])))
        return plain

    def test_every_listed_kind_differs(self):
        """As its example says, which nothing else explains."""
        compared = self.compare([kind.example[:2] for kind in known.DIFFERENCES])
        for kind, (selector, doc, divan, pouchdb) in zip(known.DIFFERENCES, compared):
            with self.subTest(kind.name):
                self.assertEqual((divan, pouchdb), kind.example[2:])
                self.assertEqual(known.kinds_of(selector, doc), [kind.name])

    def test_recorded_cases(self):
        self.assertGreater(len(self.check(list(recorded_cases()))), 1000)

    def test_generated_cases(self):
        seed = int(os.environ.get('DIVAN_SEED', '1'))
        generator = Generator(seed)
        cases = [(generator.selector(), generator.document()) for _ in range(GENERATED)]
        plain = self.check(cases)
        self.assertGreater(len(plain), 2 * GENERATED // 5, 'too few cases are of no listed kind')
        for operator in sorted(known.OPERATORS | {'$or', '$nor', '$not', '$and'}):
            told = {answer for selector, _, answer in plain if '"%s"' % operator in json.dumps(selector)}
            self.assertEqual(told, {'true', 'false'}, '%s, DIVAN_SEED=%d' % (operator, seed))


if __name__ == '__main__':
    unittest.main()
