"""Replications of a part: functions, views, selectors, ids, winners, from a sequence on."""
import time
import unittest

from harness.case import wait_until
from harness.replication import (THREE, ReplicationCase, all_counts, checkpoints, counts_of_run, path_of, replicate,
                                 scheduler_doc, url_of, wait_for_state)
from harness.replication_data import ODD_IDS, chain, conflicts

TIME_LIMIT_S = 420
SILENCE_S = 7  # more than twice the connection_timeout of these servers
DESIGN = {'_id': '_design/f', 'filters': {
    'big': 'function (doc, req) { return doc.v >= Number(req.query.min); }',
    'even': 'function (doc) { return doc.v % 2 === 0; }',
    'nothing': 'function () { return false; }',
    'broken': 'function (doc'},
    'views': {'large': {'map': 'function (doc) { if (doc.v > 6) emit(doc.v); }'}}}


class FilterTest(ReplicationCase):
    def filled(self, kind='push'):
        source, target = self.places(kind)
        self.bulk(source, [{'_id': 'd%d' % number, 'v': number} for number in range(10)] + [DESIGN])
        return source, target

    def check(self, expected, kinds=('push', 'pull'), **members):
        for kind in kinds:
            with self.subTest(kind, **members):
                source, target = self.filled(kind)
                answer = self.replicate(source, target, **members)
                self.assertEqual(self.ids(target), expected)
                self.assertEqual(counts_of_run(answer), all_counts(len(expected)))

    def test_functions(self):
        self.check(['d0', 'd2', 'd4', 'd6', 'd8'], filter='f/even')
        self.check(['d7', 'd8', 'd9'], filter='f/big', query_params={'min': '7'})
        self.check([], filter='f/big')

    def test_views(self):
        self.check(['d7', 'd8', 'd9'], filter='_view', query_params={'view': 'f/large'})

    def test_selectors(self):
        self.check(['d3', 'd4'], ('local', 'push', 'pull', 'remote'), selector={'v': {'$gt': 2, '$lt': 5}})
        self.check([], selector={'v': 'none'})

    def test_the_design_document_that_filters_is_a_document_too(self):
        source, target = self.filled()
        self.replicate(source, target, selector={'_id': '_design/f'})
        self.assertEqual(self.ids(target), ['_design/f'])

    def test_ids(self):
        self.check(['d1', 'd5'], ('local', 'push', 'pull', 'remote'), doc_ids=['d5', 'never', 'd1', 'd1'])
        self.check([], doc_ids=['never'])
        self.check(['_design/f', 'd1'], doc_ids=['d1', '_design/f'])

    def test_an_answer_about_ids_has_more(self):
        source, target = self.filled()
        answer = self.replicate(source, target, doc_ids=['d1', 'zz'])
        self.assertEqual({name: answer[name] for name in ('docs_read', 'docs_written', 'doc_write_failures')},
                         {'docs_read': 1, 'docs_written': 1, 'doc_write_failures': 0})

    def test_ids_are_percent_encoded(self):
        source, target = self.places('pull')
        self.bulk(source, [chain(doc_id, 1) for doc_id in ODD_IDS], new_edits=False)
        self.replicate(source, target, doc_ids=['a%2Fb', 'a%2525', 'a b', '%F0%9F%98%80', '%C3%A9\u6771%E4%BA%AC', 'a%25b'])
        self.assertEqual(set(self.ids(target)), {'a/b', 'a b', '\U0001f600', '\u00e9\u6771\u4eac', 'a%b'})

    def test_many_ids(self):
        source, target = self.places('pull')
        self.bulk(source, [{'_id': 'document-%05d' % number} for number in range(2000)])
        chosen = ['document-%05d' % number for number in range(0, 2000, 2)]
        self.assertEqual(counts_of_run(self.replicate(source, target, doc_ids=chosen)), all_counts(1000))
        self.assertEqual(self.ids(target), chosen)

    def test_a_filter_that_is_edited_begins_anew(self):
        source, target = self.filled('pull')
        self.replicate(source, target, filter='f/even')
        self.assertIs(self.replicate(source, target, filter='f/even').get('no_changes'), True)
        self.put(source, '_design/f', {**DESIGN, 'filters': {'even': 'function (doc) { return doc.v % 2 === 1; }'}})
        answer = self.replicate(source, target, filter='f/even')
        self.assertIn(answer['history'][0]['start_last_seq'], (0, '0'))
        self.assertEqual(counts_of_run(answer), all_counts(5))
        self.assertEqual(len(self.ids(target)), 10)
        self.assertEqual(len(checkpoints(*target)), 2)

    def test_other_parameters_are_another_job(self):
        source, target = self.filled()
        for number, members in enumerate([
                {'filter': 'f/big', 'query_params': {'min': '9'}}, {'filter': 'f/big', 'query_params': {'min': '8'}},
                {'selector': {'v': 1}}, {'selector': {'v': 2}}, {'doc_ids': ['d3']}, {'doc_ids': ['d4']},
                {'winning_revs_only': True}, {}]):
            self.assertNotIn('no_changes', self.replicate(source, target, **members), members)
            self.assertEqual(len(checkpoints(*target)), number + 1, members)
        # The order of ids says nothing, nor does what is the default.
        self.replicate(source, target, doc_ids=['d5', 'd6'])
        self.assertIs(self.replicate(source, target, doc_ids=['d6', 'd5']).get('no_changes'), True)
        self.assertIs(self.replicate(source, target, winning_revs_only=False).get('no_changes'), True)

    def test_filters_that_are_not_there(self):
        source, target = self.filled('pull')
        for name in ('none/x', 'f/none'):
            answer = replicate(self.server, self.endpoint(source), self.endpoint(target), filter=name)
            self.error(answer, 404, 'not_found')
        self.assertEqual(self.ids(target), [])

    def test_a_function_that_does_not_compile(self):
        source, target = self.filled('pull')
        answer = replicate(self.server, self.endpoint(source), self.endpoint(target), filter='f/broken')
        self.assertGreaterEqual(answer.status_code, 400, answer.text)
        self.assertEqual((self.ids(target), checkpoints(*target)), ([], {}))

    def test_what_excludes_each_other(self):
        source, target = self.filled()
        for members in ({'doc_ids': ['a'], 'selector': {}}, {'filter': 'f/even', 'selector': {}},
                        {'doc_ids': ['a'], 'filter': 'f/even'}):
            answer = replicate(self.server, self.endpoint(source), self.endpoint(target), **members)
            self.assertEqual(self.error(answer, 400, 'bad_request'),
                             '`doc_ids`,`filter`,`selector` are mutually exclusive')


