"""What Divan's _find has beside CouchDB's: counts, distinct values, groups, sorts in memory; and the plan of _explain."""
import unittest

from harness.mango import MangoCase

COLORS = ['blue', 'green', 'red']


class ExtensionCase(MangoCase):
    server_arguments = {'memory': True}

    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.save(self.db, [{'_id': 'd%02d' % i, 'n': i, 'color': COLORS[i % 3], 'size': {'cm': i % 4}} for i in range(24)])
        self.save(self.db, [{'_id': 'bare'}, {'_id': 'odd', 'n': 'text', 'color': 'red', 'size': {'cm': 1}}])


class CountTest(ExtensionCase):
    def test_count_is_of_all_that_match(self):
        for fields in (None, ['color'], ['color', 'n']):
            if fields:
                self.create_index(self.db, fields)
            for members in ({}, {'limit': 3}, {'limit': 0}, {'limit': 3, 'skip': 5}):
                found = self.find(self.db, {'color': 'green'}, count=True, **members)
                self.assertEqual(found['count'], 8, (fields, members))
            page = self.find(self.db, {'color': 'green'}, limit=3)
            self.assertNotIn('count', page)
            rest = self.find(self.db, {'color': 'green'}, limit=3, count=True, bookmark=page['bookmark'])
            self.assertEqual((rest['count'], len(rest['docs'])), (8, 3))
        self.assertEqual(self.find(self.db, {'color': 'none'}, count=True)['count'], 0)
        self.assertEqual(self.find(self.db, {'$or': []}, count=True)['count'], 0)

    def test_count_of_a_range_reads_no_rows(self):
        self.create_index(self.db, ['n'])
        found = self.find(self.db, {'n': {'$gte': 4, '$lt': 20}}, count=True, limit=0, execution_stats=True)
        self.assertEqual((found['count'], found['execution_stats']['total_keys_examined']), (16, 0))

    def test_count_of_a_sort_in_memory_is_of_what_can_be_sorted(self):
        found = self.find(self.db, {}, count=True, limit=1, sort=['n'], sort_in_memory=True)
        self.assertEqual((found['count'], found['docs'][0]['n']), (25, 0))


class DistinctTest(ExtensionCase):
    def distinct(self, field, selector=None, **members):
        return self.find(self.db, selector or {}, distinct=field, **members)['distinct']

    def test_values_in_their_order(self):
        for index in (None, ['color', 'n'], ['size.cm']):
            if index:
                self.create_index(self.db, index)
            self.assertEqual(self.distinct('color'), COLORS)
            self.assertEqual(self.distinct('size.cm', {'color': 'blue'}), [0, 1, 2, 3])
            self.assertEqual(self.distinct('size', {'n': {'$in': [1, 5, 2]}}), [{'cm': 1}, {'cm': 2}])
            self.assertEqual(self.distinct('none'), [])
            self.assertEqual(self.distinct('color', limit=1, skip=1), ['green'])
            self.assertEqual(self.pages(self.db, {}, rows='distinct', distinct='n', limit=5, skip=0),
                             list(range(24)) + ['text'])


