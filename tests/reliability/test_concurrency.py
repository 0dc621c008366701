"""Many clients edit few documents at once, while others follow the changes."""
import collections
import concurrent.futures
import json
import os
import random
import threading
import unittest

from harness.case import ServerTestCase
from harness.raw_http import Connection

TIME_LIMIT_S = 120
LONG_TIME_LIMIT_S = 1800

CLIENTS = 64
EDITS_PER_CLIENT = 600 if os.environ.get('DIVAN_LONG') else 60
DOCUMENTS = ['d%d' % number for number in range(10)]
LAST = 'last'  # written when everything else is: the followers stop at it

Acknowledged = collections.namedtuple('Acknowledged', 'id rev content interactive')


class Client:
    """Edits documents in every way that makes a revision, and notes what was acknowledged."""

    def __init__(self, server, database, number, seed):
        self.connection = Connection(server)
        self.database, self.number = '/' + database, number
        self.random = random.Random('%s %s' % (seed, number))
        self.acknowledged, self.known, self.conflicts = [], {}, 0
        self.edits = 0

    def run(self, start):
        start.wait()
        ways = [self.edit] * 5 + [self.edit_stale, self.edit_stale, self.edit_many, self.edit_many,
                                  self.replicate, self.delete]
        with self.connection:
            while self.edits < EDITS_PER_CLIENT:
                self.random.choice(ways)(self.random.choice(DOCUMENTS))
        return self

    def content(self):
        self.edits += 1
        return {'client': self.number, 'edit': self.edits}

    def current(self, id):
        """The winner's revision; None if the document is not there or deleted."""
        status, document = self.connection.json('GET', '%s/%s' % (self.database, id))
        assert status in (200, 404), (status, document)
        if status == 404:
            return None
        self.known[id] = document['_rev']
        return document['_rev']

    def note(self, status, id, answer, content):
        assert status in (201, 200, 409), (status, answer)
        if status == 409:
            assert answer['error'] == 'conflict', answer
            self.conflicts += 1
        else:
            self.acknowledged.append(Acknowledged(id, answer['rev'], content, True))

    def put(self, id, rev):
        content = self.content()
        body = {**content, **({'_rev': rev} if rev else {})}
        status, answer = self.connection.json('PUT', '%s/%s' % (self.database, id), body)
        self.note(status, id, answer, content)

    def edit(self, id):
        self.put(id, self.current(id))

    def edit_stale(self, id):
        self.put(id, self.known.get(id))

    def delete(self, id):
        if rev := self.current(id):
            content = {**self.content(), '_deleted': True}
            status, answer = self.connection.json('PUT', '%s/%s' % (self.database, id),
                                                  {**content, '_rev': rev})
            self.note(status, id, answer, content)

    def edit_many(self, _):
        documents = []
        for id in self.random.sample(DOCUMENTS, 3):
            rev = self.current(id)
            documents.append({'_id': id, **self.content(), **({'_rev': rev} if rev else {})})
        # The same document twice in one request: at most one of the two may be accepted.
        documents.append({**documents[0], **self.content()})
        status, answers = self.connection.json('POST', self.database + '/_bulk_docs', {'docs': documents})
        assert status == 201 and len(answers) == len(documents), (status, answers)
        for document, answer in zip(documents, answers):
            assert answer['id'] == document['_id'], answers
            content = {name: document[name] for name in ('client', 'edit')}
            self.note(201 if answer.get('ok') else 409, answer['id'], answer, content)

    def replicate(self, id):
        """A revision made elsewhere, on top of one that is known here."""
        content, parent = self.content(), self.known.get(id)
        generation, _, parent_hash = (parent or '0-').partition('-')
        made = '%032x' % self.random.getrandbits(128)
        revisions = {'start': int(generation) + 1, 'ids': [made] + ([parent_hash] if parent else [])}
        document = {'_id': id, '_rev': '%d-%s' % (revisions['start'], made), '_revisions': revisions, **content}
        status, answers = self.connection.json('POST', self.database + '/_bulk_docs',
                                               {'docs': [document], 'new_edits': False})
        assert (status, answers) == (201, []), (status, answers)
        self.acknowledged.append(Acknowledged(id, document['_rev'], content, False))
        self.known[id] = document['_rev']


