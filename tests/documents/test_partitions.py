"""Partitioned databases over HTTP, beside what the recorded answers of CouchDB show."""
import json
import unittest
import urllib.parse

from harness.case import ServerTestCase, wait_until

NO_PARTITION = 'Doc id must be of form partition:id'
EMPTY_ID = 'Document id must not be empty'
UNDERSCORE = 'Only reserved document ids may start with underscore.'
CONFLICT = 'Conflicting value for `partition` in query string'
LIMIT = '/_node/_local/_config/couchdb/max_partition_size'
QUERY_LIMIT = '/_node/_local/_config/query_server_config/'
# id: the status and error of writing it, and its reason.
BAD_IDS = {
    'plain': ('illegal_docid', NO_PARTITION),
    ':a': ('illegal_partition', 'Partition must not be empty'),
    'a:': ('illegal_docid', EMPTY_ID),
    'a:_b': ('illegal_docid', UNDERSCORE),
    '_a:b': ('illegal_docid', UNDERSCORE),
}


class PartitionCase(ServerTestCase):
    def partitioned(self, suffix=''):
        """Makes an empty partitioned database named after the test; returns its path."""
        name = self.id().split('.')[-1].lower() + suffix
        self.server.delete('/' + name)
        self.answer(self.server.put('/' + name, params={'partitioned': 'true'}), 201)
        self.addCleanup(self.delete_database, name)
        return '/' + name

    def fill(self, db, partitions=('p0', 'p1'), count=6):
        """Documents in turns of the partitions: p0:a, p1:b, p0:c, ..."""
        docs = [{'_id': '%s:%s' % (partitions[i % len(partitions)], chr(97 + i)), 'v': i} for i in range(count)]
        rows = self.answer(self.server.post(db + '/_bulk_docs', json={'docs': docs}), 201)
        return {row['id']: row['rev'] for row in rows}

    def info(self, db, partition):
        return self.answer(self.server.get('%s/_partition/%s' % (db, partition)), 200)

    def counts(self, db, partition):
        info = self.info(db, partition)
        return info['doc_count'], info['doc_del_count']

    def set_config(self, path, value):
        self.answer(self.server.put(path, json=value), 200)
        self.addCleanup(self.server.delete, path)

    def refused(self, response, word, reason, status=400):
        self.assertEqual(self.error(response, status, word), reason)


