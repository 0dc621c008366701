"""Bookmarks: pages of every plan join, whatever is written in between."""
import base64
import json
import random
import unittest

from harness.mango import MangoCase

DOCUMENTS = 300


class PageCase(MangoCase):
    server_arguments = {'memory': True}

    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.docs = [{'_id': 'd%03d' % i, 'n': i % 60, 'k': i % 3, 'color': 'c%d' % (i % 50), 'tags': ['t%d' % (i % 4), 't%d' % (i % 5)]}
                     for i in range(DOCUMENTS)]
        self.save(self.db, self.docs)

    def indexes(self):
        self.create_index(self.db, ['n', 'k'], 'n-k', 'a')
        self.create_index(self.db, ['color'], 'color', 'b')
        self.create_index(self.db, ['tags.[]'], 'tags', 'c')
        for selector in ({'n': {'$gt': -1}, 'k': 1}, {'color': 'c1'}, {'tags': {'$in': ['t1']}}):
            self.find(self.db, selector, limit=1)


# Name: (selector, members, what _explain says is read).
PLANS = {
    'scan': ({'k': {'$ne': 1}}, {}, 'scan of documents'),
    'ids': ({'_id': {'$gte': 'd100', '$lt': 'd200'}}, {}, 'scan of documents'),
    'ids_descending': ({'_id': {'$gte': 'd100'}}, {'sort': [{'_id': 'desc'}]}, 'scan of documents'),
    'list_of_ids': ({'_id': {'$in': ['d%03d' % i for i in range(0, 300, 7)]}}, {}, 'documents by id'),
    'index': ({'n': {'$gt': 30}, 'k': {'$gte': 0}}, {}, 'index'),
    'index_descending': ({'n': {'$gt': 30}}, {'sort': [{'n': 'desc'}, {'k': 'desc'}]}, 'index'),
    'ranges': ({'n': {'$in': [1, 7, 9, 30, 31]}, 'k': {'$exists': True}}, {}, 'index'),
    'covered': ({'n': {'$gt': 30}, 'k': {'$gte': 0}}, {'fields': ['_id', 'n']}, 'index'),
    'elements': ({'tags': {'$in': ['t1', 't4', 't2']}}, {}, 'index'),
    'union': ({'$or': [{'n': 3, 'k': 0}, {'color': {'$in': ['c1', 'c2']}}]}, {}, 'union of indexes'),
    'memory': ({'k': 1}, {'sort': [{'n': 'desc'}, {'color': 'asc'}], 'sort_in_memory': True}, 'scan of documents'),
}


class JoinTest(PageCase):
    def check(self, selector, members, reads):
        self.indexes()
        self.assertEqual(self.plan(self.db, selector, **members)['reads'], reads)
        everything = self.ids(self.db, selector, limit=1000, **members)
        self.assertGreater(len(everything), 5)
        for limit in (1, 7, len(everything), 1000):
            joined = [doc['_id'] for doc in self.pages(self.db, selector, limit=limit, pages_max=400, **members)]
            self.assertEqual(joined, everything, limit)
        skipped = self.find(self.db, selector, limit=3, **members)
        rest = self.ids(self.db, selector, limit=1000, skip=2, bookmark=skipped['bookmark'], **members)
        self.assertEqual(rest, everything[5:])

    def check_with_writes(self, selector, members, _reads):
        """What stays as it is comes exactly once."""
        self.indexes()
        chance = random.Random(4)
        before = self.ids(self.db, selector, limit=1000, **members)
        touched = set()

        def write():
            for _ in range(3):
                number = chance.randrange(DOCUMENTS)
                doc_id = 'd%03d' % number
                rev = self.server.get('/%s/%s' % (self.db, doc_id)).json().get('_rev')
                if rev:
                    touched.add(doc_id)
                    what = chance.choice([{'_deleted': True}, {**self.docs[number], 'n': chance.randrange(60)}])
                    self.save(self.db, [{**what, '_id': doc_id, '_rev': rev}])
                self.save(self.db, [{'_id': 'd%03d-%d' % (number, chance.randrange(10 ** 9)), 'n': chance.randrange(60), 'k': 0,
                                     'tags': ['t1', 't2'], 'color': 'c1'}])

        joined = [doc['_id'] for doc in self.pages(self.db, selector, write, limit=19, pages_max=400, **members)]
        stayed = [doc_id for doc_id in before if doc_id not in touched]
        self.assertGreater(len(stayed), 5)
        self.assertEqual([doc_id for doc_id in joined if doc_id in set(stayed)], stayed)
        self.assertEqual(len(set(joined) - touched), len([doc_id for doc_id in joined if doc_id not in touched]))


def add_tests():
    for name, plan in PLANS.items():
        setattr(JoinTest, 'test_' + name, lambda self, plan=plan: self.check(*plan))
        setattr(JoinTest, 'test_%s_while_documents_are_written' % name, lambda self, plan=plan: self.check_with_writes(*plan))