class WinnersTest(ReplicationCase):
    def test_winners_only(self):
        for kind in ('push', 'pull'):
            source, target = self.places(kind)
            self.bulk(source, conflicts('torn', 5, 2) + conflicts('gone', 0, 3) + [chain('plain', 2)], new_edits=False)
            answer = self.replicate(source, target, winning_revs_only=True)
            self.assertEqual(counts_of_run(answer), all_counts(3))
            winner = source[0].get(path_of(source[1], 'torn')).json()
            read = target[0].get(path_of(target[1], 'torn') + '?conflicts=true&deleted_conflicts=true').json()
            self.assertEqual(read, winner)
            self.assertEqual(self.error(target[0].get(path_of(target[1], 'gone')), 404, 'not_found'), 'deleted')
            # All of it later is another job, and brings the rest.
            self.assertEqual(counts_of_run(self.replicate(source, target))['docs_written'], 8)
            self.assert_same(source, target)


class SinceTest(ReplicationCase):
    def test_since_seq(self):
        for kind in ('push', 'pull'):
            source, target = self.places(kind)
            self.bulk(source, THREE)
            since = source[0].get(path_of(source[1])).json()['update_seq']
            self.bulk(source, [{'_id': 'new'}])
            answer = self.replicate(source, target, since_seq=since)
            self.assertEqual(answer['history'][0]['start_last_seq'], since)
            self.assertEqual(self.ids(target), ['new'])
            # A checkpoint goes before it.
            self.bulk(source, [{'_id': 'newer'}])
            again = self.replicate(source, target, since_seq=since)
            self.assertEqual(again['history'][0]['start_last_seq'], answer['source_last_seq'])
            self.assertEqual(self.ids(target), ['new', 'newer'])


class NothingPassesTest(ReplicationCase):
    def test_a_feed_that_is_silent(self):
        """A filter that passes nothing, for longer than connection_timeout: heartbeats keep the feed alive."""
        source, target = self.places('pull')
        self.bulk(source, [DESIGN, *THREE])
        self.answer(self.server.put('/_replicator/nothing', json={
            'source': url_of(*source), 'target': url_of(*target), 'filter': 'f/big', 'query_params': {'min': '100'},
            'continuous': True}), 201)
        wait_for_state(self.server, 'nothing', 'running')
        started = time.monotonic()
        self.assertTrue(wait_until(lambda: time.monotonic() - started > SILENCE_S))
        seen = scheduler_doc(self.server, 'nothing')
        self.assertEqual((seen['state'], seen['error_count']), ('running', 0))
        # Not begun anew behind the back of its job, either.
        self.assertEqual({name: seen['info'][name] for name in ('docs_written', 'retries', 'cause', 'last_error')},
                         {'docs_written': 0, 'retries': 0, 'cause': None, 'last_error': None})
        self.assertEqual(self.ids(target), [])
        self.put(source, 'passes', {'v': 100})
        self.assertTrue(wait_until(lambda: self.has(target, 'passes')))
        seen = scheduler_doc(self.server, 'nothing')
        self.assertEqual((seen['error_count'], seen['info']['retries']), (0, 0))
        rev = self.server.get('/_replicator/nothing').json()['_rev']
        self.answer(self.server.delete('/_replicator/nothing?rev=' + rev), 200)


if __name__ == '__main__':
    unittest.main()
