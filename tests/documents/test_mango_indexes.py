"""_index: every verb, names, upkeep; indexes as views, and `divan index`."""
import concurrent.futures
import json
import unittest

from harness.case import wait_until
from harness.command import divan
from harness.mango import MangoCase

SPECIAL = {'ddoc': None, 'name': '_all_docs', 'type': 'special', 'def': {'fields': [{'_id': 'asc'}]}}
# Names that a CouchDB 3.5.2 gave.
NAMES = [({'fields': ['n']}, {}, '3d4fdc43057b07474cd610d0ad5761ead92400bf'),
         ({'fields': []}, {}, '16d64bc5aa5ac9a0662f02b45a7d70d4a6923ccc'),
         ({'fields': ['n', 'n']}, {}, 'c45cd86c1e3508c4a072fe38af47a3291678db2e'),
         ({'fields': ['a.b', '_id']}, {}, 'e5b696fbc45d8c1181882581bc92fe246e546f6c'),
         ({'fields': ['n']}, {'partitioned': False}, '9e57cb96212b0205ce6913559f620b64c99c3aab')]


class IndexCase(MangoCase):
    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.save(self.db, [{'_id': 'd%d' % i, 'n': i, 'k': i % 2} for i in range(6)])

    def listed(self, **parameters):
        answer = self.answer(self.server.get('/%s/_index' % self.db, params=parameters), 200)
        return answer['total_rows'], [(index['ddoc'], index['name']) for index in answer['indexes']]

    def design(self, name):
        return self.server.get('/%s/_design/%s' % (self.db, name))


class MakeTest(IndexCase):
    def test_create_and_exists(self):
        made = self.create_index(self.db, ['n'], 'by_n', 'd')
        self.assertEqual(made, {'result': 'created', 'id': '_design/d', 'name': 'by_n'})
        self.assertEqual(self.create_index(self.db, ['n'], 'by_n', '_design/d'), {**made, 'result': 'exists'})
        rev = self.design('d').json()['_rev']
        self.assertEqual(self.create_index(self.db, ['n'], 'by_n', 'd')['result'], 'exists')
        self.assertEqual(self.design('d').json()['_rev'], rev)
        self.assertEqual(self.create_index(self.db, ['k'], 'by_n', 'd')['result'], 'created')
        self.assertEqual(self.ids(self.db, {'k': 1}, use_index=['d', 'by_n'], allow_fallback=False), ['d1', 'd3', 'd5'])

    def test_design_document(self):
        self.create_index(self.db, ['n', {'k': 'asc'}], 'one', 'd', partial_filter_selector={'k': {'$gt': 0}})
        body = self.design('d').json()
        self.assertEqual(body['language'], 'query')
        self.assertEqual(body['views']['one'], {
            'map': {'fields': {'n': 'asc', 'k': 'asc'}, 'partial_filter_selector': {'k': {'$gt': 0}}}, 'reduce': '_count',
            'options': {'def': {'fields': ['n', {'k': 'asc'}], 'partial_filter_selector': {'k': {'$gt': 0}}}}})

    def test_names_are_those_of_couchdb(self):
        for definition, members, name in NAMES:
            made = self.answer(self.post(self.db, '_index', index=definition, **members), 200)
            self.assertEqual((made['id'], made['name']), ('_design/' + name, name), definition)
        self.server.restart()
        for definition, members, name in NAMES:
            made = self.answer(self.post(self.db, '_index', index=definition, **members), 200)
            self.assertEqual((made['result'], made['name']), ('exists', name))
        self.assertEqual(self.listed()[0], 1 + len(NAMES))

    def test_direction_of_columns_does_not_matter(self):
        self.create_index(self.db, [{'n': 'desc'}], 'down', 'd')
        self.assertEqual(self.ids(self.db, {'n': {'$gte': 0}}, sort=['n'], limit=2), ['d0', 'd1'])
        self.assertEqual(self.ids(self.db, {'n': {'$gte': 0}}, sort=[{'n': 'desc'}], limit=2), ['d5', 'd4'])

    def test_other_design_documents_are_left_alone(self):
        own = {'views': {'v': {'map': 'function (doc) {}'}}}
        self.answer(self.server.put('/%s/_design/own' % self.db, json=own), 201)
        self.refused(self.db, 'invalid_ddoc_lang', '_index', index={'fields': ['n']}, ddoc='own')
        self.answer(self.server.delete('/%s/_index/own/json/v' % self.db), 404)
        self.assertEqual(self.listed(), (1, [(None, '_all_docs')]))

    def test_text_indexes_are_not_there(self):
        for kind in ('text', 'nouveau'):
            self.refused(self.db, 'required index service unavailable', '_index', 503, index={'fields': ['n']}, type=kind)

    def test_many_at_once(self):
        """Each client writes the same design document: a conflict is told, and none is lost that was confirmed."""
        def make(number):
            with self.server.new_session() as session:
                return session.post('%s/%s/_index' % (self.server.url, self.db), json={
                    'index': {'fields': ['f%d' % number]}, 'ddoc': 'd', 'name': 'i%d' % number})
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(make, range(12)))
        made = {answer.json()['name'] for answer in answers if answer.status_code == 200}
        for answer in answers:
            if answer.status_code != 200:
                self.error(answer, 500, 'error_saving_ddoc')
        self.assertEqual(set(self.design('d').json()['views']), made)
        self.assertGreater(len(made), 0)


