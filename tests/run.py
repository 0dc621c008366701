#!/usr/bin/env python3
"""Runs the tests and counts them: run.py [AREA | AREA/NAME]... [--list]

An area is a folder of tests/ with files named test_*.py or *_test.py; the area `unit` is the C++
tests of the modules. Every test case is counted, not every file. The last line is always
"N passed, N failed", with ", N skipped" when something was skipped; the exit status is 1 when
anything failed or a wanted area has no tests.
"""
import argparse
import ast
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
AREAS = ['unit', 'tools', 'documents', 'views', 'mango', 'replication', 'security', 'merging',
         'reliability']
# Areas whose tests exist: none found in them is a failure, not an empty success.
REQUIRED_AREAS = ['unit', 'tools', 'documents', 'reliability']
# Seconds for one file; a Python file may set TIME_LIMIT_S for itself, and LONG_TIME_LIMIT_S for its
# long form.
TIME_LIMIT_S = 300
UNIT_TIME_LIMIT_S = 600
OUTPUT_CHARS_MAX = 20000


class Case:
    """One test case that ran: outcome is passed, failed or skipped."""

    def __init__(self, name, outcome, text='', seconds=0.0):
        self.name, self.outcome, self.text, self.seconds = name, outcome, text, seconds


class Report:
    """Prints what happens and keeps the counts. Safe to use from several threads."""

    def __init__(self, stream):
        self.stream = stream
        self.on_terminal = stream.isatty()
        self.counts = {'passed': 0, 'failed': 0, 'skipped': 0}
        self.failures = []
        self.areas = []
        self.lock = threading.Lock()

    def line(self, text):
        self.stream.write(('\r\033[K' if self.on_terminal else '') + text + '\n')
        self.stream.flush()

    def progress(self, text):
        with self.lock:
            if self.on_terminal:
                self.stream.write('\r\033[K' + text[:100])
                self.stream.flush()

    def file_done(self, name, cases, seconds):
        with self.lock:
            for case in cases:
                self.counts[case.outcome] += 1
                if case.outcome == 'failed':
                    self.failures.append('%s: %s' % (name, case.name))
                    self.line('FAILED  %s: %s' % (name, case.name))
                    self.line(indented(shortened(case.text)))
                elif case.outcome == 'skipped':
                    self.line('skipped %s: %s (%s)' % (name, case.name, case.text))
            self.line('%-44s %s (%.1f s)' % (name, summary(count(cases)), seconds))

    def area_done(self, area, before, seconds):
        counts = {key: self.counts[key] - before[key] for key in before}
        self.areas.append('%-12s %8.1f s  %s' % (area, seconds, summary(counts)))

    def finish(self):
        if self.failures:
            self.line('\nFailed:')
            for name in self.failures:
                self.line('  ' + name)
        self.line('\nTime by area:')
        for text in self.areas:
            self.line('  ' + text)
        self.line(summary(self.counts))


def count(cases):
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    for case in cases:
        counts[case.outcome] += 1
    return counts


def summary(counts):
    text = '%d passed, %d failed' % (counts['passed'], counts['failed'])
    return text + (', %d skipped' % counts['skipped'] if counts['skipped'] else '')


def shortened(text):
    """The beginning and, more of it, the end: failures are explained last."""
    if len(text) <= OUTPUT_CHARS_MAX:
        return text
    head = OUTPUT_CHARS_MAX // 4
    return '%s\n... %d characters left out ...\n%s' % (
        text[:head], len(text) - OUTPUT_CHARS_MAX, text[-(OUTPUT_CHARS_MAX - head):])


def indented(text):
    return '\n'.join('    ' + line for line in text.rstrip().splitlines())


def run_limited(command, limit_s, output, **options):
    """Runs a command in a process group of its own and leaves none of it behind. Returns its
    exit status, or None when the time was up."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                               stderr=subprocess.STDOUT, start_new_session=True, **options)
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


# ---------------------------------------------------------------- C++ tests

def unit_tests(build):
    """The tests that CMake declared: {name: command}."""
    if not (build / 'CTestTestfile.cmake').exists():
        return {}
    text = subprocess.run(['ctest', '--show-only=json-v1'], cwd=build, check=True,
                          capture_output=True, text=True).stdout
    return {test['name']: test['command'] for test in json.loads(text)['tests'] if 'command' in test}


def googletest_cases(output):
    """The cases in the output of a GoogleTest program; one that began and did not end crashed."""
    cases, running, begin = [], None, 0
    for match in re.finditer(r'\[ +(RUN|OK|FAILED|SKIPPED) +\] (\S+?)(?:, where .*)?( \(\d+ ms\))?$',
                             output, re.MULTILINE):
        word, name, ended = match.groups()
        if word == 'RUN':
            running, begin = name, match.end()
        elif name == running and ended:
            text = output[begin:match.start()].strip()
            outcome = {'OK': 'passed', 'FAILED': 'failed', 'SKIPPED': 'skipped'}[word]
            cases.append(Case(name, outcome, text))
            running = None
    if running:
        cases.append(Case(running, 'failed', 'did not end:\n' + output[begin:]))
    return cases


def run_unit_test(name, command, build):
    with tempfile.TemporaryFile() as output:
        status = run_limited(command + ['--gtest_color=no'], UNIT_TIME_LIMIT_S, output, cwd=build)
        output.seek(0)
        text = output.read().decode('utf-8', 'replace')
    cases = googletest_cases(text)
    failed = any(case.outcome == 'failed' for case in cases)
    if status is None:
        cases.append(Case('(time limit)', 'failed', 'over %d s' % UNIT_TIME_LIMIT_S))
    elif status != 0 and not failed:
        cases.append(Case('(exit status)', 'failed', 'status %d\n%s' % (status, text[-4000:])))
    elif not cases:
        cases.append(Case('(no tests)', 'failed', 'the program has no test case'))
    return cases


def run_unit(report, build, names):
    tests = unit_tests(build)
    chosen = {name: tests[name] for name in tests if not names or name in names}

    def one(name):
        started = time.monotonic()
        cases = run_unit_test(name, chosen[name], build)
        report.file_done('unit/' + name, cases, time.monotonic() - started)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        list(pool.map(one, chosen))


# ---------------------------------------------------------------- Python tests

def area_files(tests, area):
    folder = tests / area
    return sorted(set(folder.glob('test_*.py')) | set(folder.glob('*_test.py')))


def time_limit_s(path):
    """The file's own limit, a literal number, or the common one."""
    try:
        tree = ast.parse(path.read_text(encoding='utf-8'))
    except SyntaxError:
        return TIME_LIMIT_S
    limits = {getattr(node.targets[0], 'id', ''): node.value
              for node in tree.body if isinstance(node, ast.Assign)}
    names = ['LONG_TIME_LIMIT_S'] if os.environ.get('DIVAN_LONG') else []
    for name in names + ['TIME_LIMIT_S']:
        if name in limits:
            return ast.literal_eval(limits[name])
    return TIME_LIMIT_S


