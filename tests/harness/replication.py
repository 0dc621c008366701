"""What tests of replication share: starting one, waiting for it, and comparing two databases to the byte."""
import base64
import hashlib
import json
import re
import urllib.parse

from harness.case import ServerTestCase, wait_until
from harness.server import Server

REPLICATE_LIMIT_S = 120
STATE_LIMIT_S = 40
ANSWER_MEMBERS = {'ok', 'session_id', 'source_last_seq', 'replication_id_version', 'history'}
DOC_IDS_MEMBERS = {'start_time', 'end_time', 'docs_read', 'docs_written', 'doc_write_failures'}
COUNTS = ['missing_checked', 'missing_found', 'docs_read', 'docs_written', 'doc_write_failures']
ENTRY_MEMBERS = {'session_id', 'start_time', 'end_time', 'start_last_seq', 'end_last_seq', 'recorded_seq',
                 'bulk_get_docs', 'bulk_get_attempts', *COUNTS}
DATE = re.compile(r'(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$')
# Jobs start at once, and tests do not wait for what a day's work would wait for.
QUICK = '''[replicator]
interval = 500
startup_jitter = 10
checkpoint_interval = 500
connection_timeout = 3000
'''


# Where source and target are, seen from the server that drives.
KINDS = ['local', 'push', 'pull', 'remote']
THREE = [{'_id': 'd%d' % number, 'v': number} for number in range(3)]


def path_of(name, doc_id=None):
    """The path of a database or of a document in it, encoded."""
    path = '/' + urllib.parse.quote(name, safe='')
    if doc_id is None:
        return path
    for prefix in ('_design/', '_local/'):
        if doc_id.startswith(prefix):
            return path + '/' + prefix + urllib.parse.quote(doc_id[len(prefix):], safe='')
    return path + '/' + urllib.parse.quote(doc_id, safe='')


def url_of(server, name, proxy=None):
    """The URL of a database, with the admin's credentials, as a replicator takes it."""
    url = server.url_with_credentials + path_of(name)
    return proxy.url(url) if proxy else url


def replicate(server, source, target, **members):
    """Asks the server to replicate; returns its answer."""
    return server.post('/_replicate', json={'source': source, 'target': target, **members}, timeout=REPLICATE_LIMIT_S)


# ------------------------------------------------------------ what a database holds

def change_rows(server, name):
    response = server.get(path_of(name) + '/_changes?style=all_docs')
    assert response.status_code == 200, response.text
    return response.json()['results']


def open_leaves(server, name, doc_id):
    """Every leaf of a document with its revisions and attachments."""
    response = server.get(path_of(name, doc_id), params={'open_revs': 'all', 'revs': 'true', 'attachments': 'true'},
                          headers={'Accept': 'application/json'})
    assert response.status_code == 200, '%s: %s' % (doc_id, response.text)
    return [row['ok'] for row in response.json() if 'ok' in row]


def leaves_of(server, name):
    """{id: leaves} of all documents; from a server, or from what has leaves of its own (harness.pouchdb)."""
    if hasattr(server, 'leaves'):
        return server.leaves(name)
    found = {}
    for row in change_rows(server, name):
        found[row['id']] = open_leaves(server, name, row['id'])
        assert {leaf['_rev'] for leaf in found[row['id']]} == {change['rev'] for change in row['changes']}, row
    return found


def winners_of(server, name):
    """{id: rev} of the winners that are not deleted."""
    if hasattr(server, 'winners'):
        return server.winners(name)
    response = server.get(path_of(name) + '/_changes')
    assert response.status_code == 200, response.text
    return {row['id']: row['changes'][0]['rev'] for row in response.json()['results'] if not row.get('deleted')}


def contents(server, name, digests=True):
    """{id: {rev: leaf}}: bodies, ancestors, and of attachments type, length, digest and a hash of the bytes."""
    found = {}
    for doc_id, leaves in leaves_of(server, name).items():
        for leaf in leaves:
            if '_attachments' in leaf:
                leaf['_attachments'] = {key: attachment_facts(value, digests)
                                        for key, value in leaf['_attachments'].items()}
        found[doc_id] = {leaf['_rev']: leaf for leaf in leaves}
    return found


