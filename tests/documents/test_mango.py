"""_find: its members, beside what the recorded answers of CouchDB show; updates, conflicts and partial indexes."""
import json
import unittest

from harness.mango import MangoCase

NO_INDEX = 'No matching index found, create an index to optimize query time.'


class FindTest(MangoCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.save(self.db, [{'_id': 'd%02d' % i, 'n': i, 'k': i % 3, 'name': {'first': 'N%d' % i}} for i in range(30)])

    def test_text_of_an_answer(self):
        answer = self.post(self.db, '_find', selector={}, fields=['n'], limit=2)
        bookmark = answer.json()['bookmark']
        self.assertEqual(answer.text, '{"docs":[\r\n{"n":0},\r\n{"n":1}\r\n],\r\n"bookmark": "%s",\r\n"warning": "%s"}\r\n\n'
                         % (bookmark, NO_INDEX))
        self.assertEqual(answer.headers['Content-Type'], 'application/json')

    def test_limit_and_skip(self):
        everything = ['d%02d' % i for i in range(30)]
        self.assertEqual(self.ids(self.db, {}), everything[:25])
        self.assertEqual(self.ids(self.db, {}, limit=0), [])
        self.assertEqual(self.ids(self.db, {}, limit=100), everything)
        self.assertEqual(self.ids(self.db, {}, limit=3, skip=28), everything[28:])
        self.assertEqual(self.ids(self.db, {}, skip=10 ** 18), [])

    def test_limit_above_a_page_comes_in_order_and_whole(self):
        docs = [{'_id': 'p%05d' % i, 'text': 'x' * 400} for i in range(5000)]
        self.save(self.db, docs)
        found = self.find(self.db, {'text': {'$exists': True}}, limit=10000)['docs']
        self.assertEqual([doc['_id'] for doc in found], [doc['_id'] for doc in docs])
        self.assertEqual(self.ids(self.db, {'text': {'$exists': True}}, limit=10000, skip=4990),
                         [doc['_id'] for doc in docs[4990:]])

    def test_fields(self):
        selector = {'_id': 'd01'}
        one = lambda *fields: self.find(self.db, selector, fields=list(fields))['docs'][0]
        self.assertEqual(one('n', '_id'), {'n': 1, '_id': 'd01'})
        self.assertEqual(one('name.first', 'none', 'none.deeper'), {'name': {'first': 'N1'}})
        self.assertEqual(one('name', 'name.first'), {'name': {'first': 'N1'}})
        self.assertEqual(sorted(one()), ['_id', '_rev', 'k', 'n', 'name'])
        self.assertEqual(list(one('_rev')), ['_rev'])

    def test_fields_keep_numbers_and_names_as_they_were_written(self):
        text = '{"_id":"x","a":1.0,"b":123456789012345678901234567890,"a.b":"\\u00e9\\u0000","c":{"a":1.50}}'
        self.answer(self.server.post('/' + self.db, data=text, headers={'Content-Type': 'application/json'}), 201)
        answer = self.post(self.db, '_find', selector={'_id': 'x'}, fields=['a', 'b', 'a\\.b', 'c.a'])
        self.assertIn('{"a":1.0,"b":123456789012345678901234567890,"a.b":"\u00e9\\u0000","c":{"a":1.50}}', answer.text)

    def test_sort_needs_an_index_whose_definition_the_reason_names(self):
        reason = self.refused(self.db, 'no_usable_index', selector={'k': 1}, sort=[{'n': 'desc'}])
        named = json.loads(reason.split('POST to _index: ')[1].split('; or')[0])
        self.assertEqual(named, {'index': {'fields': ['k', 'n']}})
        self.answer(self.post(self.db, '_index', **named), 200)
        self.assertEqual(self.ids(self.db, {'k': 1}, sort=[{'n': 'desc'}], limit=3), ['d28', 'd25', 'd22'])
        self.assertEqual(self.ids(self.db, {'k': 1}, sort=['n'], limit=2), ['d01', 'd04'])
        self.refused(self.db, 'no_usable_index', selector={'n': {'$gt': 1}}, sort=['n'])

    def test_sort_by_id(self):
        self.assertEqual(self.ids(self.db, {'_id': {'$gt': 'd10'}}, sort=[{'_id': 'desc'}], limit=2), ['d29', 'd28'])
        self.assertEqual(self.ids(self.db, {'_id': {'$in': ['d10', 'd01', 'none']}}), ['d01', 'd10'])

    def test_conflicts(self):
        loser = {'_id': 'd03', '_rev': '1-' + '0' * 32, 'n': 99}
        self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'docs': [loser], 'new_edits': False}), 201)
        self.assertNotIn('_conflicts', self.find(self.db, {'_id': 'd03'})['docs'][0])
        self.assertEqual(self.find(self.db, {'_id': 'd03'}, conflicts=True)['docs'][0]['_conflicts'], [loser['_rev']])
        self.assertEqual(self.ids(self.db, {'_conflicts': {'$exists': True}}, conflicts=True), ['d03'])
        self.create_index(self.db, ['n'])
        found = self.find(self.db, {'n': 3}, conflicts=True)['docs']
        self.assertEqual([doc['_conflicts'] for doc in found], [[loser['_rev']]])
        self.assertEqual(self.ids(self.db, {'n': 99}), [])

    def test_statistics(self):
        self.create_index(self.db, ['n'])
        self.assertNotIn('execution_stats', self.find(self.db, {'n': 1}))
        statistics = self.statistics(self.db, {'n': {'$gt': 26}})
        self.assertGreater(statistics.pop('execution_time_ms'), 0)
        self.assertEqual(statistics, {'total_keys_examined': 3, 'total_docs_examined': 3,
                                      'total_quorum_docs_examined': 0, 'results_returned': 3})
        statistics = self.statistics(self.db, {'n': {'$gt': 26}}, r=2)
        self.assertEqual((statistics['total_docs_examined'], statistics['total_quorum_docs_examined']), (0, 3))

    def test_warnings(self):
        self.assertEqual(self.find(self.db, {'n': {'$gte': 0}})['warning'], NO_INDEX)
        self.assertIn('number of documents examined is high', self.find(self.db, {'n': 1})['warning'])
        self.create_index(self.db, ['n'], 'by_n', 'd')
        self.assertNotIn('warning', self.find(self.db, {'n': 1}))
        self.assertEqual(self.find(self.db, {'n': 1}, use_index='other')['warning'],
                         '_design/other was not used because it does not contain a valid index for this query.')
        for hint in ('d', '_design/d', ['d'], ['d', 'by_n'], 'd/by_n', ['_design/d', 'by_n']):
            self.assertNotIn('warning', self.find(self.db, {'n': 1}, use_index=hint), hint)

    def test_allow_fallback(self):
        self.refused(self.db, 'invalid_index', selector={'n': 1}, allow_fallback=False)
        self.create_index(self.db, ['n'], 'by_n', 'd')
        self.assertEqual(self.ids(self.db, {'n': 1}, allow_fallback=False), ['d01'])
        self.refused(self.db, 'invalid_index', selector={'k': 1, 'n': 1}, allow_fallback=False, use_index='nope')

    def test_design_documents_are_not_answered(self):
        self.create_index(self.db, ['n'], 'by_n', 'd')
        self.answer(self.server.put('/%s/_design/own' % self.db, json={'n': 1, 'language': 'javascript'}), 201)
        self.assertEqual(self.ids(self.db, {'n': 1}), ['d01'])
        self.assertEqual(self.ids(self.db, {'language': {'$exists': True}}), [])
        self.assertEqual(self.ids(self.db, {'_id': {'$beginsWith': '_design/'}}), [])


