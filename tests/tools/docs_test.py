"""The generated pages of docs/ are what the program and the lists say now."""
import json
import pathlib
import sys
import tempfile
import unittest

from sample import ROOT

sys.path.insert(0, str(ROOT / 'scripts'))

import docs
import known

BINARY = ROOT / 'build/release/divan'


class DocsTest(unittest.TestCase):
    def check(self, name):
        self.assertEqual(docs.stale(ROOT, BINARY, [name]), [], './dev docs writes it anew')

    @unittest.skipUnless(BINARY.exists(), 'build/release/divan is not built')
    def test_openapi(self):
        self.check('docs/openapi.json')

    @unittest.skipUnless(BINARY.exists(), 'build/release/divan is not built')
    def test_settings(self):
        self.check('docs/settings.md')

    def test_differences(self):
        self.check('docs/differences.md')

    def test_stale_pages_are_found(self):
        entry = {'case': 'a', 'steps': [1], 'reason': 'It is a choice.', 'kind': 'by design'}
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / 'docs').mkdir()
            (root / 'tests/replay').mkdir(parents=True)
            (root / 'tests/replay/known_differences.json').write_text(json.dumps([entry]))
            (root / 'docs/differences.md').write_text('By hand.\n' + docs.MARK + '\nold\n')
            (root / 'divan').write_text('#!/bin/sh\necho "[]"\n')
            (root / 'divan').chmod(0o755)
            (root / 'docs/openapi.json').write_text('[]\n')
            self.assertEqual(docs.stale(root, root / 'divan'), ['docs/settings.md', 'docs/differences.md'])
            self.assertEqual(docs.differences(root).splitlines()[-1], '| `a` | It is a choice. |')
            self.assertTrue(docs.differences(root).startswith('By hand.\n'))


class KnownDifferencesTest(unittest.TestCase):
    step = ({'method': 'GET', 'path': '/'}, ['status: expected 200, got 500'])

    def complaints(self, differing, *entries):
        return known.complaints('a', {number: self.step for number in differing}, [
            {'case': case, 'steps': steps, 'reason': 'It is a choice.', 'kind': 'by design'}
            for case, steps in entries])

    def test_list_is_well_formed(self):
        known.load()

    def test_unlisted_difference_is_found(self):
        self.assertEqual(len(self.complaints([1, 2], ('a', [1]))), 1)
        self.assertEqual(len(self.complaints([1], ('b', '*'))), 1)

    def test_listed_difference_that_is_none_is_found(self):
        self.assertEqual(len(self.complaints([1], ('a', [1]), ('a', [3]))), 1)
        self.assertEqual(len(self.complaints([], ('a', '*'))), 1)

    def test_known_difference_is_accepted(self):
        self.assertEqual(self.complaints([1, 3], ('a', [1]), ('a', [3])), [])
        self.assertEqual(self.complaints([1, 3], ('a', '*')), [])

    def test_bad_entries_are_refused(self):
        good = {'case': 'a', 'steps': [1], 'reason': 'It is a choice.', 'kind': 'by design'}
        for change in ({'kind': 'never'}, {'steps': []}, {'steps': 'all'}, {'reason': 'none'}, {'extra': 1}):
            self.refused([{**good, **change}])
        self.refused([good, good])

    def refused(self, entries):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / 'known.json'
            path.write_text(json.dumps(entries))
            with self.assertRaises(ValueError):
                known.load(path)


if __name__ == '__main__':
    unittest.main()