class IdsTest(PartitionCase):
    def setUp(self):
        super().setUp()
        self.db = self.partitioned()

    def test_writes_of_bad_ids(self):
        source = self.answer(self.server.put(self.db + '/p:source', json={}), 201)
        for name, (word, reason) in BAD_IDS.items():
            path = '%s/%s' % (self.db, urllib.parse.quote(name, safe=''))
            # What begins with an underscore is no document for these.
            if name != '_a:b':
                self.refused(self.server.put(path + '/file.txt', data=b'x'), word, reason)
            for new_edits in ('true', 'false'):
                self.refused(self.server.put(path, json={'_rev': '1-a'} if new_edits == 'false' else {},
                                             params={'new_edits': new_edits}), word, reason)
            self.refused(self.server.post(self.db, json={'_id': name}), word, reason)
            self.refused(self.server.request('COPY', self.db + '/p:source', headers={'Destination': name}),
                         word, reason)
            for body in ({'docs': [{'_id': 'p:good'}, {'_id': name}]},
                         {'docs': [{'_id': name, '_rev': '1-a'}], 'new_edits': False}):
                self.refused(self.server.post(self.db + '/_bulk_docs', json=body), word, reason)
        self.assertEqual(self.answer(self.server.get(self.db), 200)['doc_count'], 1)
        self.assertTrue(source['ok'])

    def test_an_id_that_the_server_makes_has_no_partition(self):
        self.refused(self.server.post(self.db, json={}), 'illegal_docid', NO_PARTITION)
        self.refused(self.server.post(self.db + '/_bulk_docs', json={'docs': [{}]}), 'illegal_docid', NO_PARTITION)

    def test_reads_of_bad_ids(self):
        plain = self.db + '/plain'
        for response in (self.server.get(plain), self.server.get(plain, params={'rev': '1-a'}),
                         self.server.get(plain, params={'open_revs': 'all'}),
                         self.server.delete(plain, params={'rev': '1-a'}), self.server.delete(plain),
                         self.server.get(plain + '/file'), self.server.delete(plain + '/file', params={'rev': '1-a'}),
                         self.server.request('COPY', plain, headers={'Destination': 'p:a'}),
                         self.server.post(self.db + '/_revs_diff', json={'plain': ['1-a']}),
                         self.server.post(self.db + '/_missing_revs', json={'plain': ['1-a']}),
                         self.server.post(self.db + '/_purge', json={'plain': ['1-a']}),
                         self.server.post(self.db + '/_all_docs', json={'keys': ['p:a', 'plain']}),
                         self.server.get(self.db + '/_shards/plain')):
            self.refused(response, 'illegal_docid', NO_PARTITION)
        for name in (':a', 'a:', 'a:_b', '_a:b'):
            self.error(self.server.get('%s/%s' % (self.db, name)), 404, 'not_found')
        got = self.answer(self.server.post(self.db + '/_bulk_get', json={'docs': [{'id': 'plain'}, {'id': 'p:a'}]}), 200)
        self.assertEqual([one['docs'][0]['error']['error'] for one in got['results']], ['illegal_docid', 'not_found'])
        self.assertEqual(got['results'][0]['docs'][0]['error'],
                         {'id': 'plain', 'rev': None, 'error': 'illegal_docid', 'reason': NO_PARTITION})

    def test_design_and_local_documents_are_exempt(self):
        for name in ('_design/d', '_local/l'):
            made = self.answer(self.server.put('%s/%s' % (self.db, name), json={'a': 1}), 201)
            self.assertEqual(self.answer(self.server.get('%s/%s' % (self.db, name)), 200)['a'], 1)
            self.assertEqual(made['id'], name)
        rows = self.answer(self.server.post(self.db + '/_all_docs', json={'keys': ['_design/d', 7]}), 200)['rows']
        self.assertEqual([row.get('id') for row in rows], ['_design/d', None])

    def test_functions_of_design_documents(self):
        self.answer(self.server.put(self.db + '/_design/d', json={
            'shows': {'f': 'function (doc, req) { return doc ? doc._id : "none" }'},
            'updates': {'f': 'function (doc, req) { return [{_id: req.body, made: true}, "made"] }'}}), 201)
        self.answer(self.server.put(self.db + '/p:a', json={}), 201)
        self.assertEqual(self.server.get(self.db + '/_design/d/_show/f/p:a').text, 'p:a')
        self.refused(self.server.get(self.db + '/_design/d/_show/f/plain'), 'illegal_docid', NO_PARTITION)
        update = self.db + '/_design/d/_update/f'
        self.refused(self.server.post(update, data='plain'), 'illegal_docid', NO_PARTITION)
        self.refused(self.server.put(update + '/plain', data='p:new'), 'illegal_docid', NO_PARTITION)
        self.assertEqual(self.server.post(update, data='p:new').text, 'made')
        self.assertTrue(self.answer(self.server.get(self.db + '/p:new'), 200)['made'])

    def test_a_shard_holds_whole_partitions(self):
        self.server.delete(self.db)
        self.answer(self.server.put(self.db, params={'partitioned': 'true', 'q': 8}), 201)
        ranges = {self.answer(self.server.get('%s/_shards/%s:%d' % (self.db, partition, i)), 200)['range']
                  for partition in ('a', 'b', 'c', 'd', 'e') for i in range(3)}
        self.assertLessEqual(len(ranges), 5)
        self.assertGreater(len(ranges), 1)

    def test_system_databases(self):
        for name in ('_users', '_replicator', '_global_changes', 'x%2F_users'):
            self.refused(self.server.put('/' + name, params={'partitioned': 'true'}), 'bad_request',
                         'Cannot partition a system database')


