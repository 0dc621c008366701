"""A thousand continuous replications that have nothing to do: what they cost, and how soon they wake up."""
import os
import time
import unittest

from harness.case import ServerTestCase, wait_until

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 150
LONG_TIME_LIMIT_S = 900

JOBS = 5_000 if LONG else 1_000
BYTES_PER_JOB_MAX = 64 << 10
IDLE_MS = 3_000
# Of one core, all jobs together.
IDLE_SHARE_MAX = 0.1
STATE_LIMIT_S = 60


class IdleReplicationsTest(ServerTestCase):
    server_arguments = {'config': '[replicator]\nmax_jobs = 10000\nstartup_jitter = 0\n'
                                  '[couchdb]\nmax_dbs_open = 20000\n'
                                  '[divan]\nmemory_bytes_max = 33554432\n'}

    def threads(self):
        return len(os.listdir('/proc/%d/task' % self.server.pid))

    def processor_seconds(self):
        with open('/proc/%d/stat' % self.server.pid, encoding='ascii') as stat:
            fields = stat.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def resident_bytes(self):
        with open('/proc/%d/statm' % self.server.pid, encoding='ascii') as statm:
            return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')

    def running(self):
        return self.server.get('/_node/_local/_stats/couch_replicator/jobs/running').json()['value']

    def test_a_thousand(self):
        for number in range(JOBS):
            for name in ('source%d' % number, 'target%d' % number):
                self.answer(self.server.put('/' + name), 201)
        threads, resident = self.threads(), self.resident_bytes()
        jobs = [{'_id': 'job%d' % number, 'source': 'source%d' % number, 'target': 'target%d' % number,
                 'continuous': True} for number in range(JOBS)]
        self.answer(self.server.post('/_replicator/_bulk_docs', json={'docs': jobs}), 201)
        self.assertTrue(wait_until(lambda: self.running() == JOBS, STATE_LIMIT_S), 'not all jobs run')
        # Each has copied something, and waits for the next.
        self.write_and_see(range(0, JOBS, 10), 'first')
        self.assertLessEqual(self.threads(), threads + 2)
        self.assertLess((self.resident_bytes() - resident) / JOBS, BYTES_PER_JOB_MAX)

        used, began = self.processor_seconds(), time.monotonic()
        self.server.get('/source0/_changes', params={'feed': 'longpoll', 'since': 'now', 'timeout': IDLE_MS,
                                                     'heartbeat': 'false'})
        passed = time.monotonic() - began
        self.assertGreater(passed, IDLE_MS / 2000)
        self.assertLess((self.processor_seconds() - used) / passed, IDLE_SHARE_MAX)
        self.write_and_see([7], 'second')

    def write_and_see(self, numbers, doc_id):
        for number in numbers:
            self.answer(self.server.put('/source%d/%s' % (number, doc_id), json={}), 201)
        for number in numbers:
            path = '/target%d/%s' % (number, doc_id)
            self.assertTrue(wait_until(lambda path=path: self.server.get(path).status_code == 200, STATE_LIMIT_S), path)


if __name__ == '__main__':
    unittest.main()