def run_file(path, name, report):
    """Runs one file of Python tests through harness/worker.py, which writes an event a line."""
    cases, running, limit_s = [], None, time_limit_s(path)
    with tempfile.TemporaryFile() as output:
        reading, writing = os.pipe()

        def follow():
            nonlocal running
            with open(reading, encoding='utf-8') as events:
                for line in events:
                    event = json.loads(line)
                    if event['event'] == 'start':
                        running = event['name']
                        report.progress('%s: %d done, %s' % (name, len(cases), running))
                    else:
                        running = None
                        cases.append(Case(event['name'], event['outcome'], event['text'],
                                          event['seconds']))

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        worker = ROOT / 'tests' / 'harness' / 'worker.py'
        try:
            status = run_limited([sys.executable, '-B', str(worker), str(path), str(writing)],
                                 limit_s, output, pass_fds=[writing], cwd=path.parent)
        finally:
            os.close(writing)
        follower.join()
        output.seek(0)
        text = output.read().decode('utf-8', 'replace')
    if status is None:
        cases.append(Case(running or '(time limit)', 'failed',
                          'the file ran longer than %d s\n%s' % (limit_s, text[-8000:])))
    elif status != 0:
        cases.append(Case(running or '(exit status)', 'failed',
                          'the test process ended with status %d\n%s' % (status, text[-8000:])))
    elif not cases:
        cases.append(Case('(no tests)', 'failed', 'the file has no test case'))
    return cases


def run_area(report, tests, area, names):
    for path in area_files(tests, area):
        name = '%s/%s' % (area, path.stem)
        if names and path.stem not in names:
            continue
        started = time.monotonic()
        cases = run_file(path, name, report)
        report.file_done(name, cases, time.monotonic() - started)


# ---------------------------------------------------------------- choosing

def available(tests, build):
    """{area: [names of its files or programs]}, in the order they run."""
    found = {}
    folders = [path.name for path in sorted(tests.iterdir()) if path.is_dir()]
    for area in AREAS + [name for name in folders if name not in AREAS]:
        names = (list(unit_tests(build)) if area == 'unit'
                 else [path.stem for path in area_files(tests, area)])
        if names or area in REQUIRED_AREAS:
            found[area] = names
    return found


def choose(wanted, found):
    """{area: names}, where no names means all; what is not found is an error text."""
    chosen, unknown = {}, []
    for item in wanted or found:
        area, _, name = item.removeprefix('tests/').removesuffix('.py').rstrip('/').partition('/')
        if area not in found or (name and name not in found[area]):
            unknown.append(item)
        elif name:
            if chosen.get(area) != []:
                chosen.setdefault(area, []).append(name)
        else:
            chosen[area] = []
    return chosen, unknown


def main():
    parser = argparse.ArgumentParser(prog='./test', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('areas', nargs='*', metavar='AREA', help='run only these areas, or AREA/NAME')
    parser.add_argument('--list', action='store_true', help='list areas and their files, run nothing')
    parser.add_argument('--tests', type=pathlib.Path, default=ROOT / 'tests', help=argparse.SUPPRESS)
    parser.add_argument('--build', type=pathlib.Path, default=ROOT / 'build' / 'release',
                        help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    found = available(arguments.tests, arguments.build)
    chosen, unknown = choose(arguments.areas, found)
    if arguments.list and not unknown:
        for area in chosen:
            print('\n'.join('%s/%s' % (area, name) for name in found[area]) or area + ' (no tests)')
        return 0

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing started stays behind
    report = Report(sys.stdout)
    for item in unknown:
        report.file_done(item, [Case('(not found)', 'failed', 'no such area or test')], 0)
    for area, names in chosen.items():
        before, started = dict(report.counts), time.monotonic()
        if not found[area]:
            report.file_done(area, [Case('(no tests)', 'failed', 'the area must have tests')], 0)
        elif area == 'unit':
            run_unit(report, arguments.build, names)
        else:
            run_area(report, arguments.tests, area, names)
        report.area_done(area, before, time.monotonic() - started)
    report.finish()
    return 1 if report.counts['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