class Follower:
    """Reads changes until the last document and keeps each document's last row."""

    def __init__(self, server, database, feed):
        self.connection, self.feed = Connection(server), feed
        self.path = '/%s/_changes?style=all_docs&feed=%s&heartbeat=5000' % (database, feed)
        self.rows, self.last_number, self.requests = {}, 0, 0

    def run(self, start):
        start.wait()
        with self.connection:
            getattr(self, self.feed)()
        return self

    def see(self, row):
        number = int(row['seq'].partition('-')[0])
        assert number > self.last_number, '%s: %d after %d' % (self.feed, number, self.last_number)
        self.last_number = number
        self.rows[row['id']] = row
        return row['id'] == LAST

    def continuous(self):
        for line in self.connection.open('GET', self.path + '&since=0').lines():
            if line and self.see(json.loads(line)):
                return

    def eventsource(self):
        for line in self.connection.open('GET', self.path + '&since=0').lines():
            if line.startswith(b'data: {') and self.see(json.loads(line[len(b'data: '):])):
                return

    def longpoll(self):
        since = '0'
        while LAST not in self.rows:
            self.requests += 1
            status, answer = self.connection.json('GET', self.path + '&since=' + since)
            assert status == 200, answer
            for row in answer['results']:
                self.see(row)
            since = answer['last_seq']


class ConcurrencyTest(ServerTestCase):
    def test_no_acknowledged_edit_is_lost(self):
        database = self.database()
        self.answer(self.server.put('/%s/_revs_limit' % database, data='100000'), 200)
        seed = os.environ.get('DIVAN_SEED', str(random.randrange(1 << 30)))
        print('DIVAN_SEED=' + seed)
        clients = [Client(self.server, database, number, seed) for number in range(CLIENTS)]
        followers = [Follower(self.server, database, feed)
                     for feed in ('continuous', 'eventsource', 'longpoll') for _ in range(2)]
        start = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS + len(followers)) as pool:
            following = [pool.submit(follower.run, start) for follower in followers]
            editing = [pool.submit(client.run, start) for client in clients]
            start.set()
            try:
                for done in editing:
                    done.result()
            finally:
                self.answer(self.server.put('/%s/%s' % (database, LAST), json={}), 201)
            for done in following:
                done.result()

        acknowledged = [edit for client in clients for edit in client.acknowledged]
        self.assertGreater(sum(client.conflicts for client in clients), 0, 'nobody was ever too late')
        self.assertGreater(len(acknowledged), CLIENTS * EDITS_PER_CLIENT // 10)
        self.check_edits(database, acknowledged)
        self.check_followers(database, followers)
        print('%d edits acknowledged' % len(acknowledged))

    def check_edits(self, database, acknowledged):
        edits = collections.defaultdict(dict)
        for edit in acknowledged:
            self.assertNotIn(edit.rev, edits[edit.id], 'acknowledged twice: %s' % (edit,))
            edits[edit.id][edit.rev] = edit
        with Connection(self.server) as connection:
            for id in DOCUMENTS:
                status, leaves = connection.json('GET', '/%s/%s?open_revs=all&revs=true' % (database, id),
                                                 headers=[('Accept', 'application/json')])
                self.assertEqual(status, 200)
                revs = set()
                for leaf in leaves:
                    revisions = leaf['ok']['_revisions']
                    revs |= {'%d-%s' % (revisions['start'] - age, hash)
                             for age, hash in enumerate(revisions['ids'])}
                # Every revision is one acknowledged edit, and every acknowledged edit a revision.
                self.assertEqual(revs, set(edits[id]), id)
                for edit in edits[id].values():
                    status, document = connection.json('GET', '/%s/%s?rev=%s' % (database, id, edit.rev))
                    self.assertEqual(status, 200, (edit, document))
                    self.assertEqual(document, {'_id': id, '_rev': edit.rev, **edit.content})

    def check_followers(self, database, followers):
        rows = self.answer(self.server.get('/%s/_changes?style=all_docs' % database), 200)['results']
        self.assertEqual(sorted(row['id'] for row in rows), sorted(DOCUMENTS + [LAST]))
        for follower in followers:
            with self.subTest(feed=follower.feed):
                self.assertEqual(follower.rows, {row['id']: row for row in rows})


if __name__ == '__main__':
    unittest.main()
