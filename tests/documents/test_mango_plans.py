"""Which rows and documents a query reads: what `verbose` of _explain and `execution_stats` say."""
import unittest

from harness.mango import MangoCase

DOCUMENTS = 500


class PlanCase(MangoCase):
    server_arguments = {'memory': True}

    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.docs = [{'_id': 'd%03d' % i, 'k': i % 3, 'n': i, 'color': 'c%d' % (i % 10), 'size': i % 50,
                      'tags': ['t%d' % (i % 4), 't%d' % (i % 5)],
                      'items': [{'sku': 's%d' % (i % 3), 'qty': i % 2}, {'sku': 's%d' % (i % 50)}]} for i in range(DOCUMENTS)]
        self.save(self.db, self.docs)

    def build(self, *ddocs):
        """An index that was not built yet says nothing of its rows."""
        for ddoc in ddocs:
            view = next(iter(self.answer(self.server.get('/%s/_design/%s' % (self.db, ddoc)), 200)['views']))
            self.answer(self.server.get('/%s/_design/%s/_view/%s' % (self.db, ddoc, view)), 200)

    def expect(self, selector, which, reads, names=(), keys=None, documents=None, **members):
        """Asserts the answer, by a condition in Python, and how it came about."""
        ids = self.ids(self.db, selector, limit=1000, **members)
        self.assertEqual(sorted(ids), [doc['_id'] for doc in self.docs if which(doc)], selector)
        self.assertEqual(len(set(ids)), len(ids))
        plan = self.plan(self.db, selector, **members)
        self.assertEqual((plan['reads'], [index['name'] for index in plan['indexes']]), (reads, list(names)), selector)
        if reads == 'nothing':
            return plan
        statistics = self.statistics(self.db, selector, limit=1000, **members)
        if keys is not None:
            self.assertEqual(statistics['total_keys_examined'], keys, selector)
        if documents is not None:
            self.assertEqual(statistics['total_docs_examined'], documents, selector)
        return plan


class RangesTest(PlanCase):
    def setUp(self):
        super().setUp()
        self.create_index(self.db, ['size'], 'size', 'd')

    def test_values_of_in_are_ranges(self):
        plan = self.expect({'size': {'$in': [40, 1, 2, 1, 'none']}}, lambda doc: doc['size'] in (1, 2, 40), 'index', ['size'],
                           keys=30)
        self.assertEqual(plan['indexes'][0]['ranges'], 5)  # and one for arrays

    def test_branches_on_one_field_are_ranges(self):
        self.expect({'$or': [{'size': 1}, {'size': {'$gt': 47}}, {'size': {'$gte': 48, '$lt': 49}}]},
                    lambda doc: doc['size'] == 1 or doc['size'] > 47, 'index', ['size'], keys=30)

    def test_several_columns(self):
        self.create_index(self.db, ['color', 'k', 'n'], 'three', 'e')
        self.build('d', 'e')
        self.expect({'color': {'$in': ['c1', 'c2']}, 'k': {'$in': [0, 2]}, 'n': {'$gte': 100, '$lt': 200}},
                    lambda doc: doc['color'] in ('c1', 'c2') and doc['k'] != 1 and 100 <= doc['n'] < 200, 'index',
                    ['three'], keys=sum(doc['color'] in ('c1', 'c2') and doc['k'] != 1 and 100 <= doc['n'] < 200
                                        for doc in self.docs))

    def test_many_values(self):
        values = list(range(0, 50, 2)) + ['x%d' % i for i in range(2000)]
        self.expect({'size': {'$in': values}}, lambda doc: doc['size'] % 2 == 0, 'index', ['size'])

    def test_nothing_is_read_for_what_cannot_match(self):
        plan = self.expect({'size': {'$gt': 5, '$lt': 5}}, lambda doc: False, 'nothing')
        self.assertEqual(plan['sort'], 'none')
        self.expect({'$and': []}, lambda doc: False, 'nothing')

    def test_ids(self):
        self.expect({'_id': 'd001', 'k': 1}, lambda doc: doc['_id'] == 'd001', 'documents by id', keys=1)
        self.expect({'_id': {'$in': ['d001', 'x', 'd002', 'd003']}, 'k': {'$gt': 0}},
                    lambda doc: doc['_id'] in ('d001', 'd002'), 'documents by id', keys=3)
        self.expect({'_id': {'$gte': 'd490', '$lt': 'd492'}}, lambda doc: doc['n'] in (490, 491), 'scan of documents', keys=2)
        self.expect({'_id': {'$beginsWith': 'd49'}}, lambda doc: doc['n'] >= 490, 'scan of documents', keys=10)
        self.expect({'_id': 'd007', 'size': 7}, lambda doc: doc['n'] == 7, 'documents by id', keys=1)


