"""The server is killed under load; what it acknowledged is there when it runs again."""
import base64
import hashlib
import os
import random
import unittest

from harness.case import ServerTestCase
from harness.raw_http import Connection
from harness.writers import Acknowledged, Writer, kill_under_load

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 150
LONG_TIME_LIMIT_S = 7200

ROUNDS = 1000 if LONG else 30
ROUNDS_PER_DATABASE = 10
ACKNOWLEDGED_PER_ROUND = (20, 600)  # the kill comes after a random number between


class DatabaseWriter(Writer):
    """Writes to one database.

    `states` holds for each id what was acknowledged last; `doubtful` what was sent and not answered
    when the connection was lost, which may or may not be there.
    """

    def __init__(self, server, database, prefix, seed, acknowledged):
        super().__init__(server, prefix, seed, acknowledged)
        self.database = '/' + database
        self.states, self.doubtful, self.replaced = {}, {}, []

    def content(self):
        return {'writer': self.prefix, 'count': self.count, 'text': 'x' * self.random.randrange(2000)}

    def send(self, method, path, body, expected=(200, 201)):
        status, answer = self.connection.json(method, self.database + path, body)
        assert status in expected, '%s %s: %s %s' % (method, path, status, answer)
        return answer

    def became(self, id, state):
        """A write of `id` was acknowledged."""
        if self.states.get(id):
            self.replaced.append((id, self.states[id]))
        self.states[id] = state
        self.doubtful.pop(id, None)
        self.acknowledged.add()


class DocumentWriter(DatabaseWriter):
    """One document a request: new ones, edits, deletions."""

    def write(self):
        old = [id for id, state in self.states.items() if not state.get('_deleted')]
        id = self.random.choice(old) if old and self.random.random() < 0.5 else self.new_id()
        state = self.content()
        body = dict(state)
        if id in self.states:
            body['_rev'] = self.states[id]['_rev']
            if self.random.random() < 0.3:
                state = body = {'_deleted': True, '_rev': body['_rev']}
        self.doubtful[id] = state
        answer = self.send('PUT', '/' + id, body)
        self.became(id, {**state, '_rev': answer['rev']})


class BulkWriter(DatabaseWriter):
    def write(self):
        batch = {}
        for _ in range(self.random.randrange(1, 80)):
            batch[self.new_id()] = self.content()
        self.doubtful.update(batch)
        answers = self.send('POST', '/_bulk_docs', {'docs': [{'_id': id, **state} for id, state in batch.items()]})
        for answer in answers:
            self.became(answer['id'], {**batch[answer['id']], '_rev': answer['rev']})


class AttachmentWriter(DatabaseWriter):
    """Attachments of up to three chunks, in requests of their own and inside documents."""

    def write(self):
        old = list(self.states)
        id = self.random.choice(old) if old and self.random.random() < 0.5 else self.new_id()
        data = self.random.randbytes(self.random.choice([10, 5_000, 300_000, 600_000]))
        state = {'attachment': 'md5-' + base64.b64encode(hashlib.md5(data).digest()).decode()}
        self.doubtful[id] = state
        rev = self.states[id]['_rev'] if id in self.states else None
        if self.random.random() < 0.5:
            status, answer = self.connection.request(
                'PUT', '%s/%s/data%s' % (self.database, id, '?rev=' + rev if rev else ''), data,
                [('Content-Type', 'application/octet-stream')])
            assert status == 201, answer
            rev = self.send('GET', '/' + id, None)['_rev']
        else:
            attachment = {'content_type': 'application/octet-stream', 'data': base64.b64encode(data).decode()}
            rev = self.send('PUT', '/' + id, {'_attachments': {'data': attachment},
                                              **({'_rev': rev} if rev else {})})['rev']
        self.became(id, {**state, '_rev': rev})


class LocalWriter(DatabaseWriter):
    """Local documents, which are written and deleted without their revision."""

    def write(self):
        id = '_local/%s-%d' % (self.prefix, self.random.randrange(20))
        state = {'_deleted': True} if self.states.get(id) and self.random.random() < 0.2 else self.content()
        self.count += 1
        self.doubtful[id] = state
        if state.get('_deleted'):
            self.send('DELETE', '/' + id, None, (200, 404))
        else:
            self.send('PUT', '/' + id, state)
        self.became(id, state)


WRITERS = [DocumentWriter] * 10 + [BulkWriter] * 2 + [AttachmentWriter] * 2 + [LocalWriter] * 2