def attachment_facts(attachment, digests):
    data = base64.b64decode(attachment['data'], validate=True)
    facts = {'content_type': attachment['content_type'], 'length': len(data), 'sha256': hashlib.sha256(data).hexdigest()}
    # The digest is of the bytes as they are stored, which another implementation compresses otherwise.
    return {**facts, 'digest': attachment['digest']} if digests else facts


def assert_same(test, one, other, digests=True, without=()):
    """Asserts that two databases, each (server, name), hold the same leaves with the same content. `without`:
    ids that need not be the same."""
    found = [contents(*place, digests) for place in (one, other)]
    for each in found:
        for doc_id in without:
            each.pop(doc_id, None)
    leaves = [{doc_id: sorted((rev, bool(leaf.get('_deleted'))) for rev, leaf in revs.items())
               for doc_id, revs in each.items()} for each in found]
    for doc_id in sorted(set(leaves[0]) | set(leaves[1])):
        test.assertEqual(leaves[0].get(doc_id), leaves[1].get(doc_id), doc_id)
    for doc_id, revs in found[0].items():
        for rev, leaf in revs.items():
            test.assertEqual(leaf, found[1][doc_id][rev], (doc_id, rev))
    winners = [{doc_id: rev for doc_id, rev in winners_of(*place).items() if doc_id not in without} for place in (one, other)]
    test.assertEqual(winners[0], winners[1])


# ------------------------------------------------------------ checkpoints

def checkpoints(server, name):
    """{id: document} of the local documents that replicators keep."""
    rows = server.get(path_of(name) + '/_local_docs?include_docs=true').json()['rows']
    return {row['id']: row['doc'] for row in rows if 'history' in row['doc']}


def without_state(checkpoint):
    return {key: value for key, value in checkpoint.items() if key != '_rev'}


def counts_of_run(answer):
    """What the newest run of an answer or checkpoint counted. As CouchDB counts, a run goes on from the counts
    of the run whose checkpoint it starts at."""
    newest, before = answer['history'][0], (answer['history'][1:2] or [{}])[0]
    return {name: newest[name] - before.get(name, 0) for name in COUNTS}


def all_counts(number, failures=0):
    """What a run counts that found so many revisions missing, and could not write some of them."""
    return {'missing_checked': number, 'missing_found': number, 'docs_read': number,
            'docs_written': number - failures, 'doc_write_failures': failures}


def check_answer(test, answer, more=()):
    """The members of an answer of _replicate about a run that is done, and of its history."""
    test.assertEqual(set(answer), ANSWER_MEMBERS | set(more))
    test.assertIs(answer['ok'], True)
    test.assertEqual(answer['replication_id_version'], 4)
    for entry in answer['history']:
        test.assertEqual(set(entry), ENTRY_MEMBERS)
        for name in ('start_time', 'end_time'):
            test.assertRegex(entry[name], DATE)
        test.assertRegex(entry['session_id'], '^[0-9a-f]{32}$')
        test.assertEqual(entry['recorded_seq'], entry['end_last_seq'])
    if answer['history']:
        test.assertEqual(answer['session_id'], answer['history'][0]['session_id'])
        test.assertEqual(answer['source_last_seq'], answer['history'][0]['recorded_seq'])
        test.assertLessEqual(len(answer['history']), 50)


# ------------------------------------------------------------ the scheduler

def scheduler_doc(server, doc_id, database='_replicator'):
    """What the scheduler says of a document of a replicator database; None when it knows none."""
    response = server.get('/_scheduler/docs' + path_of(database, doc_id))
    assert response.status_code in (200, 404), response.text
    return response.json() if response.status_code == 200 else None