class CoveringTest(PlanCase):
    def setUp(self):
        super().setUp()
        self.create_index(self.db, ['color', 'n'], 'color-n', 'd')

    def test_no_document_is_read(self):
        selector = {'color': 'c1', 'n': {'$gt': 450}}
        plan = self.expect(selector, lambda doc: doc['n'] > 450 and doc['n'] % 10 == 1, 'index', ['color-n'], keys=5,
                           documents=0, fields=['_id', 'n'])
        self.assertEqual((plan['indexes'][0]['covering'], plan['indexes'][0]['exact']), (True, True))
        self.assertEqual(self.find(self.db, selector, fields=['n', 'color'], limit=1)['docs'], [{'n': 451, 'color': 'c1'}])
        self.expect(selector, lambda doc: doc['n'] > 450 and doc['n'] % 10 == 1, 'index', ['color-n'], documents=5,
                    fields=['_id', 'n', 'size'])
        self.expect({**selector, 'size': 1}, lambda doc: doc['n'] == 451, 'index', ['color-n'], documents=5)

    def test_conditions_that_are_no_ranges_are_met(self):
        self.expect({'color': {'$regex': '[27]$'}, 'n': {'$mod': [7, 0]}},
                    lambda doc: doc['n'] % 10 in (2, 7) and doc['n'] % 7 == 0, 'index', ['color-n'], documents=0,
                    fields=['_id', 'n'])

    def test_a_point_in_a_name_is_no_step(self):
        self.answer(self.server.post('/' + self.db, json={'_id': 'p', 'a': {'b': 1}, 'a.b': 2}), 201)
        self.create_index(self.db, ['a.b'], 'step', 'd')
        self.create_index(self.db, ['a\\.b'], 'point', 'd')
        self.assertEqual(self.ids(self.db, {'a.b': {'$gt': None}, 'a\\.b': 2}, fields=['_id', 'a.b']), ['p'])
        self.assertEqual(self.find(self.db, {'a\\.b': 2}, fields=['a\\.b'])['docs'], [{'a.b': 2}])
        self.assertEqual(self.find(self.db, {'a.b': 1}, fields=['a.b'])['docs'], [{'a': {'b': 1}}])
        self.assertEqual(self.ids(self.db, {'a.b': 2}), [])

    def test_groups_are_counted_without_documents(self):
        found = self.find(self.db, {'color': {'$gt': 'c6'}, 'n': {'$exists': True}}, group_by=['color'],
                          aggregate={'number': 'count', 'top': {'max': 'n'}}, execution_stats=True)
        self.assertEqual(found['groups'], [{'color': 'c%d' % i, 'number': 50, 'top': 490 + i} for i in (7, 8, 9)])
        self.assertEqual(found['execution_stats']['total_docs_examined'], 0)


class ChoiceTest(PlanCase):
    """CouchDB takes the index that fits best; another one that has far fewer rows is taken here."""

    def setUp(self):
        super().setUp()
        self.create_index(self.db, ['k'], 'all-k', 'a')
        self.create_index(self.db, ['size'], 'z-size', 'z')
        self.build('a', 'z')

    def test_the_index_with_fewer_rows(self):
        selector = {'k': {'$gte': 0}, 'size': 7}
        explained = self.explain(self.db, selector)
        self.assertEqual((explained['index']['name'], explained['plan']['reads']), ('z-size', 'index'))
        self.assertNotIn('plan', self.explain(self.db, {'size': 7}))
        plan = self.expect(selector, lambda doc: doc['size'] == 7, 'index', ['z-size'], keys=10)
        self.assertEqual(plan['indexes'][0]['estimated_rows'], 10)

    def test_not_when_the_difference_is_small(self):
        self.expect({'k': 1, 'size': {'$lt': 20}}, lambda doc: doc['k'] == 1 and doc['size'] < 20, 'index', ['all-k'])

    def test_not_when_one_is_asked_for(self):
        self.expect({'k': {'$gte': 0}, 'size': 7}, lambda doc: doc['size'] == 7, 'index', ['all-k'], keys=DOCUMENTS,
                    use_index='a')

    def test_not_when_the_order_is_another(self):
        selector = {'k': {'$gte': 0}, 'size': 7}
        found = self.find(self.db, selector, sort=['k'], execution_stats=True)
        self.assertEqual([doc['k'] for doc in found['docs']], sorted(doc['k'] for doc in found['docs']))
        self.assertEqual(found['execution_stats']['total_keys_examined'], DOCUMENTS)