class BookmarkTest(PageCase):
    def test_last_page(self):
        page = self.find(self.db, {'n': 59}, limit=10)
        self.assertEqual(len(page['docs']), 5)
        after = self.find(self.db, {'n': 59}, limit=10, bookmark=page['bookmark'])
        self.assertEqual((after['docs'], after['bookmark']), ([], page['bookmark']))
        self.save(self.db, [{'_id': 'e', 'n': 59}])
        self.assertEqual(self.ids(self.db, {'n': 59}, bookmark=page['bookmark']), ['e'])
        self.assertEqual(self.find(self.db, {'n': -1})['bookmark'], 'nil')

    def test_nothing_is_a_bookmark_of_the_first_page(self):
        for bookmark in (None, ''):
            self.assertEqual(len(self.ids(self.db, {'n': 59}, bookmark=bookmark)), 5)

    def test_index_is_deleted_between_pages(self):
        selector = {'n': {'$gt': 30}, 'k': {'$gte': 0}}
        self.indexes()
        bookmark = self.find(self.db, selector, limit=2)['bookmark']
        self.answer(self.server.delete('/%s/_index/a/json/n-k' % self.db), 200)
        reason = self.refused(self.db, 'invalid_bookmark', selector=selector, bookmark=bookmark)
        self.assertIn('gone', reason)
        self.assertEqual(len(self.ids(self.db, selector)), 25)
        for other in ({'sort': ['n'], 'sort_in_memory': True}, {'use_index': 'b'}):
            self.refused(self.db, 'invalid_bookmark', selector=selector, bookmark=bookmark, **other)

    def test_elements_index_is_deleted_between_pages(self):
        selector = {'tags': {'$in': ['t1', 't2']}}
        self.indexes()
        bookmark = self.find(self.db, selector, limit=2)['bookmark']
        self.answer(self.server.delete('/%s/_index/c/json/tags' % self.db), 200)
        self.refused(self.db, 'invalid_bookmark', selector=selector, bookmark=bookmark)

    def test_index_is_made_between_pages(self):
        """The first page's order goes on."""
        selector = {'n': {'$gt': 30}, 'k': {'$gte': 0}}
        everything = self.ids(self.db, selector, limit=1000)
        joined = self.pages(self.db, selector, self.indexes, limit=40)
        self.assertEqual([doc['_id'] for doc in joined], everything)
        self.answer(self.server.delete('/%s/_index/a/json/n-k' % self.db), 200)
        sort = {'sort': [{'_id': 'desc'}], 'sort_in_memory': True}
        self.assertEqual([doc['_id'] for doc in self.pages(self.db, selector, self.indexes, limit=40, **sort)], everything[::-1])

    def test_a_better_index_does_not_take_over(self):
        self.create_index(self.db, ['k'], 'k', 'z')
        selector = {'k': {'$gte': 0}, 'n': {'$gt': 57}}
        everything = self.ids(self.db, selector, limit=1000)
        joined = self.pages(self.db, selector, self.indexes, limit=4)
        self.assertEqual([doc['_id'] for doc in joined], everything)

    def test_restart_of_the_server_does_not_matter(self):
        self.indexes()
        selector = {'n': {'$gt': 30}, 'k': {'$gte': 0}}
        page = self.find(self.db, selector, limit=20)
        parts = json.loads(base64.urlsafe_b64decode(page['bookmark'] + '=='))
        self.assertEqual(parts[0:2], [1, '_design/a/n-k'])
        self.assertEqual((parts[2], parts[3]), ([page['docs'][-1]['n'], page['docs'][-1]['k']], page['docs'][-1]['_id']))

    def test_what_was_made_up_is_refused_or_harmless(self):
        self.indexes()
        made_up = lambda *parts: base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip('=')
        for bookmark in (1, 'nil', 'x', '====', made_up(), made_up(2, '', None, 'd'), made_up(1, '', None), made_up(1, 'x', None, 'd'),
                         made_up(1, 1, None, 'd'), made_up(1, '', None, 1), made_up(1, '', 'x', 'd'), made_up(1, 'x/y', [], 'd')):
            self.refused(self.db, 'invalid_bookmark', selector={'n': {'$gt': 3}, 'k': 1}, bookmark=bookmark)
        for parts in ((1, '_design/a/n-k', [], ''), (1, '_design/a/n-k', [[[]], {}, 1, 2], 'd'), (1, '', None, '\x00'),
                      (1, '', None, 'z' * 5000), (1, '_design/a/n-k', ['z' * 5000, 1], 'z' * 5000), (1, '', [1], '')):
            self.find(self.db, {'n': {'$gt': 3}, 'k': 1}, bookmark=made_up(*parts))
            for members in ({'distinct': 'n'}, {'sort': [{'color': 'asc'}], 'sort_in_memory': True}):
                answer = self.post(self.db, '_find', selector={'n': {'$gt': 3}, 'k': 1}, bookmark=made_up(*parts), **members)
                self.assertIn(answer.status_code, (200, 400))


add_tests()

if __name__ == '__main__':
    unittest.main()