class ChangesOfDocumentsTest(MangoCase):
    """What becomes of an index while documents change."""

    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.revs = self.save(self.db, [{'_id': 'd%d' % i, 'n': i, 'open': i % 2 == 0} for i in range(6)])
        self.create_index(self.db, ['n'], 'by_n', 'd')

    def test_updates_and_deletes(self):
        self.assertEqual(self.ids(self.db, {'n': {'$gte': 0}}), ['d%d' % i for i in range(6)])
        self.save(self.db, [{'_id': 'd0', '_rev': self.revs[0], 'n': 50}, {'_id': 'd1', '_rev': self.revs[1]},
                            {'_id': 'd2', '_rev': self.revs[2], '_deleted': True, 'n': 60}, {'_id': 'e', 'n': -1}])
        self.assertEqual(self.ids(self.db, {'n': {'$gte': -9}}), ['e', 'd3', 'd4', 'd5', 'd0'])
        self.assertEqual(self.statistics(self.db, {'n': {'$gte': -9}})['total_keys_examined'], 5)

    def test_update_false_answers_what_the_index_has(self):
        self.assertEqual(len(self.ids(self.db, {'n': {'$gte': 0}})), 6)
        self.server.post('/%s/_bulk_docs' % self.db, json={'docs': [{'_id': 'e', 'n': 100}]})
        for members in ({'update': False}, {'stale': 'ok'}):
            found = self.ids(self.db, {'n': {'$gte': 0}}, **members)
            self.assertEqual(found[:6], ['d%d' % i for i in range(6)], members)
        self.assertEqual(self.ids(self.db, {'n': {'$gte': 0}})[6:], ['e'])

    def test_winner_is_indexed(self):
        winner = {'_id': 'd1', '_rev': '9-' + 'f' * 32, 'n': 77}
        self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'docs': [winner], 'new_edits': False}), 201)
        self.assertEqual(self.ids(self.db, {'n': 77}), ['d1'])
        self.assertEqual(self.ids(self.db, {'n': 1}), [])
        self.answer(self.server.delete('/%s/d1' % self.db, params={'rev': winner['_rev']}), 200)
        self.assertEqual(self.ids(self.db, {'n': 1}), ['d1'])

    def test_purge(self):
        self.assertEqual(self.ids(self.db, {'n': 1}), ['d1'])
        self.answer(self.server.post('/%s/_purge' % self.db, json={'d1': [self.revs[1]]}), 201)
        self.assertEqual(self.ids(self.db, {'n': 1}), [])

    def test_partial_index(self):
        self.create_index(self.db, ['n'], 'open', 'p', partial_filter_selector={'open': True})
        selector, hint = {'n': {'$gte': 0}}, {'use_index': ['p', 'open']}
        self.assertEqual(self.ids(self.db, selector, **hint), ['d0', 'd2', 'd4'])
        self.assertEqual(len(self.ids(self.db, selector)), 6)
        self.assertEqual(self.explain(self.db, selector)['index']['name'], 'by_n')
        self.save(self.db, [{'_id': 'd0', '_rev': self.revs[0], 'n': 0, 'open': False},
                            {'_id': 'd1', '_rev': self.revs[1], 'n': 1, 'open': True}])
        self.assertEqual(self.ids(self.db, selector, **hint), ['d1', 'd2', 'd4'])

    def test_partial_index_restricts_every_plan_that_is_asked_to_use_it(self):
        self.create_index(self.db, ['n'], 'open', 'p', partial_filter_selector={'open': True})
        hint = {'use_index': ['p', 'open'], 'sort_in_memory': True}
        selector = {'n': {'$gte': 0}}
        self.assertEqual(self.ids(self.db, {'n': 1, '_id': 'd1'}, **hint), [])
        self.assertEqual(self.ids(self.db, {'n': 2, '_id': 'd2'}, **hint), ['d2'])
        pages = self.pages(self.db, selector, sort=[{'open': 'asc'}, {'n': 'desc'}], limit=1, **hint)
        self.assertEqual([doc['_id'] for doc in pages], ['d4', 'd2', 'd0'])
        groups = self.pages(self.db, selector, rows='groups', limit=1, use_index=['p', 'open'], group_by=['open', 'n'],
                            aggregate={'number': 'count'})
        self.assertEqual([group['n'] for group in groups], [0, 2, 4])

    def test_restart(self):
        self.assertEqual(self.ids(self.db, {'n': 3}), ['d3'])
        before = self.answer(self.server.get('/%s/_index' % self.db), 200)
        for end in (self.server.stop, self.server.kill):
            end()
            self.server.start()
            self.assertEqual(self.answer(self.server.get('/%s/_index' % self.db), 200), before)
            self.assertEqual(self.statistics(self.db, {'n': 3})['total_keys_examined'], 1)
            self.assertEqual(self.ids(self.db, {'n': 3}, update=False), ['d3'])


if __name__ == '__main__':
    unittest.main()
