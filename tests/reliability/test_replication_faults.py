"""Replication over a network that loses, cuts and lies, and between servers that are killed: it goes on from its
checkpoint, and in the end both sides hold the same."""
import concurrent.futures
import os
import unittest

from harness.case import wait_until
from harness.fault_plan import Schedule
from harness.fault_proxy import FaultProxy
from harness.replication import (QUICK, ReplicationCase, View, assert_same, change_rows, checkpoints, path_of, replicate,
                                 url_of, wait_for_state)
from harness.replication_data import chain, conflicts, mixture
from harness.server import Server

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 420
LONG_TIME_LIMIT_S = 3600
SEEDS = 200 if LONG else 20
SEEDS_AT_ONCE = 4
RUNS_MAX = 20
# A run gives up soon: it is the next one that must go on.
IMPATIENT = {'retries_per_request': 3, 'connection_timeout': 1500, 'worker_batch_size': 10, 'http_connections': 4,
             'worker_processes': 2}
# So many documents that most are read again by a run that does not go on from its checkpoint.
FIRST, SECOND = 3000, 1000
SETTLE_LIMIT_S = 90


class ScheduleTest(ReplicationCase):
    """Each seed has databases, documents, and proxies of its own. Its number also says who is where."""

    KINDS = ['push', 'pull', 'remote', 'both']

    def one(self, seed):
        kind = self.KINDS[seed % len(self.KINDS)]
        driver, other = View(self.server), View(self.other)
        hosts = {'push': (driver, other), 'pull': (other, driver), 'remote': (driver, other), 'both': (other, driver)}[kind]
        places = [(host, 'seed%d/%s' % (seed, role)) for host, role in zip(hosts, ('source', 'target'))]
        for place in places:
            assert place[0].put(path_of(place[1])).status_code == 201
        with FaultProxy(self.other) as proxy, FaultProxy(self.server) as second:
            endpoints = [self.endpoint_of(place, kind, proxy, second) for place in places]
            proxy.plan(Schedule.from_seed(seed, faults=8))
            if kind == 'both':
                second.plan(Schedule.from_seed('%d again' % seed, faults=4))
            runs = self.go_through(seed, driver, places, endpoints, [proxy, second])
            for each in (proxy, second):
                each.clear()
            answer = replicate(driver, *endpoints)
            assert answer.status_code == 200, answer.text
            assert_same(self, *places)
            assert answer.json()['history'][0]['doc_write_failures'] == 0, answer.text
            return '%s: %d runs, %s' % (kind, runs, dict(proxy.counts + second.counts))

    def endpoint_of(self, place, kind, proxy, second):
        host, name = place
        if host.server is self.other:
            return url_of(host, name, proxy)
        return url_of(host, name, second) if kind == 'both' else url_of(host, name) if kind == 'remote' else name

    def go_through(self, seed, driver, places, endpoints, proxies):
        """Runs until the faults are used up, with edits in between; returns how many runs it took."""
        source = places[0]
        for run in range(RUNS_MAX):
            if run == 0:
                docs = mixture(seed, plain=60)
            else:
                docs = [chain('doc%03d' % number, 5 + run, 'edit of %d' % seed, run=run) for number in range(0, 60, 7)] + \
                    conflicts('late%d' % run, 3, 1)
            response = source[0].post(path_of(source[1]) + '/_bulk_docs', json={'docs': docs, 'new_edits': False})
            assert response.status_code == 201, response.text
            answer = replicate(driver, *endpoints, **IMPATIENT)
            assert answer.status_code in (200, 500), answer.text
            if not any(proxy.planned for proxy in proxies):
                return run + 1
            for proxy in proxies:
                proxy.cut_all()  # the next run comes with connections that take the next faults
        return RUNS_MAX

    def test_every_schedule_ends_with_both_the_same(self):
        failures = []
        with concurrent.futures.ThreadPoolExecutor(SEEDS_AT_ONCE) as pool:
            under_way = {pool.submit(self.one, seed): seed for seed in range(SEEDS)}
            for done in concurrent.futures.as_completed(under_way):
                try:
                    print('seed %d, %s' % (under_way[done], done.result()))
                except Exception as failure:  # the others go on: a seed that fails is known by its number
                    failures.append('seed %d: %s: %s' % (under_way[done], type(failure).__name__, failure))
        self.assertEqual(failures, [])


