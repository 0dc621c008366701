"""A data directory is restored from a copy: readers that had seen more than the copy miss nothing."""
import json
import os
import pathlib
import shutil
import signal
import tempfile
import unittest

from harness import clients
from harness.case import ServerTestCase
from harness.server import Server

TIME_LIMIT_S = 150


class Follower:
    """Reads changes now and then, from where it was, and keeps what it saw."""

    def __init__(self, database, parameters=''):
        self.path = '/%s/_changes?style=all_docs%s&since=' % (database, parameters)
        self.since, self.revs = '0', {}

    def read(self, server):
        answer = server.get(self.path + self.since)
        assert answer.status_code == 200, answer.text
        for row in answer.json()['results']:
            self.revs.setdefault(row['id'], set()).update(change['rev'] for change in row['changes'])
        self.since = answer.json()['last_seq']


class PagingFollower(Follower):
    """Goes on from the row it read last, not from the end of the feed."""

    def read(self, server):
        while True:
            answer = server.get(self.path + self.since + '&limit=3').json()
            for row in answer['results']:
                self.revs.setdefault(row['id'], set()).update(change['rev'] for change in row['changes'])
                self.since = row['seq']
            if answer['pending'] == 0:
                return


class RestoreTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix='divan-restore-'))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.name = self.database()
        self.write(range(25))

    def write(self, numbers, prefix='d', text=''):
        for number in numbers:
            path = '/%s/%s%d' % (self.name, prefix, number)
            rev = self.server.get(path).json().get('_rev')
            self.answer(self.server.put(path, json={'text': text, **({'_rev': rev} if rev else {})}), 201)

    def copy(self, name):
        shutil.copytree(self.server.data_dir, self.scratch / name)

    def restore(self, name):
        shutil.rmtree(self.server.data_dir)
        shutil.copytree(self.scratch / name, self.server.data_dir)

    def winners(self):
        rows = self.answer(self.server.get('/%s/_changes' % self.name), 200)['results']
        return {row['id']: row['changes'][0]['rev'] for row in rows}

    def assert_nothing_missed(self, follower):
        missed = {id for id, rev in self.winners().items() if rev not in follower.revs.get(id, ())}
        self.assertEqual(missed, set(), 'since %s' % follower.since)

    def followers(self):
        made = [Follower(self.name), PagingFollower(self.name), Follower(self.name, '&include_docs=true')]
        for follower in made:
            follower.read(self.server)
        return made

    def check_restored(self, followers, before=10, after=20):
        """10 documents are written and read, the copy comes back, 20 others are written."""
        self.write(range(before), 'lost')
        self.write(range(5), 'd', 'lost')
        for follower in followers:
            follower.read(self.server)
        self.server.stop()
        self.restore('copy')
        self.server.start()
        self.assertEqual(self.server.get('/%s/lost0' % self.name).status_code, 404)
        self.write(range(after), 'new')
        self.write(range(3, 8), 'd', 'again')
        for follower in followers:
            follower.read(self.server)
            self.assert_nothing_missed(follower)

    def test_copy_of_a_stopped_server(self):
        followers = self.followers()
        self.server.stop()
        self.copy('copy')
        self.server.start()
        self.check_restored(followers)

    def test_copy_after_a_kill(self):
        followers = self.followers()
        self.server.kill()
        self.copy('copy')
        self.server.start()
        self.check_restored(followers)

    def test_copy_of_one_moment_of_a_running_server(self):
        """As a snapshot of the disk; the run that gave the numbers goes on giving them."""
        followers = self.followers()
        os.kill(self.server.pid, signal.SIGSTOP)
        try:
            self.copy('copy')
        finally:
            os.kill(self.server.pid, signal.SIGCONT)
        self.check_restored(followers)

    def test_as_many_documents_as_were_lost(self):
        """The numbers are the same again, and mean other documents."""
        followers = self.followers()
        self.server.stop()
        self.copy('copy')
        self.server.start()
        self.check_restored(followers, before=20, after=20)

    def test_restored_by_another_place(self):
        """The copy starts as another server while the first one lives on; a reader changes over."""
        follower = Follower(self.name)
        follower.read(self.server)
        self.server.kill()
        self.copy('copy')
        self.server.start()
        self.write(range(30), 'lost')
        follower.read(self.server)
        with Server(data_dir=self.scratch / 'copy') as other:
            first, self.__class__.server = self.server, other
            try:
                self.write(range(40), 'new')
                follower.read(other)
                self.assert_nothing_missed(follower)
            finally:
                self.__class__.server = first
        follower.read(self.server)
        self.assert_nothing_missed(follower)

    def test_several_generations(self):
        """Copies are taken along the way, and come back in any order."""
        followers = self.followers()
        for number in range(4):
            self.server.kill()
            self.copy('copy%d' % number)
            self.server.start()
            self.write(range(7), 'g%d-' % number)
            for follower in followers:
                follower.read(self.server)
        for step, number in enumerate([3, 1, 2, 0, 3, 0]):
            # One more reader each time, that knows only the history of now.
            followers += self.followers()
            self.server.stop()
            self.restore('copy%d' % number)
            self.server.start()
            for follower in followers[::2]:
                follower.read(self.server)
            self.write(range(3 + 5 * step), 's%d-' % step)
            for follower in followers:
                follower.read(self.server)
                self.assert_nothing_missed(follower)

    def test_followers_of_a_database_made_anew(self):
        """A database of the same name has another history."""
        followers = self.followers()
        self.answer(self.server.delete('/' + self.name), 200)
        self.answer(self.server.put('/' + self.name), 201)
        self.write(range(10), 'new')
        for follower in followers:
            follower.read(self.server)
            self.assert_nothing_missed(follower)


class ReplicatorTest(RestoreTest, clients.ClientTestCase):
    """PouchDB keeps checkpoints on both sides; one of them goes back in time."""

    @classmethod
    def setUpClass(cls):
        clients.node_modules()
        super().setUpClass()

    def replicate(self, *ids):
        output = self.run_program(['node', 'replicate.js'], self.name, {
            'REPLICATE_LOCAL': str(self.scratch / 'pouchdb'), 'REPLICATE_WRITE': json.dumps(ids)})
        return json.loads(output)

    def followers(self):
        self.replicate()
        return []

    def check_restored(self, followers, before=10, after=20):
        self.write(range(before), 'lost')
        self.write(range(5), 'd', 'lost')
        self.replicate('pushed0', 'pushed1')
        self.server.stop()
        self.restore('copy')
        self.server.start()
        self.assertEqual(self.server.get('/%s/pushed0' % self.name).status_code, 404)
        self.write(range(after), 'new')
        self.write(range(3, 8), 'd', 'again')
        local = self.replicate('pushed2')
        self.assertEqual(self.winners(), local)
        # What was lost here has come back from there.
        self.assertLessEqual({'lost%d' % number for number in range(before)} |
                             {'new%d' % number for number in range(after)} |
                             {'pushed0', 'pushed1', 'pushed2'}, set(local))

    test_restored_by_another_place = test_several_generations = None
    test_followers_of_a_database_made_anew = test_copy_of_one_moment_of_a_running_server = None


if __name__ == '__main__':
    unittest.main()
