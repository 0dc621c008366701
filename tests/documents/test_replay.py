"""Replays recorded answers of a CouchDB 3.5.2: what differs must be a known difference."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'replay'))

import known
from harness.server import Server

TIME_LIMIT_S = 420
REQUEST_LIMIT_S = 15


class ReplayTest(unittest.TestCase):
    """One test for each case of the transcripts; all share one fresh server."""

    @classmethod
    def setUpClass(cls):
        cls.tool = known.replay_module()
        cls.known = known.load()
        # Work in the background would show in `_active_tasks` now and then.
        cls.server = Server(config='[divan]\nview_build_delay_ms = 86400000\n')
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.target = cls.tool.Target(cls.server.url_with_credentials, REQUEST_LIMIT_S)

    def check(self, case):
        if not self.server.running:
            self.server.start()
            type(self).target = self.tool.Target(self.server.url_with_credentials, REQUEST_LIMIT_S)
            self.fail('the server had died before this case')
        found = known.complaints(case['id'], known.replay(self.tool, case, self.target), self.known)
        if found:
            self.fail('\n'.join(['%s (%s)' % (case['what'], case['area'])] + found))

    def test_list_names_existing_cases(self):
        existing = {case['id']: len(case['steps']) for case in known.cases()}
        for entry in self.known:
            self.assertIn(entry['case'], existing)
            if entry['steps'] != known.EVERY_STEP:
                self.assertLessEqual(max(entry['steps']), existing[entry['case']], entry)


def add_tests():
    for case in known.cases():
        name = 'test_' + case['id'].replace('-', '_')
        setattr(ReplayTest, name, lambda self, case=case: self.check(case))


add_tests()

if __name__ == '__main__':
    unittest.main()