class ListTest(IndexCase):
    def test_order_and_pages(self):
        for ddoc, name in (('b', 'y'), ('b', 'x'), ('a', 'z')):
            self.create_index(self.db, ['n'], name, ddoc)
        everything = [(None, '_all_docs'), ('_design/a', 'z'), ('_design/b', 'x'), ('_design/b', 'y')]
        self.assertEqual(self.listed(), (4, everything))
        self.assertEqual(self.listed(limit=2), (4, everything[:2]))
        self.assertEqual(self.listed(limit=2, skip=3), (4, everything[3:]))
        self.assertEqual(self.listed(skip=9), (4, []))
        for wrong in ({'limit': 0}, {'limit': 'x'}, {'skip': -1}):
            self.error(self.server.get('/%s/_index' % self.db, params=wrong), 500, 'invalid_list_index_params')

    def test_what_is_shown(self):
        self.create_index(self.db, ['n', 'items.[].sku'], 'i', 'd', partial_filter_selector={'k': 1})
        indexes = self.answer(self.server.get('/%s/_index' % self.db), 200)['indexes']
        self.assertEqual(indexes, [SPECIAL, {
            'ddoc': '_design/d', 'name': 'i', 'type': 'json', 'partitioned': False,
            'def': {'fields': [{'n': 'asc'}, {'items.[].sku': 'asc'}], 'partial_filter_selector': {'k': {'$eq': 1}}}}])

    def test_a_definition_that_is_none_is_not_listed(self):
        view = {'map': {'fields': {'n': 'asc'}}, 'reduce': '_count', 'options': {'def': {'fields': ['n']}}}
        bad = {'map': {'fields': {'a.[].b.[]': 'asc'}}, 'reduce': '_count', 'options': {}}
        self.answer(self.server.put('/%s/_design/d' % self.db, json={'language': 'query', 'views': {'good': view, 'bad': bad}}), 201)
        self.assertEqual(self.listed(), (2, [(None, '_all_docs'), ('_design/d', 'good')]))
        self.assertEqual(self.ids(self.db, {'n': 3}, use_index='d', allow_fallback=False), ['d3'])


