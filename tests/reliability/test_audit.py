"""The audit log under kills, and under the hands of somebody who has the disk and not the key."""
import os
import pathlib
import random
import shutil
import subprocess
import unittest

from harness.audit import AuditedServer
from harness.server import BINARY
from harness.writers import Acknowledged, Writer, kill_under_load

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 150
LONG_TIME_LIMIT_S = 3600

KILLS = 200 if LONG else 6
WRITERS = 4
ACKNOWLEDGED_PER_ROUND = (10, 400)  # the kill comes after a random number between
TAMPER = pathlib.Path(os.environ.get('DIVAN_TAMPER', BINARY.parent / 'audit_tamper'))
TOOL_LIMIT_S = 60


class AuditedWriter(Writer):
    """Documents one by one and several at once, to several databases."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.written = []  # what was acknowledged

    def write(self):
        database = self.random.choice(('/first', '/second'))
        if self.random.random() < 0.8:
            ids = [self.new_id()]
            status, answer = self.connection.json('PUT', '%s/%s' % (database, ids[0]), {'a': 1})
            rows = [answer]
        else:
            ids = [self.new_id() for _ in range(self.random.randrange(1, 30))]
            status, rows = self.connection.json('POST', database + '/_bulk_docs', {'docs': [{'_id': id} for id in ids]})
        assert status in (201, 202), (status, rows)
        self.written += [(database[1:], id, row['rev']) for id, row in zip(ids, rows)]
        self.acknowledged.add(len(ids))


class KillTest(unittest.TestCase):
    def test_every_acknowledged_write_is_in_a_whole_chain(self):
        seed = os.environ.get('DIVAN_SEED', '7')
        dice = random.Random(seed)
        written = set()
        settings = 'events = document_write\nseal_interval_ms = 20\nanchor_interval_seconds = 1\n'
        with AuditedServer(settings) as server:
            for name in ('first', 'second'):
                self.assertEqual(server.put('/' + name).status_code, 201)
            for kill in range(KILLS):
                acknowledged = Acknowledged(dice.randrange(*ACKNOWLEDGED_PER_ROUND))
                writers = [AuditedWriter(server, '%d-%d' % (kill, i), seed, acknowledged) for i in range(WRITERS)]
                kill_under_load(server, writers, acknowledged)
                for writer in writers:
                    written.update(writer.written)
                if dice.random() < 0.5:
                    status, found = server.verify()
                    self.assertEqual((status, found['findings']), (0, []), 'after kill %d, seed %s' % (kill, seed))
                server.start()
            records = server.records(kind='document_write')
            noted = [(record['database'], one['document'], one['revision'])
                     for record in records for one in record.get('documents', [record])]
            self.assertEqual(written - set(noted), set(), 'seed ' + seed)
            self.assertEqual(len(noted), len(set(noted)), 'a write is recorded once')
            # What was not acknowledged may be there; then it is a document, too.
            for database in ('first', 'second'):
                rows = server.get('/%s/_all_docs' % database).json()['rows']
                self.assertEqual({(row['id'], row['value']['rev']) for row in rows},
                                 {(id, rev) for name, id, rev in noted if name == database})
            server.stop()
            status, found = server.verify()
            self.assertEqual((status, found['findings']), (0, []))
            self.assertGreaterEqual(found['records'], len(records))

    def test_records_of_a_deleted_database_stay(self):
        with AuditedServer('events = document_write, database\nseal_interval_ms = 60000\n',
                           config='[divan]\nhousekeeping_interval_ms = 100') as server:
            server.put('/orders')
            server.put('/orders/one', json={})
            server.delete('/orders')
            # Nothing is sealed by time: what is there was sealed for the erasure, or for the reader.
            server.kill()
            server.start()
            actions = [record['action'] for record in server.records(database='orders')]
            self.assertEqual(sorted(actions), ['created', 'created', 'deleted'])
            server.stop()
            self.assertEqual(server.verify()[0], 0)


class TamperTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = AuditedServer('events = document_write, database\n')
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.server.put('/orders')
        for number in range(20):
            cls.server.put('/orders/%d' % number, json={})
        cls.server.stop()

    def tampered(self, *arguments):
        copy = self.server.safe / self.id()
        shutil.copytree(self.server.data_dir, copy)
        self.addCleanup(shutil.rmtree, copy)
        subprocess.run([TAMPER, str(copy / 'engine'), *arguments], check=True, timeout=TOOL_LIMIT_S)
        status, found = self.server.verify(data_dir=copy)
        self.assertEqual((status, found['ok']), (1, False))
        return [(row['what'], row['first'], row['last']) for row in found['findings']]

    def test_untouched_copy_is_clean(self):
        self.assertEqual(self.server.verify()[1]['findings'], [])

    def test_changed(self):
        self.assertEqual(self.tampered('change', '7'), [('changed', 7, 7)])

    def test_removed(self):
        self.assertEqual(self.tampered('remove', '7'), [('removed', 7, 7)])

    def test_swapped(self):
        self.assertEqual(self.tampered('swap', '7'), [('reordered', 7, 7), ('reordered', 8, 8)])

    def test_truncated(self):
        count = self.server.verify()[1]['count']
        self.assertEqual(self.tampered('truncate', '7'), [('removed', 7, count), ('truncated', 7, count)])

    def test_rolled_back(self):
        """An older copy of all data is whole in itself: the anchors know better."""
        copy = self.server.safe / 'older'
        shutil.copytree(self.server.data_dir, copy)
        self.server.start()
        self.server.put('/orders/later', json={})
        self.server.stop()
        self.assertEqual(self.server.verify()[0], 0)
        self.assertEqual(self.server.verify(data_dir=copy, anchors=False)[0], 0)
        status, found = self.server.verify(data_dir=copy)
        self.assertEqual((status, [row['what'] for row in found['findings']]), (1, ['truncated']))
        self.assertIn('after the anchor in line ', found['findings'][0]['detail'])


if __name__ == '__main__':
    unittest.main()
