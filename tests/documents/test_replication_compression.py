"""Replications between Divan nodes are compressed on the way, but not within one machine."""
import unittest

from harness.fault_proxy import FaultProxy
from harness.replication import ReplicationCase, replicate, url_of

TIME_LIMIT_S = 120
TEXT = 'all work and no play makes jack a dull boy ' * 20
# 127.0.0.1 in another spelling, which nobody takes for this machine.
OTHER_SPELLING = '2130706433'


class CompressionTest(ReplicationCase):
    def moved(self, kind, spelling):
        """Bytes over the wire of a replication of 200 documents of 900 bytes."""
        source, target = self.places(kind)
        self.bulk(source, [{'_id': 'd%d' % number, 'number': number, 'text': TEXT} for number in range(200)])
        with FaultProxy(self.other) as proxy:
            endpoints = [url_of(*place, proxy).replace('127.0.0.1', spelling) if place[0] is self.other else place[1]
                         for place in (source, target)]
            self.answer(replicate(self.server, *endpoints), 200)
            moved = proxy.counts['bytes_up'] + proxy.counts['bytes_down']
        self.assert_same(source, target)
        return moved

    def test_between_nodes(self):
        for kind in ('push', 'pull'):
            with self.subTest(kind):
                plain = self.moved(kind, '127.0.0.1')
                compressed = self.moved(kind, OTHER_SPELLING)
                self.assertGreater(plain, 180000)
                self.assertLess(compressed, plain / 4)

    def test_not_at_level_0(self):
        setting = '/_node/_local/_config/replicator/compression_level'
        self.answer(self.server.put(setting, json='0'), 200)
        try:
            self.assertGreater(self.moved('push', OTHER_SPELLING), 180000)
        finally:
            self.answer(self.server.delete(setting), 200)

    def test_answers_to_others_are_as_they_were(self):
        source = (self.other, self.make(self.other, '_source'))
        self.bulk(source, [{'_id': 'd', 'text': TEXT * 10}])
        for headers, compressed in (({'Accept-Encoding': 'gzip'}, False),
                                    ({'Accept-Encoding': 'gzip', 'User-Agent': 'Divan-Replicator'}, True),
                                    ({'User-Agent': 'Divan-Replicator', 'Accept-Encoding': 'identity'}, False)):
            answer = self.other.get('/%s/d' % source[1], headers=headers)
            self.assertEqual('Content-Encoding' in answer.headers, compressed, headers)
            self.assertEqual(answer.json()['text'], TEXT * 10)


if __name__ == '__main__':
    unittest.main()