class InformationTest(PartitionCase):
    def test_counts_follow_the_documents(self):
        db = self.partitioned()
        revs = self.fill(db)
        self.assertEqual(self.answer(self.server.get(db), 200)['props'], {'partitioned': True})
        info = self.info(db, 'p0')
        self.assertEqual(list(info), ['db_name', 'sizes', 'partition', 'doc_count', 'doc_del_count'])
        self.assertEqual(list(info['sizes']), ['active', 'external'])
        self.assertEqual(self.counts(db, 'p0'), (3, 0))
        self.answer(self.server.put(db + '/_design/d', json={'text': 'x' * 1000}), 201)
        self.assertEqual(self.info(db, 'p0'), info)

        self.answer(self.server.delete(db + '/p0:a', params={'rev': revs['p0:a']}), 200)
        self.assertEqual(self.counts(db, 'p0'), (2, 1))
        self.assertLess(self.info(db, 'p0')['sizes']['external'], info['sizes']['external'])
        self.answer(self.server.put(db + '/p0:c/file', data=b'x' * 1000, params={'rev': revs['p0:c']}), 201)
        self.assertGreater(self.info(db, 'p0')['sizes']['external'], 1000)
        self.answer(self.server.post(db + '/_purge', json={'p1:b': [revs['p1:b']]}), 201)
        self.assertEqual(self.counts(db, 'p1'), (2, 0))
        self.server.post(db + '/_compact', json={})
        wait_until(lambda: not self.answer(self.server.get(db), 200)['compact_running'])
        self.assertEqual(self.counts(db, 'p0'), (2, 1))
        self.assertEqual(self.counts(db, 'none'), (0, 0))

    def test_counters_outlive_the_process(self):
        db = self.partitioned()
        self.fill(db)
        before = self.info(db, 'p0')
        self.server.stop()
        self.server.start()
        self.assertEqual(self.info(db, 'p0'), before)

    def test_methods_and_paths(self):
        db = self.partitioned()
        self.assertEqual(self.server.head(db + '/_partition/p').status_code, 200)
        for method in ('PUT', 'POST', 'DELETE'):
            self.refused(self.server.request(method, db + '/_partition/p', json={}), 'method_not_allowed',
                         'Only GET allowed', 405)
            self.refused(self.server.request(method, db + '/_partition', json={}), 'bad_request',
                         'invalid_partition_req')
        for path in ('/_partition//_all_docs', '/_partition//_design/d/_view/v'):
            self.refused(self.server.get(db + path), 'illegal_partition', 'Partition must not be empty')
        self.refused(self.server.get(db + '/_partition/%FF'), 'illegal_partition', 'Partition must be valid UTF-8')
        self.refused(self.server.delete(db + '/_partition/p/_all_docs'), 'method_not_allowed',
                     'Only GET,HEAD,POST allowed', 405)
        for path in ('/_partition/p/_all_docs/x', '/_partition/p/_changes', '/_partition/p/_design/d/x'):
            self.refused(self.server.get(db + path), 'not_found', 'missing', 404)
        plain = '/' + self.database('_plain')
        # The name is looked at first when a partition is asked for what it holds, and last below it.
        self.refused(self.server.get(plain + '/_partition/_x'), 'illegal_partition',
                     'Partition must not start with an underscore')
        for path in ('/_all_docs', '/_design/d/_view/v', '/_changes'):
            self.refused(self.server.get(plain + '/_partition/_x' + path), 'bad_request', 'database is not partitioned')