class UnionTest(PlanCase):
    EITHER = {'$or': [{'color': 'c1', 'n': {'$lt': 100}}, {'size': 7}]}

    def setUp(self):
        super().setUp()
        self.create_index(self.db, ['color', 'n'], 'color', 'd')
        self.create_index(self.db, ['size'], 'size', 'd')
        self.build('d')

    @staticmethod
    def matches(doc):
        return (doc['n'] % 10 == 1 and doc['n'] < 100) or doc['size'] == 7

    def test_each_branch_by_its_index(self):
        self.expect(self.EITHER, self.matches, 'union of indexes', ['color', 'size'], keys=20)
        self.expect({'k': {'$ne': 0}, **self.EITHER}, lambda doc: doc['k'] != 0 and self.matches(doc), 'union of indexes',
                    ['color', 'size'], keys=20)

    def test_documents_come_in_the_order_of_a_scan(self):
        indexed = self.ids(self.db, self.EITHER, limit=1000)
        self.assertEqual(indexed, sorted(indexed))
        pages = self.pages(self.db, self.EITHER, limit=3)
        self.assertEqual([doc['_id'] for doc in pages], indexed)
        self.assertEqual(self.find(self.db, self.EITHER, count=True, limit=0)['count'], len(indexed))

    def test_not_when_a_branch_has_no_index(self):
        self.expect({'$or': self.EITHER['$or'] + [{'tags': 'no'}]}, self.matches, 'scan of documents')

    def test_not_when_it_reads_much(self):
        self.expect({'$or': [{'color': {'$gt': 'c1'}, 'n': {'$gt': -1}}, {'size': 7}]},
                    lambda doc: doc['color'] > 'c1' or doc['size'] == 7, 'scan of documents')
        path = '/_node/_local/_config/divan/mango_union_documents_max'
        self.answer(self.server.put(path, json='19'), 200)
        self.addCleanup(self.server.delete, path)
        self.expect(self.EITHER, self.matches, 'scan of documents')

    def test_sorted_in_memory(self):
        found = self.find(self.db, self.EITHER, sort=[{'n': 'desc'}], sort_in_memory=True, limit=3, execution_stats=True)
        self.assertEqual([doc['n'] for doc in found['docs']], [457, 407, 357])
        self.assertEqual(found['execution_stats']['total_docs_examined'], 20)


