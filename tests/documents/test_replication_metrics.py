"""The counters of replications in _stats and _prometheus: Divan's own, divan.replicator.*."""
import re
import unittest

from harness.fault_proxy import FaultProxy
from harness.replication import ReplicationCase, replicate, url_of

NAMES = ['bytes_in', 'bytes_out', 'doc_write_failures', 'docs_read', 'docs_written', 'retries', 'throttled']


class MetricsTest(ReplicationCase):
    def counters(self):
        tree = self.answer(self.server.get('/_node/_local/_stats'), 200)['divan']['replicator']
        self.assertEqual(sorted(tree), NAMES)
        for counter in tree.values():
            self.assertEqual((set(counter), counter['type']), ({'value', 'type', 'desc'}, 'counter'))
        return {name: counter['value'] for name, counter in tree.items()}

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
        self.assertEqual(grown, {'docs_read': 5, 'docs_written': 4, 'doc_write_failures': 1, 'retries': 1, 'throttled': 1})
        self.assertEqual(self.in_prometheus(), self.counters())
        # One path of them.
        one = self.answer(self.server.get('/_node/_local/_stats/divan/replicator/docs_read'), 200)
        self.assertEqual(one['value'], after['docs_read'])


if __name__ == '__main__':
    unittest.main()
