"""Replication carries everything over as it is: ids, trees, deletions; and goes quiet when all are the same."""
import unittest

from harness.case import wait_until
from harness.replication import (KINDS, QUICK, THREE, ReplicationCase, all_counts, checkpoints, counts_of_run,
                                 path_of)
from harness.replication_data import ODD_IDS, chain, conflicts, mixture

TIME_LIMIT_S = 420


class SeveralServersTest(ReplicationCase):
    def test_a_cycle_goes_quiet(self):
        """A to B to C to A, continuously: every edit arrives everywhere, and then nothing is written any more."""
        places = [(self.server, self.make(self.server, '_a')), (self.other, self.make(self.other, '_b')),
                  (self.server, self.make(self.server, '_c'))]
        cycle = list(zip(places, places[1:] + places[:1]))
        for source, target in cycle:
            job = {'source': self.endpoint(source), 'target': self.endpoint(target), 'continuous': True}
            self.answer(self.server.post('/_replicate', json=job), 202)
            self.addCleanup(self.server.post, '/_replicate', json={**job, 'cancel': True})
        for number, place in enumerate(places):
            self.bulk(place, [{'_id': 'from%d-%d' % (number, each)} for each in range(20)])
            self.bulk(place, [chain('shared', 2, 'branch %d' % number, by=number)], new_edits=False)
        self.assertTrue(wait_until(lambda: all(self.whole(place) for place in places)))
        self.assert_same(places[0], places[1])
        self.assert_same(places[0], places[2])
        sequences = [self.sequence(place) for place in places]
        # A mark that goes around once is behind whatever would still go around.
        self.put(places[0], 'mark', {})
        self.assertTrue(wait_until(lambda: all(self.has(place, 'mark') for place in places)))
        self.assertEqual([self.sequence(place) for place in places], [number + 1 for number in sequences])

    def whole(self, place):
        conflicted = place[0].get(path_of(place[1], 'shared') + '?conflicts=true').json()
        return len(self.ids(place)) == 61 and len(conflicted.get('_conflicts', [])) == 2

    def sequence(self, place):
        return int(str(place[0].get(path_of(place[1])).json()['update_seq']).split('-')[0])

    def test_a_purged_document_comes_back(self):
        for kind in ('push', 'pull'):
            source, target = self.places(kind)
            self.bulk(source, THREE)
            self.replicate(source, target)
            rev = target[0].get(path_of(target[1], 'd1')).json()['_rev']
            self.answer(target[0].post(path_of(target[1]) + '/_purge', json={'d1': [rev]}), 201)
            self.assertEqual(self.ids(target), ['d0', 'd2'])
            self.put(source, 'd1', {'v': 'edited'})
            self.replicate(source, target)
            self.assert_same(source, target)

    def test_a_clock_that_is_wrong_changes_nothing(self):
        """Times are told, never compared: a checkpoint of the future is as good as any."""
        source, target = self.places('push')
        self.bulk(source, THREE)
        self.replicate(source, target)
        for place in (source, target):
            (doc_id, doc), = checkpoints(*place).items()
            doc['history'][0].update(start_time='Fri, 01 Jan 2100 00:00:00 GMT', end_time='Thu, 01 Jan 1970 00:00:00 GMT')
            self.answer(place[0].put(path_of(place[1], doc_id), json=doc), 201)
        self.put(source, 'new', {})
        self.assertEqual(counts_of_run(self.replicate(source, target)), all_counts(1))