def wait_for_state(server, doc_id, *states, database='_replicator', limit_s=STATE_LIMIT_S):
    """Asks until the document's replication is in one of the states; returns what the scheduler says then."""
    seen = []

    def reached():
        seen.append(scheduler_doc(server, doc_id, database))
        return seen[-1] is not None and seen[-1]['state'] in states
    if not wait_until(reached, limit_s):
        raise AssertionError('%s did not become %s: %s' % (doc_id, ' or '.join(states), json.dumps(seen[-1])))
    return seen[-1]


def jobs(server):
    return server.get('/_scheduler/jobs').json()['jobs']


def tasks(server):
    """The replications among the tasks that run."""
    return [task for task in server.get('/_active_tasks').json() if task['type'] == 'replication']


class ReplicationCase(ServerTestCase):
    """Two servers, self.server drives; self.other is the remote one. A place is (server, database)."""

    server_arguments = {'config': QUICK}
    other_arguments = {'config': QUICK}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = Server(**cls.other_arguments)
        cls.addClassCleanup(cls.other.close)
        cls.other.start()

    def hosts(self, kind):
        """The servers of source and target."""
        return {'local': (self.server, self.server), 'push': (self.server, self.other),
                'pull': (self.other, self.server), 'remote': (self.other, self.other)}[kind]

    def places(self, kind='local'):
        """An empty source and an empty target."""
        return [(host, self.make(host, '_%s_%s' % (kind, role)))
                for host, role in zip(self.hosts(kind), ('source', 'target'))]

    def make(self, server, suffix=''):
        """An empty database on the server, named after the test."""
        if server is self.server:
            return self.database(suffix)
        name = re.sub('[^a-z0-9_]', '_', self.id().split('.')[-1].lower()) + suffix
        server.delete(path_of(name))
        self.answer(server.put(path_of(name)), 201)
        self.addCleanup(lambda: server.running and server.delete(path_of(name)))
        return name

    def endpoint(self, place, proxy=None):
        """A database as the driver is told of it: its bare name if it is local and no proxy is between."""
        server, name = place
        return name if server is self.server and proxy is None else url_of(server, name, proxy)

    def replicate(self, source, target, **members):
        """Replicates once from place to place; asserts success and returns the answer."""
        answer = self.answer(replicate(self.server, self.endpoint(source), self.endpoint(target), **members), 200)
        more = {'no_changes'} & set(answer) | (DOC_IDS_MEMBERS if 'doc_ids' in members else set())
        check_answer(self, answer, more)
        return answer

    def bulk(self, place, docs, **members):
        return self.answer(place[0].post(path_of(place[1]) + '/_bulk_docs', json={'docs': docs, **members}), 201)

    def ids(self, place):
        return [row['id'] for row in self.answer(place[0].get(path_of(place[1]) + '/_all_docs'), 200)['rows']]

    def put(self, place, doc_id, doc):
        """Writes a document over what is there; returns its revision."""
        path = path_of(place[1], doc_id)
        current = place[0].get(path)
        body = {**doc, '_rev': current.json()['_rev']} if current.status_code == 200 else doc
        return self.answer(place[0].put(path, json=body), 201)['rev']

    def assert_same(self, one, other, **options):
        assert_same(self, one, other, **options)

    def has(self, place, doc_id, **members):
        """Whether the place has the document with these members; for wait_until."""
        response = place[0].get(path_of(place[1], doc_id))
        return response.status_code == 200 and members.items() <= response.json().items()


class View:
    """A Server as one thread of a test sees it: with connections of its own."""

    def __init__(self, server):
        self.server, self.session = server, server.new_session()

    @property
    def url_with_credentials(self):
        return self.server.url_with_credentials

    def request(self, method, path, **arguments):
        arguments.setdefault('timeout', REPLICATE_LIMIT_S)
        return self.session.request(method, self.server.origin + path, **arguments)

    def get(self, path, **arguments):
        return self.request('GET', path, **arguments)

    def put(self, path, **arguments):
        return self.request('PUT', path, **arguments)

    def post(self, path, **arguments):
        return self.request('POST', path, **arguments)