class LimitTest(PartitionCase):
    def setUp(self):
        super().setUp()
        self.db = self.partitioned()
        self.answer(self.server.put(self.db + '/_design/d', json={
            'updates': {'f': 'function (doc, req) { return [{_id: "p:updated"}, "made"] }'}}), 201)
        self.rev = self.answer(self.server.put(self.db + '/p:big', json={'v': 'x' * 1000}), 201)['rev']
        self.set_config(LIMIT, '1000')

    def overflow(self, response, name):
        self.refused(response, 'partition_overflow', "Partition limit exceeded due to update on '%s'" % name, 403)

    def test_what_is_refused(self):
        self.overflow(self.server.put(self.db + '/p:new', json={}), 'p:new')
        self.overflow(self.server.post(self.db, json={'_id': 'p:new'}), 'p:new')
        self.overflow(self.server.put(self.db + '/p:big/file', data=b'x', params={'rev': self.rev}), 'p:big')
        self.overflow(self.server.request('COPY', self.db + '/p:big', headers={'Destination': 'p:copy'}), 'p:copy')
        self.overflow(self.server.post(self.db + '/_design/d/_update/f'), 'p:updated')
        rows = self.answer(self.server.post(self.db + '/_bulk_docs', json={
            'docs': [{'_id': 'p:new'}, {'_id': 'q:new'}]}), 201)
        self.assertEqual([row.get('error') for row in rows], ['partition_overflow', None])
        self.assertEqual(rows[0]['reason'], "Partition limit exceeded due to update on 'p:new'")

    def test_what_passes(self):
        made = self.answer(self.server.put(self.db + '/p:big', json={'_rev': self.rev, 'v': 'y' * 1000}), 201)
        self.answer(self.server.put(self.db + '/_design/other', json={}), 201)
        self.answer(self.server.put(self.db + '/_local/l', json={}), 201)
        self.answer(self.server.put(self.db + '/p:r', json={'_rev': '1-a', 'v': 'z' * 100},
                                    params={'new_edits': 'false'}), 201)
        self.answer(self.server.get(self.db + '/p:big'), 200)
        self.answer(self.server.delete(self.db + '/p:big', params={'rev': made['rev']}), 200)
        self.answer(self.server.put(self.db + '/p:new', json={}), 201)

    def test_the_limit_may_change(self):
        for value, status in (('2000', 201), ('500', 403), ('0', 201), ('500', 403), ('infinity', 201)):
            self.set_config(LIMIT, value)
            answer = self.server.put('%s/p:%s%d' % (self.db, value, status), json={})
            self.assertEqual(answer.status_code, status, value)