class KillTest(ReplicationCase):
    """Three servers; two proxies whose places stay while servers come back at others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.third = Server(config=QUICK)
        cls.addClassCleanup(cls.third.close)
        cls.third.start()

    def setUp(self):
        super().setUp()
        self.source, self.target = (self.other, self.make(self.other)), (self.third, self.make(self.third))
        self.proxies = [FaultProxy(place[0]).start() for place in (self.source, self.target)]
        for proxy in self.proxies:
            self.addCleanup(proxy.stop)
        self.endpoints = [url_of(*place, proxy) for place, proxy in zip((self.source, self.target), self.proxies)]

    def write(self, first, count):
        for start in range(first, first + count, 500):
            self.bulk(self.source, [{'_id': 'doc%05d' % number, 'text': 'x' * 200}
                                    for number in range(start, min(start + 500, first + count))])

    def doc_count(self):
        return self.target[0].get(path_of(self.target[1])).json()['doc_count']

    def history(self):
        """The history of the checkpoint at the target, the newest first."""
        found = list(checkpoints(*self.target).values())
        return found[0]['history'] if found else []

    def begin(self):
        """A continuous job has done and recorded the first documents, and is busy with the second."""
        self.write(0, FIRST)
        doc = {'source': self.endpoints[0], 'target': self.endpoints[1], 'continuous': True, 'retries_per_request': 10,
               'worker_batch_size': 20, 'worker_processes': 2}
        self.answer(self.server.put('/_replicator/kill', json=doc), 201)
        self.addCleanup(self.delete_document)
        self.assertTrue(wait_until(lambda: self.history() and self.history()[0]['docs_read'] == FIRST, SETTLE_LIMIT_S))
        self.write(FIRST, SECOND)
        self.assertTrue(wait_until(lambda: self.doc_count() > FIRST, SETTLE_LIMIT_S))

    def delete_document(self):
        rev = self.server.get('/_replicator/kill').json().get('_rev')
        self.server.delete('/_replicator/kill?rev=%s' % rev)

    def check_end(self):
        """Everything arrives, and what had been recorded was not looked at again."""
        self.assertTrue(wait_until(lambda: self.doc_count() == FIRST + SECOND, SETTLE_LIMIT_S))
        self.bulk(self.source, [{'_id': 'last'}])
        self.assertTrue(wait_until(lambda: self.has(self.target, 'last'), SETTLE_LIMIT_S))
        last = self.source[0].get(path_of(self.source[1])).json()['update_seq']
        number = str(last).split('-')[0]
        self.assertTrue(wait_until(lambda: str(self.history()[0]['recorded_seq']).split('-')[0] == number, SETTLE_LIMIT_S))
        newest = self.history()[0]
        self.assertEqual(newest['doc_write_failures'], 0)
        # From the start again, all of the first would be asked for a second time.
        self.assertLess(newest['missing_checked'], 2 * FIRST)
        self.assertLess(newest['docs_read'], 2 * FIRST)
        wait_for_state(self.server, 'kill', 'running')
        self.assertEqual([row['id'] for row in sorted(change_rows(*self.source), key=lambda row: row['id'])],
                         [row['id'] for row in sorted(change_rows(*self.target), key=lambda row: row['id'])])

    def killed(self, server):
        self.begin()
        server.kill()
        server.start()
        self.check_end()

    def test_the_driver_is_killed(self):
        self.killed(self.server)
        newest, before = self.history()[:2]
        self.assertEqual(newest['start_last_seq'], before['recorded_seq'])
        self.assertLessEqual(newest['docs_read'] - before['docs_read'], SECOND + 1)
        self.assertLessEqual(newest['missing_checked'] - before['missing_checked'], SECOND + 1)

    def test_the_source_is_killed(self):
        self.killed(self.source[0])

    def test_the_target_is_killed(self):
        self.killed(self.target[0])

    def test_a_one_shot_run_is_killed(self):
        """The next run begins where the last checkpoint of the killed one was."""
        self.write(0, FIRST)
        members = {'worker_batch_size': 10, 'worker_processes': 1, 'http_connections': 2, 'checkpoint_interval': 100}
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            under_way = pool.submit(self.run_to_the_end_of_the_server, members)
            self.assertTrue(wait_until(lambda: bool(self.history()) or under_way.done(), SETTLE_LIMIT_S))
            self.server.kill()
            self.assertNotEqual(under_way.result(SETTLE_LIMIT_S), 200, 'the run was done before the kill')
        recorded = self.history()[0]
        self.assertGreater(recorded['docs_read'], 0)
        self.server.start()
        answer = self.answer(replicate(self.server, *self.endpoints, **members), 200)
        newest, before = answer['history']
        self.assertEqual(before, recorded)
        self.assertEqual(newest['start_last_seq'], recorded['recorded_seq'])
        self.assertLess(newest['docs_read'] - recorded['docs_read'], FIRST)
        self.assertLess(newest['missing_checked'] - recorded['missing_checked'], FIRST)
        self.assert_same(self.source, self.target)

    def run_to_the_end_of_the_server(self, members):
        """The status of a run, or None when its server was killed under it."""
        view = View(self.server)
        try:
            return replicate(view, *self.endpoints, **members).status_code
        except OSError:  # what requests raises is one
            return None

    def test_all_are_killed_again_and_again(self):
        """Kills at any moment, one-shot runs in between: nothing is lost, nothing is different."""
        self.bulk(self.source, mixture('kills'), new_edits=False)
        self.write(0, SECOND)
        for server in (self.server, self.source[0], self.target[0]):
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                before = self.doc_count()
                under_way = pool.submit(self.run_to_the_end_of_the_server, {**IMPATIENT, 'worker_processes': 1})
                self.assertTrue(wait_until(lambda: self.doc_count() > before or under_way.done(), SETTLE_LIMIT_S))
                server.kill()
                server.start()
                under_way.result(SETTLE_LIMIT_S)
            self.write(SECOND + self.doc_count(), 100)
        self.answer(replicate(self.server, *self.endpoints), 200)
        self.assert_same(self.source, self.target)


if __name__ == '__main__':
    unittest.main()