class GroupTest(ExtensionCase):
    AGGREGATE = {'number': 'count', 'named': {'count': 'size'}, 'total': {'sum': 'n'}, 'least': {'min': 'n'},
                 'most': {'max': 'n'}, 'mean': {'avg': 'n'}, 'all': {'stats': 'n'}}

    def groups(self, selector, **members):
        return self.find(self.db, selector, **members)['groups']

    def test_aggregates(self):
        expected = {'color': 'red', 'number': 9, 'named': 9, 'total': 100, 'least': 2, 'most': 'text', 'mean': 12.5,
                    'all': {'sum': 100, 'count': 8, 'min': 2, 'max': 23, 'sumsqr': 4 + 25 + 64 + 121 + 196 + 289 + 400 + 529}}
        for index in (None, ['color'], ['color', 'n', 'size']):
            if index:
                self.create_index(self.db, index)
            groups = self.groups({'color': {'$gt': None}}, group_by=['color'], aggregate=self.AGGREGATE)
            self.assertEqual([group['color'] for group in groups], COLORS)
            self.assertEqual(groups[2], expected)
            self.assertEqual(list(groups[2]), ['color', *self.AGGREGATE])

    def test_everything_is_one_group(self):
        self.assertEqual(self.groups({}, aggregate={'number': 'count', 'top': {'max': 'size.cm'}}),
                         [{'number': 26, 'top': 3}])
        for nothing in ({'n': -1}, {'$or': []}, {'n': {'$gt': 3, '$lt': 2}}):
            self.create_index(self.db, ['n'])
            self.assertEqual(self.groups(nothing, aggregate={'number': 'count', 'total': {'sum': 'n'}, 'least': {'min': 'n'},
                                                             'mean': {'avg': 'n'}}),
                             [{'number': 0, 'total': 0, 'least': None, 'mean': None}], nothing)
            self.assertEqual(self.groups(nothing, group_by=['color'], aggregate={'number': 'count'}), [])
        self.assertEqual(self.groups({}, aggregate={'number': 'count'}, limit=0), [])
        self.assertEqual(self.groups({}, aggregate={'number': 'count'}, skip=1), [])

    def test_groups_of_one_document(self):
        """An index has the order of the groups, and none is read: the server ended."""
        self.create_index(self.db, ['color'])
        selector = {'_id': 'd01', 'color': {'$gt': None}}
        self.assertEqual(self.groups(selector, group_by=['color'], aggregate={'total': {'sum': 'n'}}),
                         [{'color': 'green', 'total': 1}])
        self.assertEqual(self.pages(self.db, {'_id': 'd01'}, rows='distinct', distinct='color', limit=1), ['green'])

    def test_pages_of_one_group_end(self):
        for aggregate in ({'number': 'count'}, {'total': {'sum': 'n'}}):
            self.assertEqual(len(self.pages(self.db, {}, rows='groups', aggregate=aggregate, pages_max=3)), 1)

    def test_groups_of_several_fields_page_by_page(self):
        query = {'group_by': ['color', 'size.cm'], 'aggregate': {'total': {'sum': 'n'}}}
        expected = self.groups({}, **query)
        self.assertEqual(len(expected), 12)
        self.assertEqual(expected[0], {'color': 'blue', 'size.cm': 0, 'total': 0 + 12})
        for index in (None, ['color', 'size.cm'], ['color', 'size.cm', 'n']):
            if index:
                self.create_index(self.db, index)
            self.assertEqual(self.pages(self.db, {}, rows='groups', limit=5, **query), expected)
        self.assertEqual(self.groups({'color': {'$gt': 'c'}}, limit=2, skip=1, **query), expected[5:7])

    def test_groups_go_on_when_an_index_comes_or_goes_between_pages(self):
        query = {'group_by': ['color'], 'aggregate': {'number': 'count'}, 'limit': 1}
        expected = self.groups({}, **{**query, 'limit': 9})
        between = lambda: self.create_index(self.db, ['color'])
        self.assertEqual(self.pages(self.db, {}, between, rows='groups', **query), expected)
        self.create_index(self.db, ['n'], 'n', 'z')
        first = self.find(self.db, {'n': {'$gt': 1}}, distinct='n', limit=1)
        self.create_index(self.db, ['n'], 'n', 'a')  # would be taken if there were no bookmark
        rest = self.find(self.db, {'n': {'$gt': 1}}, distinct='n', limit=1, bookmark=first['bookmark'])
        self.assertEqual((first['distinct'], rest['distinct']), ([2], [3]))

    def test_a_bookmark_of_other_groups_is_refused(self):
        bookmark = self.find(self.db, {}, distinct='color', limit=1)['bookmark']
        of_documents = self.find(self.db, {}, limit=1)['bookmark']
        self.create_index(self.db, ['color'], 'color', 'd')
        of_index = self.find(self.db, {'color': {'$gt': None}}, limit=1)['bookmark']
        for given in (bookmark, of_documents, of_index):
            self.refused(self.db, 'invalid_bookmark', selector={'color': {'$gt': None}}, group_by=['color', 'n'],
                         aggregate={'x': 'count'}, bookmark=given)
        self.refused(self.db, 'invalid_bookmark', selector={'color': {'$gt': None}}, distinct='color', bookmark=of_index)

    def test_groups_in_memory_have_a_limit(self):
        path = '/_node/_local/_config/divan/mango_groups_max'
        self.answer(self.server.put(path, json='10'), 200)
        self.addCleanup(self.server.delete, path)
        reason = self.refused(self.db, 'too_many_groups', selector={}, distinct='n')
        self.assertIn('create an index', reason)
        self.create_index(self.db, ['n'])
        self.assertEqual(len(self.find(self.db, {}, distinct='n')['distinct']), 25)

    def test_what_does_not_go_together(self):
        for word, members in (('invalid_group_by', {'group_by': ['n'], 'sort': ['n']}),
                              ('invalid_group_by', {'group_by': ['n'], 'fields': ['n']}),
                              ('invalid_group_by', {'distinct': 'n', 'count': True}),
                              ('invalid_distinct', {'distinct': 'n', 'group_by': ['n']}),
                              ('invalid_distinct', {'distinct': 'n', 'aggregate': {'a': 'count'}}),
                              ('invalid_aggregate', {'group_by': ['n'], 'aggregate': {'n': 'count'}})):
            self.refused(self.db, word, selector={}, **members)