class DurabilityTest(ServerTestCase):
    def test_kill_under_load(self):
        seed = os.environ.get('DIVAN_SEED', str(random.randrange(1 << 30)))
        print('DIVAN_SEED=' + seed)
        dice = random.Random(seed)
        total, written, database = 0, [], None
        for number in range(ROUNDS):
            if number % ROUNDS_PER_DATABASE == 0:
                if database:
                    self.check_old(database, written)
                    self.answer(self.server.delete('/' + database), 200)
                database, written = 'db%d' % number, []
                self.answer(self.server.put('/' + database), 201)
            acknowledged = Acknowledged(dice.randint(*ACKNOWLEDGED_PER_ROUND))
            writers = [kind(self.server, database, 'r%d-w%d' % (number, place), seed, acknowledged)
                       for place, kind in enumerate(WRITERS)]
            kill_under_load(self.server, writers, acknowledged)
            self.server.start()
            total += acknowledged.count
            with self.subTest(round=number):
                written += self.check_round(database, writers)
                self.check_database(database)
        self.check_old(database, written)
        print('%d rounds, %d writes acknowledged' % (ROUNDS, total))

    # ------------------------------------------------------------ checks

    def check_round(self, database, writers):
        """Everything of the round; returns [(id, state)] of what must stay."""
        stay = []
        with Connection(self.server) as connection:
            for writer in writers:
                for id in {**writer.states, **writer.doubtful}:
                    state, found = writer.states.get(id), self.read(connection, database, id)
                    doubtful = writer.doubtful.get(id)
                    if not (self.same(found, state) or doubtful and self.same(found, doubtful)):
                        self.fail('%s is %s; acknowledged %s, not answered %s' % (
                            id, shortened(found), shortened(state), shortened(doubtful)))
                    if found and not doubtful:
                        stay.append((id, state))
                for id, state in writer.replaced:
                    if not id.startswith('_local/') and not state.get('_deleted'):
                        self.check_replaced(connection, database, id, state)
        return stay

    def read(self, connection, database, id):
        """The document, its attachment checked; None if there is none."""
        status, document = connection.json('GET', '/%s/%s' % (database, id))
        if status == 404:
            return None
        self.assertEqual(status, 200, (id, document))
        if attachment := document.get('_attachments', {}).get('data'):
            status, data = connection.request('GET', '/%s/%s/data' % (database, id))
            self.assertEqual(status, 200, id)
            digest = 'md5-' + base64.b64encode(hashlib.md5(data).digest()).decode()
            self.assertEqual((digest, len(data)), (attachment['digest'], attachment['length']), id)
            document['attachment'] = digest
        return document

    @staticmethod
    def same(found, state):
        if not state or state.get('_deleted'):
            return found is None
        return found is not None and all(found.get(name) == value for name, value in state.items())

    def check_replaced(self, connection, database, id, state):
        status, document = connection.json('GET', '/%s/%s?rev=%s' % (database, id, state['_rev']))
        self.assertEqual(status, 200, (id, document))
        if 'attachment' in state:
            self.assertEqual(document['_attachments']['data']['digest'], state['attachment'])
        else:
            self.assertTrue(self.same(document, state), id)

    def check_database(self, database):
        """What is counted is what is there, and the feed shows the winners."""
        info = self.answer(self.server.get('/' + database), 200)
        rows = self.answer(self.server.get('/%s/_all_docs' % database), 200)
        changes = self.answer(self.server.get('/%s/_changes?style=all_docs' % database), 200)
        listed = {row['id']: row['value']['rev'] for row in rows['rows']}
        fed = {row['id']: row['changes'][0]['rev'] for row in changes['results'] if not row.get('deleted')}
        self.assertEqual(listed, fed)
        deleted = sum(row.get('deleted', False) for row in changes['results'])
        self.assertEqual((info['doc_count'], rows['total_rows'], info['doc_del_count']),
                         (len(listed), len(listed), deleted))
        numbers = [int(row['seq'].partition('-')[0]) for row in changes['results']]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(len({row['id'] for row in changes['results']}), len(numbers))
        self.assertEqual(changes['pending'], 0)
        for since in (0, len(numbers) // 2):
            start = changes['results'][since]['seq'] if since else '0'
            part = self.answer(self.server.get('/%s/_changes?limit=1&since=%s' % (database, start)), 200)
            self.assertEqual(part['pending'], len(numbers) - 1 - (since + 1 if since else 0))

    def check_old(self, database, written):
        """What earlier rounds wrote is still there after the later kills."""
        with Connection(self.server) as connection:
            for id, state in written:
                self.assertTrue(self.same(self.read(connection, database, id), state), id)


def shortened(state):
    return state and {name: value if len(str(value)) < 80 else '...' for name, value in state.items()}


if __name__ == '__main__':
    unittest.main()
