"""Builds of views that are interrupted, and that run beside each other."""
import os
import threading
import unittest

from harness.case import ServerTestCase, wait_until

TIME_LIMIT_S = 180
DOCUMENTS = 200000 if os.environ.get('DIVAN_LONG') else 40000
# Slow enough that a build takes a while.
MAP = 'function (doc) { var x = 0; for (var i = 0; i < 20000; i++) x += i % 7; emit(doc.n, x); }'


class BuildTest(ServerTestCase):
    def fill(self, db):
        for begin in range(0, DOCUMENTS, 5000):
            docs = [{'_id': 'd%07d' % i, 'n': i} for i in range(begin, begin + 5000)]
            self.answer(self.server.post('/%s/_bulk_docs' % db, json={'docs': docs}), 201)

    def info(self, db):
        return self.answer(self.server.get('/%s/_design/d/_info' % db), 200)['view_index']

    def pending(self, db):
        return self.info(db)['updates_pending']['total']

    def build(self, db):
        """Asks for the view on another thread, which the kill may cut off."""
        def ask():
            try:
                self.server.get('/%s/_design/d/_view/v' % db, params={'limit': 1}, timeout=120)
            except OSError:
                pass
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        return thread

    def test_a_killed_build_goes_on_where_it_was(self):
        db = self.database()
        self.fill(db)
        self.answer(self.server.put('/%s/_design/d' % db,
                                    json={'views': {'v': {'map': MAP}}, 'autoupdate': False}), 201)
        whole = self.pending(db)
        left = whole
        for _ in range(2):
            self.build(db)
            self.assertTrue(wait_until(lambda: 0 < self.pending(db) < left - 4000))
            reached = self.pending(db)
            self.server.kill()
            self.server.start()
            left = self.pending(db)
            self.assertLessEqual(left, reached, 'what was there before the kill is there')
            self.assertGreater(left, 0)
        answer = self.answer(self.server.get('/%s/_design/d/_view/v' % db, params={'limit': 0}, timeout=120), 200)
        self.assertEqual(answer['total_rows'], DOCUMENTS)
        self.assertEqual(self.pending(db), 0)

    def test_writes_are_followed_by_builds_unless_a_design_document_says_no(self):
        db = self.database()
        for name, more in (('d', {}), ('quiet', {'autoupdate': False})):
            view = {'v': {'map': 'function (doc) { emit(doc.n, "%s") }' % name}}
            self.answer(self.server.put('/%s/_design/%s' % (db, name), json={'views': view, **more}), 201)
        self.answer(self.server.post('/%s/_bulk_docs' % db, json={'docs': [{'n': 1}, {'n': 2}]}), 201)
        self.assertTrue(wait_until(lambda: self.pending(db) == 0), 'nobody has asked for the view')
        answer = self.answer(self.server.get('/%s/_design/d/_view/v' % db, params={'update': 'false'}), 200)
        self.assertEqual(answer['total_rows'], 2)
        quiet = self.answer(self.server.get('/%s/_design/quiet/_info' % db), 200)['view_index']
        self.assertGreater(quiet['updates_pending']['total'], 0)

    def test_reads_of_the_old_state_and_other_databases_go_on(self):
        large, small = self.database('_large'), self.database('_small')
        self.fill(large)
        for db, source in ((large, MAP), (small, 'function (doc) { emit(doc.n, 1) }')):
            self.answer(self.server.put('/%s/_design/d' % db,
                                        json={'views': {'v': {'map': source}}, 'autoupdate': False}), 201)
        building = self.build(large)
        self.assertTrue(wait_until(lambda: self.info(large)['updater_running']))
        self.answer(self.server.post('/%s/_bulk_docs' % small, json={'docs': [{'n': 1}, {'n': 2}]}), 201)
        answer = self.answer(self.server.get('/%s/_design/d/_view/v' % small), 200)
        self.assertEqual(answer['total_rows'], 2)
        answer = self.answer(self.server.get('/%s/_design/d/_view/v' % large, params={'update': 'false', 'limit': 0}), 200)
        self.assertLess(answer['total_rows'], DOCUMENTS, 'it did not wait')
        tasks = [task for task in self.answer(self.server.get('/_active_tasks'), 200) if task['type'] == 'indexer']
        self.assertEqual([(task['database'].split('/')[-1].split('.')[0], task['design_document']) for task in tasks],
                         [(large, '_design/d')])
        self.assertGreaterEqual(tasks[0]['total_changes'], tasks[0]['changes_done'])
        building.join()


if __name__ == '__main__':
    unittest.main()