class DeleteTest(IndexCase):
    def test_one_of_several_and_the_last(self):
        for name in ('x', 'y'):
            self.create_index(self.db, ['n'], name, 'd')
        self.assertEqual(self.answer(self.server.delete('/%s/_index/d/json/x' % self.db), 200), {'ok': True})
        self.assertEqual(self.listed(), (2, [(None, '_all_docs'), ('_design/d', 'y')]))
        self.answer(self.server.delete('/%s/_index/_design/d/json/y' % self.db), 200)
        self.error(self.design('d'), 404, 'not_found')
        for path in ('d/json/y', '_design/d/json/y', 'd/text/y', 'none/json/y', '_design/none/json/x', '_all_docs/special/_all_docs'):
            self.error(self.server.delete('/%s/_index/%s' % (self.db, path)), 404, 'not_found')
        self.assertEqual(self.create_index(self.db, ['n'], 'x', 'd')['result'], 'created')
        self.assertEqual(self.ids(self.db, {'n': 3}, use_index='d', allow_fallback=False), ['d3'])

    def test_what_else_the_document_says_stays(self):
        self.create_index(self.db, ['n'], 'x', 'd')
        body = self.design('d').json()
        self.answer(self.server.put('/%s/_design/d' % self.db, json={**body, 'note': 'mine'}), 201)
        self.answer(self.server.delete('/%s/_index/d/json/x' % self.db), 200)
        self.assertEqual(self.design('d').json()['note'], 'mine')

    def test_names_with_odd_letters(self):
        self.create_index(self.db, ['n'], 'a b/\u00e9', 'x y')
        self.assertEqual(self.ids(self.db, {'n': 1}, use_index=['x y', 'a b/\u00e9'], allow_fallback=False), ['d1'])
        self.answer(self.server.delete('/%s/_index/x%%20y/json/a%%20b%%2F%%C3%%A9' % self.db), 200)
        self.assertEqual(self.listed()[0], 1)

    def test_bulk_delete(self):
        for ddoc, name in (('a', 'x'), ('a', 'y'), ('b', 'z'), ('c', 'w')):
            self.create_index(self.db, ['n'], name, ddoc)
        answer = self.answer(self.post(self.db, '_index/_bulk_delete', docids=['_design/a', 'none', 'b'], w=3), 200)
        self.assertEqual(answer, {'success': [{'id': '_design/b', 'ok': True}, {'id': '_design/a', 'ok': True}],
                                  'fail': [{'id': '_design/none', 'error': 'not_found'}]})
        self.assertEqual(self.listed(), (2, [(None, '_all_docs'), ('_design/c', 'w')]))
        self.assertEqual(self.answer(self.post(self.db, '_index/_bulk_delete', docids=[]), 200), {'success': [], 'fail': []})

    def test_cleanup_leaves_what_is_in_use(self):
        self.create_index(self.db, ['n'], 'x', 'gone')
        self.create_index(self.db, ['k'], 'y', 'kept')
        self.ids(self.db, {'n': 1}, use_index='gone')
        self.ids(self.db, {'k': 1}, use_index='kept')
        self.answer(self.server.delete('/%s/_index/gone/json/x' % self.db), 200)
        self.answer(self.post(self.db, '_view_cleanup'), 202)
        self.assertEqual(self.ids(self.db, {'k': 1}, use_index='kept', update=False), ['d1', 'd3', 'd5'])
        self.create_index(self.db, ['n'], 'x', 'gone')
        self.assertEqual(self.ids(self.db, {'n': 1}, use_index='gone'), ['d1'])


class ViewTest(IndexCase):
    """An index is a view with an array as key and null as value."""

    def setUp(self):
        super().setUp()
        self.create_index(self.db, ['k', 'n'], 'k-n', 'd')

    def view(self, **parameters):
        encoded = {name: json.dumps(value) for name, value in parameters.items()}
        return self.answer(self.server.get('/%s/_design/d/_view/k-n' % self.db, params=encoded), 200)

    def test_rows_and_counts(self):
        rows = self.view(reduce=False, startkey=[1])['rows']
        self.assertEqual(rows, [{'id': 'd%d' % i, 'key': [1, i], 'value': None} for i in (1, 3, 5)])
        self.assertEqual(self.view()['rows'], [{'key': None, 'value': 6}])
        self.assertEqual(self.view(group_level=1)['rows'], [{'key': [0], 'value': 3}, {'key': [1], 'value': 3}])
        found = self.answer(self.post(self.db, '_design/d/_view/k-n', keys=[[0, 2]], reduce=False, include_docs=True), 200)
        self.assertEqual(found['rows'][0]['doc']['_id'], 'd2')

    def test_info(self):
        self.ids(self.db, {'k': 1, 'n': 3})
        info = self.answer(self.server.get('/%s/_design/d/_info' % self.db), 200)['view_index']
        self.assertEqual(info['language'], 'query')
        self.assertGreater(info['sizes']['external'], 0)
        self.assertEqual(info['updates_pending']['total'], 0)

    def test_background(self):
        """An index is built without being asked."""
        config = '/_node/_local/_config/divan/view_build_delay_ms'
        self.answer(self.server.put(config, json='10'), 200)
        self.addCleanup(self.server.delete, config)
        self.create_index(self.db, ['n'], 'n', 'other')
        self.assertTrue(wait_until(lambda: len(self.ids(self.db, {'n': {'$gte': 0}}, use_index='other', update=False)) == 6))

    def test_the_command(self):
        self.create_index(self.db, ['n'], 'n', 'e')
        for arguments, ids in (((self.db, 'd'), ['d']), ((self.db, '_design/e'), ['e']), ((self.db,), ['d', 'e'])):
            done = divan('index', *arguments, '--url', self.server.url_with_credentials)
            self.assertEqual((done.status, done.errors), (0, ''), done)
            self.assertEqual([line.split(': up to date')[0] for line in done.output.splitlines()],
                             ['%s/_design/%s' % (self.db, ddoc) for ddoc in ids])
        self.assertEqual(len(self.ids(self.db, {'n': {'$gte': 0}}, use_index='e', update=False)), 6)


if __name__ == '__main__':
    unittest.main()
