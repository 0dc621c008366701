"""Runs one file of unittest tests and writes what happens as JSON lines: worker.py FILE FD

tests/run.py starts it. Standard output and error are a file; what a test wrote there is part of
its failure, as is the end of the log of every server that runs at that moment.
"""
import importlib.util
import json
import os
import pathlib
import sys
import time
import traceback
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))


class Result(unittest.TestResult):
    """Reports each case once: a case with several failed subtests is one failure."""

    def __init__(self, events):
        super().__init__()
        self.events = events
        self.texts = {}
        self.skip_reasons = {}
        self.started = {}

    def send(self, **event):
        self.events.write(json.dumps(event) + '\n')
        self.events.flush()

    def startTest(self, test):
        super().startTest(test)
        sys.stdout.flush()
        self.started[test.id()] = (time.monotonic(), os.lseek(1, 0, os.SEEK_CUR))
        self.send(event='start', name=short_name(test))

    def stopTest(self, test):
        super().stopTest(test)
        started, offset = self.started.pop(test.id())
        texts = self.texts.pop(test.id(), [])
        reason = self.skip_reasons.pop(test.id(), None)
        outcome = 'failed' if texts else 'passed' if reason is None else 'skipped'
        text = '\n'.join(texts + [output_since(offset), server_logs()]) if texts else reason or ''
        self.send(event='end', name=short_name(test), outcome=outcome, text=text,
                  seconds=time.monotonic() - started)

    def fail(self, test, error):
        text = self._exc_info_to_string(error, test)
        if test.id() in self.started:
            self.texts.setdefault(test.id(), []).append(text)
        else:  # setUpClass, setUpModule and their counterparts belong to no case
            self.send(event='end', name=str(test), outcome='failed', seconds=0,
                      text='\n'.join([text, output_since(0), server_logs()]))

    def addFailure(self, test, err):
        self.fail(test, err)

    def addError(self, test, err):
        self.fail(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            text = '%s\n%s' % (subtest, self._exc_info_to_string(err, test))
            self.texts.setdefault(test.id(), []).append(text)

    def addUnexpectedSuccess(self, test):
        self.texts.setdefault(test.id(), []).append('expected to fail, but passed')

    def addSkip(self, test, reason):
        if test.id() in self.started:
            self.skip_reasons[test.id()] = reason
        else:
            self.send(event='end', name=str(test), outcome='skipped', text=reason, seconds=0)


def short_name(test):
    return '.'.join(test.id().split('.')[-2:])


def output_since(offset):
    sys.stdout.flush()
    end = os.lseek(1, 0, os.SEEK_CUR)
    with open('/proc/self/fd/1', 'rb') as output:
        output.seek(offset)
        text = output.read(end - offset).decode('utf-8', 'replace')
    return 'output:\n' + text if text.strip() else ''


def server_logs():
    server = sys.modules.get('harness.server')
    return server.log_tails() if server else ''


def load(path):
    sys.path.insert(1, str(path.parent))
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def main():
    path, events = pathlib.Path(sys.argv[1]), open(int(sys.argv[2]), 'w', encoding='utf-8')
    os.set_inheritable(int(sys.argv[2]), False)
    result = Result(events)
    try:
        load(path).run(result)
    except Exception:
        result.send(event='end', name='(import)', outcome='failed', seconds=0,
                    text=traceback.format_exc())
    server = sys.modules.get('harness.server')
    if server:
        server.kill_all()


if __name__ == '__main__':
    main()
