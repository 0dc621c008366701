"""One-shot replication through _replicate: answers, checkpoints, and that everything arrives."""
import unittest

from harness.case import wait_until
from harness.fault_proxy import FaultProxy
from harness.raw import basic
from harness.replication import (KINDS, THREE, ReplicationCase, all_counts, checkpoints, counts_of_run, jobs, path_of,
                                 replicate, url_of, without_state)
from harness.replication_data import mixture

TIME_LIMIT_S = 420


class AnswerTest(ReplicationCase):
    def test_first_again_and_more(self):
        for kind in KINDS:
            with self.subTest(kind):
                source, target = self.places(kind)
                self.bulk(source, THREE)
                first = self.replicate(source, target)
                self.assertNotIn('no_changes', first)
                self.assertEqual(len(first['history']), 1)
                self.assertIn(first['history'][0]['start_last_seq'], (0, '0'))
                self.assertEqual(counts_of_run(first), all_counts(3))
                entry = first['history'][0]
                self.assertEqual((entry['bulk_get_docs'], entry['bulk_get_attempts']), (3, 3))
                self.assert_same(source, target)

                again = self.replicate(source, target)
                self.assertIs(again.pop('no_changes'), True)
                self.assertEqual(again, first)

                self.put(source, 'new', {})
                third = self.replicate(source, target)
                self.assertEqual(len(third['history']), 2)
                self.assertEqual(third['history'][1], first['history'][0])
                self.assertNotEqual(third['session_id'], first['session_id'])
                self.assertEqual(third['history'][0]['start_last_seq'], first['source_last_seq'])
                self.assertEqual(counts_of_run(third), all_counts(1))
                self.assertEqual(third['history'][0]['docs_read'], 4)  # counts go on, as in CouchDB
                self.assert_same(source, target)

    def test_an_empty_source(self):
        source, target = self.places('push')
        answer = self.replicate(source, target)
        # The first run notes where the feed ends.
        self.assertNotIn('no_changes', answer)
        self.assertEqual(counts_of_run(answer), all_counts(0))
        self.assertIs(self.replicate(source, target)['no_changes'], True)

    def test_what_the_target_has_is_not_read(self):
        source, target = self.places('pull')
        self.bulk(source, THREE)
        self.bulk(target, THREE[:2])  # the same edits are the same revisions
        self.assertEqual(counts_of_run(self.replicate(source, target)),
                         {**all_counts(1), 'missing_checked': 3})
        self.assert_same(source, target)

    def test_create_target(self):
        for kind in KINDS:
            with self.subTest(kind):
                source, target = self.places(kind)
                self.bulk(source, THREE)
                self.answer(target[0].delete(path_of(target[1])), 200)
                response = replicate(self.server, self.endpoint(source), self.endpoint(target))
                reason = self.error(response, 500, 'db_not_found')
                self.assertTrue(reason.startswith('could not open '), reason)
                self.assertTrue(reason.endswith('/%s/' % target[1]), reason)
                self.replicate(source, target, create_target=True)
                self.assert_same(source, target)
                self.put(source, 'new', {})
                self.assertEqual(counts_of_run(self.replicate(source, target, create_target=True)), all_counts(1))

    def test_create_target_params(self):
        source, target = self.places('push')
        self.bulk(source, [{'_id': 'p:1'}])
        self.answer(target[0].delete(path_of(target[1])), 200)
        self.replicate(source, target, create_target=True, create_target_params={'partitioned': True})
        info = self.answer(target[0].get(path_of(target[1])), 200)
        self.assertIs(info['props'].get('partitioned'), True)

    def test_endpoints_as_objects(self):
        source, target = self.places('remote')
        self.bulk(source, THREE)
        server = self.other
        login = {'basic': {'username': server.user, 'password': server.password}}
        answer = replicate(self.server, {'url': server.url + path_of(source[1]), 'auth': login},
                           {'url': server.url + path_of(target[1]), 'auth': login})
        self.assertEqual(counts_of_run(self.answer(answer, 200)), all_counts(3))
        self.assert_same(source, target)
        # Neither the password nor where it stands is part of the job's identity.
        self.assertIs(self.replicate(source, target).get('no_changes'), True)

    def test_headers_of_an_endpoint(self):
        source, target = self.places('pull')
        self.bulk(source, THREE)
        header = basic(self.other).removeprefix('Authorization: ').strip()
        answer = replicate(self.server, {'url': self.other.url + path_of(source[1]), 'headers': {'Authorization': header}},
                           target[1])
        self.assertEqual(counts_of_run(self.answer(answer, 200)), all_counts(3))

    def test_wrong_password(self):
        source, target = self.places('pull')
        url = self.other.url.replace('://', '://admin:mistaken@') + path_of(source[1])
        response = replicate(self.server, url, target[1])
        self.assertEqual(response.status_code, 500, response.text)
        self.assertNotIn('mistaken', response.text)

    def test_several_batches(self):
        source, target = self.places('push')
        for start in range(0, 3000, 1000):
            self.bulk(source, [{'_id': 'doc%05d' % number, 'text': 'x' * 500} for number in range(start, start + 1000)])
        self.assertEqual(counts_of_run(self.replicate(source, target)), all_counts(3000))
        self.assertEqual(self.ids(source), self.ids(target))
        source, target = self.places('pull')
        self.bulk(source, [{'_id': 'doc%05d' % number} for number in range(200)])
        answer = self.replicate(source, target, worker_batch_size=7, worker_processes=2, http_connections=3)
        self.assertEqual(counts_of_run(answer), all_counts(200))

    def test_without_bulk_get(self):
        source, target = self.places('pull')
        self.bulk(source, mixture(5, plain=10), new_edits=False)
        with FaultProxy(self.other) as proxy:
            answer = self.answer(replicate(self.server, url_of(*source, proxy), target[1], use_bulk_get=False), 200)
            self.assertEqual(proxy.matching('POST', '/_bulk_get'), 0)
        self.assertEqual(answer['history'][0]['bulk_get_attempts'], 0)
        self.assert_same(source, target)

    def test_bulk_get_that_the_source_has_not(self):
        """An older source answers 404: documents are asked for one by one."""
        source, target = self.places('pull')
        self.bulk(source, mixture(6, plain=10), new_edits=False)
        with FaultProxy(self.other) as proxy:
            proxy.answer(404, count=1000, path='/_bulk_get')
            answer = self.answer(replicate(self.server, url_of(*source, proxy), target[1]), 200)
        self.assertEqual(answer['history'][0]['doc_write_failures'], 0)
        self.assert_same(source, target)