class SortInMemoryTest(ExtensionCase):
    MIXED = [{'color': 'desc'}, {'n': 'asc'}]

    def test_mixed_directions(self):
        self.refused(self.db, 'unsupported_mixed_sort', selector={}, sort=self.MIXED)
        expected = ['d%02d' % i for i in range(24) if i % 3 == 2] + ['odd'] + ['d%02d' % i for i in range(1, 24, 3)]
        for index in (None, ['n'], ['color'], ['color', 'n']):
            if index:
                self.create_index(self.db, index)
            found = self.find(self.db, {'color': {'$gt': 'blue'}}, sort=self.MIXED, sort_in_memory=True)
            self.assertEqual([doc['_id'] for doc in found['docs']], expected, index)
            self.assertIn('Sorted in memory: create an index on the sort fields to optimize query time: '
                          '{"index":{"fields":["color","n"]}}', found['warning'])
            pages = self.pages(self.db, {'color': {'$gt': 'blue'}}, sort=self.MIXED, sort_in_memory=True, limit=4)
            self.assertEqual([doc['_id'] for doc in pages], expected, index)

    def test_an_index_with_the_order_is_used(self):
        self.create_index(self.db, ['n'])
        found = self.find(self.db, {'n': {'$gt': 3}}, sort=['n'], sort_in_memory=True, limit=2)
        self.assertNotIn('warning', found)
        self.assertEqual([doc['n'] for doc in found['docs']], [4, 5])

    def test_equal_documents_come_by_id(self):
        sort = lambda direction: self.ids(self.db, {'color': 'red'}, sort=[{'color': direction}], sort_in_memory=True)
        self.assertEqual(sort('asc'), sorted(sort('asc')))
        self.assertEqual(sort('desc'), sort('asc')[::-1])
        mixed = lambda *sort: self.ids(self.db, {'_id': {'$in': ['d01', 'd13', 'd02', 'd14']}}, sort_in_memory=True, sort=list(sort))
        self.assertEqual(mixed({'color': 'desc'}, {'size.cm': 'asc'}), ['d14', 'd02', 'd13', 'd01'])
        self.assertEqual(mixed({'color': 'asc'}, {'size.cm': 'desc'}), ['d01', 'd13', 'd02', 'd14'])

    def test_pages_go_on_in_memory_when_an_index_is_made_between_them(self):
        between = lambda: self.create_index(self.db, ['n'])
        pages = self.pages(self.db, {'n': {'$gte': 0}}, between, sort=['n'], sort_in_memory=True, limit=7)
        self.assertEqual([doc['n'] for doc in pages], list(range(24)) + ['text'])

    def test_by_id_alone_needs_no_memory(self):
        found = self.find(self.db, {'color': 'red'}, sort=[{'_id': 'desc'}], sort_in_memory=True, limit=2)
        self.assertEqual([doc['_id'] for doc in found['docs']], ['odd', 'd23'])
        self.assertNotIn('Sorted in memory', found['warning'])
        pages = self.pages(self.db, {'color': 'red'}, sort=[{'_id': 'desc'}], sort_in_memory=True, limit=2)
        self.assertEqual([doc['_id'] for doc in pages], ['odd'] + ['d%02d' % i for i in range(23, 0, -3)])

    def test_limit(self):
        path = '/_node/_local/_config/divan/mango_sort_documents_max'
        self.answer(self.server.put(path, json='10'), 200)
        self.addCleanup(self.server.delete, path)
        query = {'sort': ['n'], 'sort_in_memory': True}
        reason = self.refused(self.db, 'sort_too_large', selector={}, limit=6, skip=5, **query)
        self.assertIn('{"index":{"fields":["n"]}}', reason)
        self.assertEqual(len(self.ids(self.db, {}, limit=6, skip=4, **query)), 6)
        self.refused(self.db, 'sort_too_large', selector={}, limit=6, skip=2 ** 62, **query)

    def test_setting_allows_it_for_all(self):
        path = '/_node/_local/_config/divan/mango_sort_in_memory'
        self.answer(self.server.put(path, json='true'), 200)
        self.addCleanup(self.server.delete, path)
        self.assertEqual(self.ids(self.db, {'color': 'red'}, sort=[{'n': 'desc'}], limit=2), ['odd', 'd23'])
        self.refused(self.db, 'no_usable_index', selector={}, sort=['n'], sort_in_memory=False)

    def test_a_bookmark_of_another_sort_is_refused(self):
        query = {'selector': {}, 'sort_in_memory': True}
        bookmark = self.find(self.db, sort=['n', 'color'], limit=1, **query)['bookmark']
        self.refused(self.db, 'invalid_bookmark', sort=['n'], bookmark=bookmark, **query)


if __name__ == '__main__':
    unittest.main()