class ListingTest(PartitionCase):
    def setUp(self):
        super().setUp()
        self.db = self.partitioned()
        self.fill(self.db, ('a', 'a!', 'b'), 9)
        self.answer(self.server.put(self.db + '/_design/d', json={}), 201)

    def ids(self, partition, **parameters):
        keys = ('key', 'keys', 'startkey', 'endkey')
        parameters = {name: json.dumps(value) if name in keys else value for name, value in parameters.items()}
        answer = self.answer(self.server.get('%s/_partition/%s/_all_docs' % (self.db, partition), params=parameters), 200)
        return [row['id'] for row in answer['rows']]

    def test_ranges(self):
        self.assertEqual(self.ids('a'), ['a:a', 'a:d', 'a:g'])
        self.assertEqual(self.ids('a%21'), ['a!:b', 'a!:e', 'a!:h'])
        self.assertEqual(self.ids('a', descending='true'), ['a:g', 'a:d', 'a:a'])
        self.assertEqual(self.ids('a', skip=1, limit=1), ['a:d'])
        self.assertEqual(self.ids('a', startkey='a:b', endkey='z'), ['a:d', 'a:g'])
        self.assertEqual(self.ids('a', startkey='a:d', endkey='', descending='true'), ['a:d', 'a:a'])
        self.assertEqual(self.ids('a', startkey=None, endkey='a:d', inclusive_end='false'), ['a:a'])
        self.assertEqual(self.ids('a', endkey=None), [])
        self.assertEqual(self.ids('a', startkey='b:a', endkey='b:z'), [])
        self.assertEqual(self.ids('a', key='b:c'), [])
        self.assertEqual(self.ids('none'), [])
        self.assertEqual(self.ids('a', keys=['b:c', '_design/d']), ['b:c', '_design/d'])

    def test_posts(self):
        path = self.db + '/_partition/b/_all_docs'
        found = self.answer(self.server.post(path, json={'include_docs': True, 'limit': 1}), 200)
        self.assertEqual(found['rows'][0]['doc']['v'], 2)
        # The path wins over the body.
        found = self.answer(self.server.post(path, json={'partition': 'a'}), 200)
        self.assertEqual([row['id'] for row in found['rows']], ['b:c', 'b:f', 'b:i'])
        results = self.answer(self.server.post(path + '/queries', json={'queries': [{'limit': 1}, {'skip': 2}]}), 200)
        self.assertEqual([[row['id'] for row in one['rows']] for one in results['results']], [['b:c'], ['b:i']])

    def test_the_parameter(self):
        for path in ('/_all_docs', '/_partition/b/_all_docs'):
            answer = self.answer(self.server.get(self.db + path, params={'partition': 'b'}), 200)
            self.assertEqual([row['id'] for row in answer['rows']], ['b:c', 'b:f', 'b:i'])
        self.refused(self.server.get(self.db + '/_partition/b/_all_docs', params={'partition': 'a'}), 'bad_request', CONFLICT)
        self.assertEqual(self.answer(self.server.get(self.db + '/_design_docs', params={'partition': 'b'}), 200)['rows'], [])

    def test_the_limit_of_queries(self):
        self.set_config(QUERY_LIMIT + 'partition_query_limit', '2')
        self.assertEqual(len(self.ids('a')), 2)
        self.assertEqual(len(self.ids('a', limit=1)), 1)
        self.refused(self.server.get(self.db + '/_partition/a/_all_docs', params={'limit': 3}), 'query_parse_error',
                     'Limit is too large, must not exceed 2')
        self.assertEqual(len(self.answer(self.server.get(self.db + '/_all_docs', params={'limit': 5}), 200)['rows']), 5)