class ElementsTest(PlanCase):
    def setUp(self):
        super().setUp()
        self.create_index(self.db, ['tags.[]'], 'tags', 'd')
        self.create_index(self.db, ['items.[].sku'], 'skus', 'd')
        self.rows = lambda *tags: sum(len(set(doc['tags']) & set(tags)) for doc in self.docs)

    def test_one_value(self):
        for condition in ({'$elemMatch': {'$eq': 't4'}}, {'$in': ['t4']}, {'$all': ['t4']}):
            self.expect({'tags': condition}, lambda doc: 't4' in doc['tags'], 'index', ['tags'], keys=self.rows('t4'))
        self.expect({'items': {'$elemMatch': {'sku': 's49'}}}, lambda doc: doc['size'] == 49, 'index', ['skus'], keys=10)

    def test_a_document_with_several_of_the_elements_comes_once(self):
        self.expect({'tags': {'$in': ['t1', 't4', 't0']}}, lambda doc: set(doc['tags']) & {'t0', 't1', 't4'}, 'index', ['tags'],
                    keys=self.rows('t0', 't1', 't4'))
        self.expect({'tags': {'$elemMatch': {'$gte': 't1', '$lt': 't3'}}}, lambda doc: set(doc['tags']) & {'t1', 't2'}, 'index',
                    ['tags'])
        self.expect({'tags': {'$all': ['t1', 't4']}}, lambda doc: {'t1', 't4'} <= set(doc['tags']), 'index', ['tags'])
        selector = {'tags': {'$in': ['t1', 't4', 't0']}}
        pages = [doc['_id'] for doc in self.pages(self.db, selector, limit=7)]
        self.assertEqual(len(set(pages)), len(pages))
        self.assertEqual(sorted(pages), sorted(self.ids(self.db, selector, limit=1000)))

    def test_more_values_than_ranges(self):
        """Two elements of a document between which others stand: it came twice."""
        values = ['t0', 't4'] + ['v%04d' % i for i in range(1500)]
        self.save(self.db, [{'_id': 'e', 'tags': ['t4', 'u', 'v0007', 'v00075', 'v1400']}])
        self.docs.append({'_id': 'e', 'tags': ['t4']})
        self.expect({'tags': {'$in': values}}, lambda doc: set(doc['tags']) & {'t0', 't4'}, 'index', ['tags'])

    def test_with_columns_before_and_behind(self):
        self.create_index(self.db, ['k', 'tags.[]', 'n'], 'three', 'e')
        self.build('d', 'e')
        self.expect({'k': {'$in': [0, 1]}, 'tags': {'$in': ['t1', 't4']}, 'n': {'$gt': 400}},
                    lambda doc: doc['k'] < 2 and set(doc['tags']) & {'t1', 't4'} and doc['n'] > 400, 'index', ['three'])

    def test_what_is_no_array(self):
        self.save(self.db, [{'_id': 's', 'tags': 't4'}, {'_id': 'o', 'items': {'sku': 's49'}}, {'_id': 'none', 'tags': []},
                            {'_id': 'inner', 'tags': [['t4']]}, {'_id': 'null', 'tags': [None, 't9']}])
        self.docs += [{'_id': 's', 'tags': ['t4'], 'size': -1}]
        self.expect({'tags': {'$in': ['t4']}}, lambda doc: 't4' in doc['tags'], 'index', ['tags'])
        self.assertEqual(self.ids(self.db, {'tags': {'$in': [['t4']]}}), ['inner'])
        self.assertEqual(self.ids(self.db, {'tags': {'$elemMatch': {'$eq': None}}}), ['null'])
        self.assertEqual(self.ids(self.db, {'items': {'$elemMatch': {'sku': 's49', 'qty': 5}}}), [])

    def test_what_elements_cannot_tell_is_a_scan(self):
        for condition in ({'$size': 2}, {'$allMatch': {'$gte': 't0'}}):
            self.expect({'tags': condition}, lambda doc: True, 'scan of documents')
        self.expect({'items': {'$elemMatch': {'$not': {'sku': {'$gt': ''}}}}}, lambda doc: False, 'scan of documents')
        self.expect({'items': {'$elemMatch': {'qty': 1}}}, lambda doc: doc['n'] % 2, 'scan of documents')

    def test_changes_reach_it(self):
        self.assertEqual(self.ids(self.db, {'tags': {'$in': ['new']}}), [])
        rev = self.server.get('/%s/d000' % self.db).json()['_rev']
        self.save(self.db, [{'_id': 'd000', '_rev': rev, 'tags': ['new', 'new']}])
        self.assertEqual(self.ids(self.db, {'tags': {'$in': ['new']}}), ['d000'])
        self.assertEqual(len(self.ids(self.db, {'tags': {'$in': ['t0']}}, limit=1000)), self.rows('t0') - 1)

    def test_by_name(self):
        selector = {'tags': {'$in': ['t4']}}
        found = self.find(self.db, selector, use_index=['d', 'tags'])
        self.assertNotIn('warning', found)
        self.expect(selector, lambda doc: 't4' in doc['tags'], 'index', ['tags'], use_index='d/tags')
        self.create_index(self.db, ['tags.[]'], 'few', 'p', partial_filter_selector={'k': 0})
        self.build('d', 'p')
        self.expect(selector, lambda doc: 't4' in doc['tags'], 'index', ['tags'])
        self.expect(selector, lambda doc: doc['k'] == 0 and 't4' in doc['tags'], 'index', ['few'], use_index=['p', 'few'])
        self.expect(selector, lambda doc: 't4' in doc['tags'], 'scan of documents', use_index='other')

    def test_a_view_of_it(self):
        rows = self.answer(self.server.get('/%s/_design/d/_view/tags' % self.db, params={'key': '["t4"]', 'reduce': 'false'}), 200)
        self.assertEqual([row['id'] for row in rows['rows']], [doc['_id'] for doc in self.docs if 't4' in doc['tags']])


if __name__ == '__main__':
    unittest.main()
