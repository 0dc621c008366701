"""The figures of replications in _stats and _prometheus: Divan's own, divan.replicator.*."""
import re
import unittest

from harness.case import wait_until
from harness.fault_proxy import FaultProxy
from harness.replication import ReplicationCase, replicate, url_of

NAMES = ['bytes_in', 'bytes_out', 'doc_write_failures', 'docs_read', 'docs_written', 'missing_checked', 'missing_found',
         'retries', 'throttled']
GAUGES = ['behind_seconds', 'changes_pending']


class MetricsTest(ReplicationCase):
    def figures(self, kind, names):
        tree = self.answer(self.server.get('/_node/_local/_stats'), 200)['divan']['replicator']
        self.assertEqual(sorted(tree), sorted(NAMES + GAUGES))
        for name in names:
            self.assertEqual((set(tree[name]), tree[name]['type']), ({'value', 'type', 'desc'}, kind))
        return {name: tree[name]['value'] for name in names}

    def counters(self):
        return self.figures('counter', NAMES)

    def gauges(self):
        return self.figures('gauge', GAUGES)

    def in_prometheus(self):
        text = self.server.get('/_node/_local/_prometheus').text
        return {name: int(value) for name, value in re.findall(r'(?m)^couchdb_divan_replicator_(\w+)_total (\d+)$', text)}

    def test_they_count(self):
        source, target = self.places('pull')
        self.bulk(source, [{'_id': 'd%d' % number, 'v': number, 'text': 'x' * 500} for number in range(5)])
        self.put(target, '_design/v', {'validate_doc_update': "function (n) { if (n.v === 1) throw({forbidden: 'no'}); }"})
        before = self.counters()
        with FaultProxy(self.other.url) as proxy:
            proxy.answer(503, path='_changes')
            proxy.answer(429, path='_bulk_get')
            answer = replicate(self.server, url_of(*source, proxy), self.endpoint(target))
            self.assertEqual(self.answer(answer, 200)['history'][0]['doc_write_failures'], 1)
        after = self.counters()
        grown = {name: after[name] - before[name] for name in NAMES}
        self.assertGreater(grown.pop('bytes_in'), 5 * 500)
        self.assertGreater(grown.pop('bytes_out'), 0)
        self.assertEqual(grown, {'docs_read': 5, 'docs_written': 4, 'doc_write_failures': 1, 'missing_checked': 5,
                                 'missing_found': 5, 'retries': 1, 'throttled': 1})
        self.assertEqual(self.in_prometheus(), self.counters())
        # One path of them.
        one = self.answer(self.server.get('/_node/_local/_stats/divan/replicator/docs_read'), 200)
        self.assertEqual(one['value'], after['docs_read'])

    def test_they_tell_who_is_behind(self):
        source, target = self.places('pull')
        self.put(source, 'first', {})
        with FaultProxy(self.other.url) as proxy:
            job = {'source': url_of(*source, proxy), 'target': target[1], 'continuous': True}
            self.answer(self.server.post('/_replicate', json=job), 202)
            self.assertTrue(wait_until(lambda: self.ids(target) == ['first']))
            self.assertTrue(wait_until(lambda: self.gauges() == {'behind_seconds': 0, 'changes_pending': 0}))
            proxy.answer(503, count=1000, path='_revs_diff')
            proxy.answer(503, count=1000, path='_bulk_get')
            proxy.answer(503, count=1000, path='second')
            self.put(source, 'second', {})
            self.assertTrue(wait_until(lambda: self.gauges()['behind_seconds'] > 0))
            self.assertIn('couchdb_divan_replicator_behind_seconds ', self.server.get('/_node/_local/_prometheus').text)
            proxy.clear()
            self.assertTrue(wait_until(lambda: self.ids(target) == ['first', 'second']))
            self.assertTrue(wait_until(lambda: self.gauges()['behind_seconds'] == 0))
            self.answer(self.server.post('/_replicate', json={**job, 'cancel': True}), 200)


if __name__ == '__main__':
    unittest.main()