class ViewTest(PartitionCase):
    def setUp(self):
        super().setUp()
        self.db = self.partitioned()
        self.revs = self.fill(self.db)
        views = {'v': {'map': 'function (doc) { emit(doc.v, {_id: doc.link}) }'},
                 'r': {'map': 'function (doc) { emit([doc.v % 2, doc.v], doc.v) }', 'reduce': '_sum'}}
        lists = {'text': 'function (head, req) { var row; send(toJSON(head) + req.query.partition + "\\n");'
                         ' while ((row = getRow())) send(row.id + "\\n") }'}
        self.answer(self.server.put(self.db + '/_design/p', json={'views': views, 'lists': lists}), 201)
        self.answer(self.server.put(self.db + '/_design/g', json={'views': views, 'lists': lists,
                                                                  'options': {'partitioned': False}}), 201)

    def path(self, partition, view='v', design='p'):
        return '%s/_partition/%s/_design/%s/_view/%s' % (self.db, partition, design, view)

    def rows(self, partition, view='v', **parameters):
        return self.answer(self.server.get(self.path(partition, view), params=parameters), 200)['rows']

    def test_reduces(self):
        self.assertEqual(self.rows('p0', 'r'), [{'key': None, 'value': 6}])
        self.assertEqual(self.rows('p1', 'r', group_level=1), [{'key': [1], 'value': 9}])
        self.assertEqual(self.rows('p0', 'r', keys='[[0,2],[0,4]]', group='true'),
                         [{'key': [0, 2], 'value': 2}, {'key': [0, 4], 'value': 4}])
        self.assertEqual(self.rows('none', 'r'), [])
        self.assertEqual(self.rows('p0', 'r', startkey='[1]'), [])

    def test_posts_and_several_queries(self):
        found = self.answer(self.server.post(self.path('p1'), json={'keys': [5, 0, 1]}), 200)
        self.assertEqual([row['id'] for row in found['rows']], ['p1:f', 'p1:b'])
        results = self.answer(self.server.post(self.path('p0', 'r') + '/queries', json={'queries': [
            {}, {'reduce': False, 'limit': 1}, {'partition': 'p1', 'reduce': False, 'limit': 1}]}), 200)['results']
        self.assertEqual(results[0]['rows'], [{'key': None, 'value': 6}])
        # As in CouchDB a query may name another partition than the path.
        self.assertEqual([result['rows'][0]['id'] for result in results[1:]], ['p0:a', 'p1:b'])

    def test_what_a_partition_is_asked_for_and_what_not(self):
        mandatory = '`partition` parameter is mandatory for queries to this view.'
        unsupported = '`partition` parameter is not supported in this design doc'
        plain = self.db + '/_design/%s/_view/v'
        self.refused(self.server.get(plain % 'p'), 'query_parse_error', mandatory)
        self.refused(self.server.post(plain % 'p' + '/queries', json={'queries': [{}]}), 'query_parse_error', mandatory)
        self.refused(self.server.get(plain % 'g', params={'partition': 'p0'}), 'query_parse_error', unsupported)
        self.refused(self.server.get(self.path('p0', design='g')), 'query_parse_error', unsupported)
        self.assertEqual(len(self.answer(self.server.get(plain % 'g'), 200)['rows']), 6)
        self.refused(self.server.get(self.path('p0'), params={'partition': 'p1'}), 'bad_request', CONFLICT)
        self.refused(self.server.get(self.path('_p')), 'illegal_partition', 'Partition must not start with an underscore')
        self.refused(self.server.get(self.path('p0', 'none')), 'not_found', 'missing_named_view', 404)
        self.refused(self.server.get(self.path('p0', design='none')), 'not_found', 'missing', 404)
        self.refused(self.server.put(self.path('p0'), json={}), 'method_not_allowed', 'Only GET,POST,HEAD allowed', 405)
        self.error(self.server.get('%s/_partition/p0/_design/p/_search/s' % self.db), 501, 'not_implemented')

    def test_linked_documents(self):
        self.answer(self.server.put(self.db + '/p2:x', json={'v': 1, 'link': 'p0:a'}), 201)
        self.answer(self.server.put(self.db + '/p2:y', json={'v': 2, 'link': 'plain'}), 201)
        rows = self.rows('p2', include_docs='true')
        self.assertEqual([row['doc'] and row['doc']['_id'] for row in rows], ['p0:a', None])

    def test_edits_and_purges_move_rows(self):
        self.assertEqual([row['key'] for row in self.rows('p0')], [0, 2, 4])
        self.answer(self.server.put(self.db + '/p0:a', json={'_rev': self.revs['p0:a'], 'v': 9}), 201)
        self.answer(self.server.delete(self.db + '/p0:c', params={'rev': self.revs['p0:c']}), 200)
        self.assertEqual([row['key'] for row in self.rows('p0')], [4, 9])
        self.answer(self.server.post(self.db + '/_purge', json={'p0:e': [self.revs['p0:e']]}), 201)
        self.assertEqual([row['key'] for row in self.rows('p0')], [9])
        self.assertEqual([row['key'] for row in self.rows('p1')], [1, 3, 5])

    def test_lists(self):
        for path in ('/_partition/p0/_design/p/_list/text/v', '/_partition/p0/_design/p/_list/text/p/v',
                     '/_partition/p0/_design/g/_list/text/p/v', '/_design/p/_list/text/v?partition=p0'):
            answer = self.server.get(self.db + path)
            self.assertEqual(answer.text, '{"total_rows":6,"offset":0}p0\np0:a\np0:c\np0:e\n', path)
        posted = self.server.post(self.db + '/_partition/p1/_design/p/_list/text/v', json={'keys': [3]})
        self.assertEqual(posted.text, '{"total_rows":6,"offset":4}p1\np1:d\n')
        self.error(self.server.get(self.db + '/_design/p/_list/text/v'), 400, 'query_parse_error')
        self.error(self.server.get(self.db + '/_partition/p0/_design/g/_list/text/v'), 400, 'query_parse_error')

    def test_the_limit_of_queries(self):
        self.set_config(QUERY_LIMIT + 'partition_query_limit', '2')
        self.set_config(QUERY_LIMIT + 'query_limit', '5')
        self.assertEqual(len(self.rows('p0')), 2)
        self.refused(self.server.get(self.path('p0'), params={'limit': 3}), 'query_parse_error',
                     'Limit is too large, must not exceed 2')
        plain = self.db + '/_design/g/_view/v'
        self.assertEqual(len(self.answer(self.server.get(plain), 200)['rows']), 5)

    def test_design_documents_are_in_no_partition(self):
        self.answer(self.server.put(self.db + '/_design/all', json={
            'options': {'include_design': True}, 'views': {'v': {'map': 'function (doc) { emit(doc._id) }'}}}), 201)
        rows = self.answer(self.server.get(self.path('p0', design='all')), 200)
        self.assertEqual([row['key'] for row in rows['rows']], ['p0:a', 'p0:c', 'p0:e'])
        self.assertEqual(rows['total_rows'], 6)

    def test_the_option_decides_which_index(self):
        def signature(name, body):
            self.answer(self.server.put('%s/_design/%s' % (self.db, name), json=body), 201)
            info = self.answer(self.server.get('%s/_design/%s/_info' % (self.db, name)), 200)
            return info['view_index']['signature']
        views = {'views': {'v': {'map': 'function (doc) { emit(1) }'}}}
        by_default = signature('s1', views)
        self.assertNotEqual(by_default, signature('s2', {**views, 'options': {'partitioned': False}}))
        self.assertEqual(by_default, signature('s3', views))
        self.assertRegex(by_default, '^[0-9a-f]{32}$')