class ContentTest(ReplicationCase):
    def carried(self, docs, kinds=('push', 'pull'), **members):
        for kind in kinds:
            with self.subTest(kind):
                source, target = self.places(kind)
                self.bulk(source, docs, new_edits=False)
                answer = self.replicate(source, target, **members)
                self.assertEqual(answer['history'][0]['doc_write_failures'], 0)
                self.assert_same(source, target)
                yield source, target, answer

    def test_a_mixture(self):
        docs = mixture(1)
        for _, _, answer in self.carried(docs, KINDS):
            self.assertEqual(counts_of_run(answer), all_counts(len(docs)))

    def test_odd_ids(self):
        list(self.carried([chain(doc_id, 1, of=doc_id) for doc_id in ODD_IDS], KINDS))

    def test_odd_ids_with_attachments(self):
        """These are written one by one, with the id in the URL."""
        docs = [chain(doc_id, 1, of=doc_id, _attachments={doc_id.lstrip('_'): {'data': 'aGVsbG8='}}) for doc_id in ODD_IDS]
        list(self.carried(docs))

    def test_names_with_slashes(self):
        for number, kind in enumerate(KINDS):
            places = [(host, 'a%d/b+c/%s(x)$' % (number, role)) for host, role in zip(self.hosts(kind), ('source', 'target'))]
            self.answer(places[0][0].put(path_of(places[0][1])), 201)
            self.bulk(places[0], THREE)
            self.replicate(*places, create_target=True)
            self.assert_same(*places)
            for place in places:
                self.answer(place[0].delete(path_of(place[1])), 200)

    def test_a_long_history(self):
        for source, target, _ in self.carried([chain('long', 1500, v=1)]):
            for number in range(3):
                self.put(source, 'long', {'v': number + 2})
            self.replicate(source, target)
            self.assert_same(source, target)
            revisions = target[0].get(path_of(target[1], 'long') + '?revs=true').json()['_revisions']
            self.assertEqual((revisions['start'], len(revisions['ids'])), (1503, 1000))

    def test_a_target_that_keeps_few_revisions(self):
        source, target = self.places('push')
        self.answer(target[0].put(path_of(target[1]) + '/_revs_limit', data='5'), 200)
        for number in range(12):
            self.put(source, 'd', {'v': number})
        self.replicate(source, target)
        for number in range(4):
            self.put(source, 'd', {'v': number + 100})
        self.replicate(source, target)
        read = [place[0].get(path_of(place[1], 'd') + '?conflicts=true').json() for place in (source, target)]
        self.assertEqual(read[0], read[1])

    def test_many_conflicts(self):
        for _, target, answer in self.carried(conflicts('torn', 100, 50)):
            self.assertEqual(counts_of_run(answer), all_counts(150))
            found = target[0].get(path_of(target[1], 'torn') + '?conflicts=true&deleted_conflicts=true').json()
            self.assertEqual((len(found['_conflicts']), len(found['_deleted_conflicts'])), (99, 50))

    def test_leaves_that_do_not_fit_one_url(self):
        """A thousand revisions to ask for: lists are shortened."""
        for _, _, answer in self.carried(conflicts('torn', 600), ('pull',), use_bulk_get=False):
            self.assertEqual(counts_of_run(answer), all_counts(600))

    def test_deleted_and_back(self):
        source, target = self.places('pull')
        rev = self.put(source, 'd', {'life': 1})
        self.replicate(source, target)
        self.answer(source[0].delete(path_of(source[1], 'd') + '?rev=' + rev), 200)
        self.replicate(source, target)
        self.assertEqual(target[0].get(path_of(target[1], 'd')).status_code, 404)
        self.put(source, 'd', {'life': 2})
        self.assertEqual(counts_of_run(self.replicate(source, target)), all_counts(1))
        self.assertTrue(self.has(target, 'd', life=2))
        self.assert_same(source, target)

    def test_a_resolved_conflict(self):
        source, target = self.places('push')
        self.bulk(source, conflicts('torn', 3), new_edits=False)
        self.replicate(source, target)
        losers = source[0].get(path_of(source[1], 'torn') + '?conflicts=true').json()['_conflicts']
        for rev in losers:
            self.answer(source[0].delete(path_of(source[1], 'torn') + '?rev=' + rev), 200)
        self.assertEqual(counts_of_run(self.replicate(source, target))['docs_written'], 2)
        self.assertNotIn('_conflicts', target[0].get(path_of(target[1], 'torn') + '?conflicts=true').json())
        self.assert_same(source, target)

    def test_local_documents_stay(self):
        source, target = self.places('push')
        self.answer(source[0].put(path_of(source[1]) + '/_local/mine', json={}), 201)
        self.bulk(source, THREE)
        self.replicate(source, target)
        self.assertEqual(target[0].get(path_of(target[1]) + '/_local/mine').status_code, 404)


class MemoryEngineTest(ReplicationCase):
    server_arguments = {'config': QUICK, 'memory': True}

    def test_both_directions(self):
        for kind in ('push', 'pull'):
            source, target = self.places(kind)
            self.bulk(source, mixture(kind), new_edits=False)
            self.replicate(source, target)
            self.assert_same(source, target)


if __name__ == '__main__':
    unittest.main()