class CheckpointTest(ReplicationCase):
    def only(self, place):
        found = checkpoints(*place)
        self.assertEqual(len(found), 1, found)
        return next(iter(found.items()))

    def replicated(self, kind='push', count=10):
        source, target = self.places(kind)
        self.bulk(source, [{'_id': 'first%d' % number} for number in range(count)])
        return source, target, self.replicate(source, target)

    def test_both_sides_have_the_same(self):
        for kind in KINDS:
            with self.subTest(kind):
                source, target, answer = self.replicated(kind)
                (source_id, at_source), (target_id, at_target) = self.only(source), self.only(target)
                self.assertEqual(source_id, target_id)
                self.assertRegex(source_id, '^_local/[0-9a-f]{32}$')
                self.assertEqual(without_state(at_source), without_state(at_target))
                answer.pop('ok')
                self.assertEqual({key: value for key, value in at_source.items() if key not in ('_id', '_rev')}, answer)

    def test_history_has_fifty_entries(self):
        source, target, _ = self.replicated(count=1)
        for number in range(52):
            self.put(source, 'more%d' % number, {})
            answer = self.replicate(source, target)
        self.assertEqual(len(answer['history']), 50)
        self.assertEqual(answer['history'][0]['docs_read'], 53)

    def test_lost_on_one_side(self):
        for lost in (0, 1):
            source, target, first = self.replicated()
            place = (source, target)[lost]
            doc_id, doc = self.only(place)
            self.answer(place[0].delete(path_of(place[1], doc_id) + '?rev=' + doc['_rev']), 200)
            self.bulk(source, [{'_id': 'later'}])
            answer = self.replicate(source, target)
            self.assertIn(answer['history'][0]['start_last_seq'], (0, '0'))
            self.assertEqual(counts_of_run(answer), {**all_counts(1), 'missing_checked': 11})
            self.assertNotEqual(answer['session_id'], first['session_id'])
            self.assert_same(source, target)
            self.assertEqual(without_state(self.only(source)[1]), without_state(self.only(target)[1]))

    def test_one_side_is_behind(self):
        """The histories have a session in common: the run begins at what it recorded."""
        for behind in (0, 1):
            source, target, first = self.replicated()
            place = (source, target)[behind]
            doc_id, old = self.only(place)
            self.bulk(source, [{'_id': 'second%d' % number} for number in range(5)])
            self.replicate(source, target)
            old['_rev'] = self.only(place)[1]['_rev']
            self.answer(place[0].put(path_of(place[1], doc_id), json=old), 201)
            self.bulk(source, [{'_id': 'third'}])
            answer = self.replicate(source, target)
            newest = answer['history'][0]
            self.assertEqual(newest['start_last_seq'], first['source_last_seq'])
            self.assert_same(source, target)

    def test_histories_without_a_common_session(self):
        source, target, _ = self.replicated()
        doc_id, doc = self.only(target)
        doc['session_id'] = doc['history'][0]['session_id'] = 'f' * 32
        self.answer(target[0].put(path_of(target[1], doc_id), json=doc), 201)
        answer = self.replicate(source, target)
        self.assertIn(answer['history'][0]['start_last_seq'], (0, '0'))
        self.assertEqual((counts_of_run(answer)['missing_checked'], counts_of_run(answer)['docs_read']), (10, 0))

    def test_a_target_made_anew_gets_everything(self):
        source, target, _ = self.replicated()
        self.answer(target[0].delete(path_of(target[1])), 200)
        self.answer(target[0].put(path_of(target[1])), 201)
        answer = self.replicate(source, target)
        self.assertEqual(counts_of_run(answer), all_counts(10))
        self.assert_same(source, target)

    def test_without_checkpoints(self):
        source, target = self.places('push')
        self.bulk(source, THREE)
        for _ in range(2):
            self.answer(replicate(self.server, source[1], url_of(*target), use_checkpoints=False), 200)
        self.assertEqual((checkpoints(*source), checkpoints(*target)), ({}, {}))
        self.assert_same(source, target)

    def test_continuous_and_one_shot_share_theirs(self):
        source, target, _ = self.replicated('pull')
        job = {'source': self.endpoint(source), 'target': self.endpoint(target), 'continuous': True}
        answer = self.answer(self.server.post('/_replicate', json=job), 202)
        self.assertEqual(set(answer), {'ok', '_local_id'})
        self.assertEqual(answer['_local_id'], self.only(source)[0].removeprefix('_local/') + '+continuous')
        self.put(source, 'live', {})
        self.assertTrue(wait_until(lambda: self.has(target, 'live')))
        self.assertTrue(wait_until(lambda: len(self.only(target)[1]['history']) == 2))
        self.answer(self.server.post('/_replicate', json={**job, 'cancel': True}), 200)


class TargetMadeAnewTest(ReplicationCase):
    def test_during_a_continuous_run(self):
        """The checkpoint is refused, the job begins again, and everything arrives in the new database."""
        source, target = self.places('push')
        self.bulk(source, [{'_id': 'first%d' % number} for number in range(50)])
        job = {'source': self.endpoint(source), 'target': self.endpoint(target), 'continuous': True}
        self.answer(self.server.post('/_replicate', json=job), 202)
        self.assertTrue(wait_until(lambda: self.has(target, 'first49') and checkpoints(*target)))
        self.answer(target[0].delete(path_of(target[1])), 200)
        self.answer(target[0].put(path_of(target[1])), 201)
        self.put(source, 'later', {})
        self.assertTrue(wait_until(lambda: self.has(target, 'later') or self.crashed()))
        # A job that crashed waits before it is tried again: a one-shot run must see the loss at once.
        self.server.post('/_replicate', json={**job, 'cancel': True})
        answer = self.replicate(source, target)
        self.assertEqual(answer['history'][0]['doc_write_failures'], 0)
        self.assert_same(source, target)


    def crashed(self):
        return any(event['type'] == 'crashed' for job in jobs(self.server) for event in job['history'])


if __name__ == '__main__':
    unittest.main()