class FindTest(PartitionCase):
    def test_queries_of_a_partition(self):
        db = self.partitioned()
        self.fill(db)
        for index in ({'ddoc': 'p'}, {'ddoc': 'g', 'partitioned': False}):
            self.answer(self.server.post(db + '/_index', json={'index': {'fields': ['v']}, 'name': 'v', **index}), 200)
        body = {'selector': {'v': {'$gt': 0}}, 'fields': ['_id'], 'sort': [{'v': 'desc'}], 'limit': 1}
        path = db + '/_partition/p0/_find'
        first = self.answer(self.server.post(path, json=body), 200)
        second = self.answer(self.server.post(path, json={**body, 'bookmark': first['bookmark']}), 200)
        self.assertEqual([first['docs'], second['docs']], [[{'_id': 'p0:e'}], [{'_id': 'p0:c'}]])
        self.refused(self.server.post(path, json={**body, 'partition': 'p1'}), 'bad_request', CONFLICT)
        self.refused(self.server.post(path, json=body, params={'partition': 'p1'}), 'bad_request', CONFLICT)
        self.refused(self.server.get(path), 'method_not_allowed', 'Only POST allowed', 405)
        explained = self.answer(self.server.post(db + '/_partition/p0/_explain', json=body), 200)
        self.assertEqual(explained['index']['ddoc'], '_design/p')
        self.assertEqual(self.answer(self.server.post(db + '/_explain', json=body), 200)['index']['ddoc'], '_design/g')
        found = self.answer(self.server.post(path, json={'selector': {'v': {'$type': 'number'}}, 'fields': ['v']}), 200)
        self.assertEqual(found['docs'], [{'v': 0}, {'v': 2}, {'v': 4}])


if __name__ == '__main__':
    unittest.main()
