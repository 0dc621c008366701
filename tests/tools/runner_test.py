"""The test runner counts what happened, whatever happened."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

from sample import ROOT

sys.path.insert(0, str(ROOT / 'tests'))

import run

HEAD = 'import os, unittest\nclass T(unittest.TestCase):\n'


class RunnerTest(unittest.TestCase):
    def run_tests(self, files, *arguments, programs=None):
        """Runs a tests folder of these files; returns (status, lines of output)."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                path = root / 'tests' / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            build = root / 'build'
            build.mkdir()
            declarations = []
            for name, text in (programs or {}).items():
                (build / name).write_text('#!/usr/bin/env bash\n' + text)
                (build / name).chmod(0o755)
                declarations.append('add_test(%s "%s")\n' % (name, build / name))
            if programs:
                (build / 'CTestTestfile.cmake').write_text(''.join(declarations))
            done = subprocess.run([sys.executable, '-B', str(ROOT / 'tests/run.py'), '--tests',
                                   str(root / 'tests'), '--build', str(build), *arguments],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stderr, '')
            return done.returncode, done.stdout.splitlines()

    def test_passed(self):
        status, lines = self.run_tests({'views/test_a.py': HEAD + ' def test_a(self): pass\n def test_b(self): pass\n'},
                                       'views')
        self.assertEqual((status, lines[-1]), (0, '2 passed, 0 failed'))
        self.assertRegex('\n'.join(lines), r'views +\d+\.\d s')

    def test_failed_with_its_output(self):
        status, lines = self.run_tests({'views/test_a.py': HEAD + (
            ' def test_a(self):\n  print("first")\n'
            ' def test_b(self):\n  os.system("echo from a child")\n  self.assertEqual(1, 2)\n'
            ' @unittest.skip("not here")\n def test_c(self): pass\n')}, 'views')
        self.assertEqual((status, lines[-1]), (1, '1 passed, 1 failed, 1 skipped'))
        text = '\n'.join(lines)
        self.assertIn('1 != 2', text)
        self.assertIn('from a child', text)
        self.assertIn('(not here)', text)
        self.assertNotIn('first', text)

    def test_case_with_failed_subtests_is_one_failure(self):
        status, lines = self.run_tests({'views/test_a.py': HEAD + (
            ' def test_a(self):\n  for i in range(3):\n   with self.subTest(i=i): self.assertEqual(i, 0)\n')},
            'views')
        self.assertEqual((status, lines[-1]), (1, '0 passed, 1 failed'))
        self.assertIn('(i=2)', '\n'.join(lines))

    def test_broken_files(self):
        for text, part in {'import nothing_of_that_name\n': 'ModuleNotFoundError',
                           'def f(:\n': 'SyntaxError',
                           'x = 1\n': 'no test case',
                           HEAD + ' @classmethod\n def setUpClass(cls): 1 / 0\n def test_a(self): pass\n':
                               'ZeroDivisionError',
                           HEAD + ' def test_a(self): os._exit(3)\n': 'status 3',
                           'TIME_LIMIT_S = 1\nimport threading\n' + HEAD +
                           ' def test_a(self): threading.Event().wait()\n': 'longer than 1 s'}.items():
            with self.subTest(part):
                status, lines = self.run_tests({'views/test_a.py': text}, 'views')
                self.assertEqual((status, lines[-1]), (1, '0 passed, 1 failed'), lines)
                self.assertIn(part, '\n'.join(lines))

    def test_nothing_stays_behind(self):
        _, lines = self.run_tests({'views/test_a.py': 'import subprocess\n' + HEAD + (
            ' def test_a(self):\n  child = subprocess.Popen(["tail", "-f", "/dev/null"])\n'
            '  self.fail("child %d" % child.pid)\n')}, 'views')
        pid = next(line.split()[-1] for line in lines if 'AssertionError: child' in line)
        state = pathlib.Path('/proc', pid, 'stat')
        self.assertTrue(not state.exists() or state.read_text().split()[2] == 'Z')

    def test_missing_tests_fail(self):
        status, lines = self.run_tests({'documents/readme.txt': ''})
        self.assertEqual((status, lines[-1]), (1, '0 passed, 4 failed'))
        status, lines = self.run_tests({'views/readme.txt': ''}, 'views')
        self.assertEqual((status, lines[-1]), (1, '0 passed, 1 failed'))

    def test_choice_and_list(self):
        files = {'views/test_a.py': HEAD + ' def test_a(self): pass\n',
                 'views/test_b.py': HEAD + ' def test_b(self): self.fail()\n',
                 'tools/c_test.py': HEAD + ' def test_c(self): self.fail()\n'}
        status, lines = self.run_tests(files, 'views/test_a')
        self.assertEqual((status, lines[-1]), (0, '1 passed, 0 failed'))
        status, lines = self.run_tests(files, '--list', 'tools', 'views')
        self.assertEqual((status, lines), (0, ['tools/c_test', 'views/test_a', 'views/test_b']))

    def test_cases_of_a_program_are_counted(self):
        program = ('echo "[ RUN      ] A.a"; echo "[       OK ] A.a (1 ms)"\n'
                   'echo "[ RUN      ] A.b"; echo "why it failed"; echo "[  FAILED  ] A.b (0 ms)"\n'
                   'echo "[ RUN      ] A.c/0"; echo "[  SKIPPED ] A.c/0 (0 ms)"\n'
                   'echo "[ RUN      ] A.d/0"; echo "[  FAILED  ] A.d/0, where GetParam() = 4 (0 ms)"\n'
                   'echo "[  FAILED  ] 2 tests, listed below:"; echo "[  FAILED  ] A.b"; exit 1\n')
        status, lines = self.run_tests({'x': ''}, 'unit', programs={'a': program})
        self.assertEqual((status, lines[-1]), (1, '1 passed, 2 failed, 1 skipped'))
        self.assertIn('why it failed', '\n'.join(lines))

    def test_crashed_programs_fail(self):
        begin = 'echo "[ RUN      ] A.a"; '
        for text in (begin + 'kill -9 $$\n', begin + 'exit 0\n', 'exit 0\n', 'exit 1\n'):
            status, lines = self.run_tests({'x': ''}, 'unit', programs={'a': text})
            self.assertEqual((status, lines[-1]), (1, '0 passed, 1 failed'), text)

    def test_long_output_is_shortened(self):
        text = run.shortened('begin' + 'x' * 100000 + 'end')
        self.assertTrue(text.startswith('begin') and text.endswith('end'))
        self.assertLess(len(text), run.OUTPUT_CHARS_MAX + 100)


if __name__ == '__main__':
    unittest.main()
