"""Document rules: whatever is asked, and however, a user sees exactly the documents that the rules show."""
import base64
import json
import random
import urllib.parse

from harness.policies import DocumentRulesTestCase
from harness.pouchdb import PouchDB

OWNERS = ['anna', 'bert', 'cleo']
TEAMS = ['red', 'green']
LEVELS = ['public', 'internal', 'secret']
DESIGNS = ['_design/d', '_design/q']
MAP = 'function (doc) { emit([doc.kind, doc.n], doc.owner); }'


def random_document(rng, number):
    document = {'_id': '%s:%03d' % (rng.choice('abc'), number), 'n': number, 'kind': rng.choice('xy')}
    for name, values in (('owner', OWNERS), ('team', TEAMS), ('level', LEVELS)):
        if rng.random() < 0.8:
            document[name] = rng.choice(values)
    if rng.random() < 0.3:
        document['_attachments'] = {'note.txt': {'content_type': 'text/plain',
                                                 'data': base64.b64encode(b'note %d' % number).decode()}}
    return document


# Selectors as rules have them, and what they mean.
FILTERS = [
    ({'owner': '{user.name}'}, lambda doc, user: doc.get('owner') == user['name']),
    ({'team': {'$in': '{user.roles}'}}, lambda doc, user: doc.get('team') in user['roles']),
    ({'owner': {'$exists': False}}, lambda doc, user: 'owner' not in doc),
    ({'team': '{user.squad}'}, lambda doc, user: user.get('squad') is not None and doc.get('team') == user['squad']),
    ({'$or': [{'kind': 'x'}, {'owner': '{user.id}'}]},
     lambda doc, user: doc['kind'] == 'x' or doc.get('owner') == user['name']),
    ({'_id': {'$gt': 'b'}}, lambda doc, user: doc['_id'] > 'b'),
]


def is_cleared(doc, clearance, default_level):
    level = doc.get('level', default_level or LEVELS[-1])
    return clearance is not None and LEVELS.index(level) <= LEVELS.index(clearance)


class ReadTest(DocumentRulesTestCase):
    """Random documents and rules; each way to read shows what the slow evaluation here allows."""

    def all_rows(self, session, path, key='rows', **body):
        return self.post(session, path, body)[key]

    def check(self, session, documents, shown):
        ids = sorted(doc['_id'] for doc in shown)
        by_id = {doc['_id']: doc for doc in documents}
        hidden = sorted(set(by_id) - set(ids))
        self.assertEqual(self.get(session)['doc_count'], len(ids) + len(DESIGNS))
        self.check_documents(session, by_id, ids, hidden)
        self.check_listings(session, by_id, ids, hidden)
        self.check_changes(session, by_id, ids, hidden)
        self.check_queries(session, shown)
        self.check_views(session, by_id, shown)

    def check_documents(self, session, by_id, ids, hidden):
        missing = self.get(session, '/nothing', 404)
        for doc_id in by_id:
            path = '/' + urllib.parse.quote(doc_id, safe='')
            for suffix in ('', '?conflicts=true', '?revs_info=true', '?attachments=true', '?meta=true'):
                answer = self.ask(session, 'GET', '/%s%s%s' % (self.db, path, suffix))
                if doc_id in ids:
                    self.assertEqual(answer.status_code, 200, (doc_id, answer.text))
                else:
                    self.assertEqual((answer.status_code, answer.json()), (404, missing), doc_id)
            rev = self.server.get('/%s%s' % (self.db, path)).json()['_rev']
            expected = 200 if doc_id in ids else 404
            self.assertEqual(self.ask(session, 'GET', '/%s%s?rev=%s' % (self.db, path, rev)).status_code, expected)
            self.assertEqual(self.ask(session, 'HEAD', '/%s%s' % (self.db, path)).status_code, expected)
            if '_attachments' in by_id[doc_id]:
                self.assertEqual(self.ask(session, 'GET', '/%s%s/note.txt' % (self.db, path)).status_code, expected)
        answer = self.post(session, '/_bulk_get', {'docs': [{'id': doc_id} for doc_id in by_id]})
        got = sorted(result['id'] for result in answer['results'] if 'ok' in result['docs'][0])
        self.assertEqual(got, ids)
        asked = {doc_id: ['1-0123456789abcdef0123456789abcdef'] for doc_id in hidden}
        for entry in self.post(session, '/_revs_diff', asked).values():
            self.assertNotIn('possible_ancestors', entry)

    def check_listings(self, session, by_id, ids, hidden):
        everything = self.get(session, '/_all_docs?include_docs=true')
        self.assertEqual([row['id'] for row in everything['rows']], DESIGNS + ids)
        self.assertEqual(everything['total_rows'], len(ids) + len(DESIGNS))
        pages = []
        for skip in range(0, len(ids) + len(DESIGNS), 7):
            page = self.get(session, '/_all_docs?skip=%d&limit=7' % skip)['rows']
            pages += [row['id'] for row in page]
        self.assertEqual(pages, DESIGNS + ids)
        rows = self.get(session, '/_all_docs?descending=true&startkey="b\\uffff"')['rows']
        self.assertEqual([row['id'] for row in rows],
                         [doc_id for doc_id in reversed(ids) if doc_id < 'b\uffff'] + DESIGNS[::-1])
        rows = self.all_rows(session, '/_all_docs', keys=hidden[:5] + ids[:5])
        self.assertEqual([('error' in row) for row in rows], [True] * len(hidden[:5]) + [False] * len(ids[:5]))

    def check_changes(self, session, by_id, ids, hidden):
        for path in ('/_changes', '/_changes?include_docs=true&style=all_docs', '/_changes?descending=true',
                     '/_changes?feed=continuous&timeout=1', '/_changes?limit=100000&conflicts=true'):
            text = self.ask(session, 'GET', '/%s%s' % (self.db, path)).text
            if 'continuous' in path:
                rows = [json.loads(line) for line in text.splitlines() if line]
                rows = [row for row in rows if 'id' in row]
            else:
                rows = json.loads(text)['results']
            self.assertEqual(sorted(row['id'] for row in rows), DESIGNS + ids, path)
        rows = self.post(session, '/_changes?filter=_doc_ids', {'doc_ids': list(by_id)})['results']
        self.assertEqual(sorted(row['id'] for row in rows), ids)
        rows = self.post(session, '/_changes?filter=_selector', {'selector': {'kind': 'x'}})['results']
        self.assertEqual(sorted(row['id'] for row in rows), [doc_id for doc_id in ids if by_id[doc_id]['kind'] == 'x'])
        # Page by page, as clients read.
        got, since = [], 0
        while True:
            page = self.get(session, '/_changes?limit=5&since=%s' % since)
            got += [row['id'] for row in page['results']]
            since = page['last_seq']
            if not page['results']:
                break
        self.assertEqual(sorted(got), DESIGNS + ids)

    def check_queries(self, session, shown):
        for selector, matches in [({'n': {'$gte': 0}}, lambda doc: True),
                                  ({'kind': 'x', 'n': {'$lt': 30}}, lambda doc: doc['kind'] == 'x' and doc['n'] < 30),
                                  ({'owner': 'anna'}, lambda doc: doc.get('owner') == 'anna')]:
            expected = sorted(doc['n'] for doc in shown if matches(doc))
            for options in ({}, {'sort': ['n']}, {'sort': [{'n': 'desc'}]}, {'fields': ['n']}):
                body = {'selector': {'n': {'$exists': True}, **selector}, 'limit': 1000, 'execution_stats': True,
                        **options}
                answer = self.post(session, '/_find', body)
                self.assertEqual(sorted(doc['n'] for doc in answer['docs']), expected, body)
                self.assertEqual(answer['execution_stats']['total_docs_examined'], len(expected))
            got, page = [], {'selector': selector, 'limit': 4}
            while True:
                answer = self.post(session, '/_find', page)
                if not answer['docs']:
                    break
                got += [doc['n'] for doc in answer['docs']]
                page['bookmark'] = answer['bookmark']
            self.assertEqual(sorted(got), expected)
            answer = self.post(session, '/_find', {'selector': selector, 'skip': 3, 'limit': 1000})
            self.assertEqual(len(answer['docs']), max(0, len(expected) - 3))
            answer = self.post(session, '/_find', {'selector': selector, 'limit': 1, 'count': True})
            self.assertEqual(answer['count'], len(expected))
            answer = self.post(session, '/_find', {'selector': selector, 'group_by': ['owner'], 'limit': 100, 'aggregate': {
                'count': 'count', 'sum': {'sum': 'n'}}})
            groups = {group['owner']: (group['count'], group['sum']) for group in answer['groups']}
            of = {owner: [doc['n'] for doc in shown if matches(doc) and doc.get('owner') == owner] for owner in OWNERS}
            self.assertEqual(groups, {owner: (len(ns), sum(ns)) for owner, ns in of.items() if ns})

    def check_views(self, session, by_id, shown):
        expected = sorted((doc['kind'], doc['n']) for doc in shown)
        view = '/_design/d/_view/v'
        answer = self.get(session, view + '?include_docs=true')
        self.assertEqual([tuple(row['key']) for row in answer['rows']], expected)
        self.assertTrue(all(row['doc']['_id'] == row['id'] for row in answer['rows']))
        self.assertEqual((answer['total_rows'], answer['offset']), (None, None))
        got = [tuple(row['key']) for row in self.get(session, view + '?skip=2&limit=6')['rows']]
        self.assertEqual(got, expected[2:8])
        got = [tuple(row['key']) for row in self.get(session, view + '?descending=true')['rows']]
        self.assertEqual(got, expected[::-1])
        got = [tuple(row['key']) for row in self.get(session, view + '?startkey=["y"]')['rows']]
        self.assertEqual(got, [key for key in expected if key[0] == 'y'])
        keys = [[doc['kind'], doc['n']] for doc in by_id.values()]
        rows = self.all_rows(session, view, keys=keys)
        self.assertEqual([row['key'] for row in rows], [key for key in keys if tuple(key) in expected])
        self.error(self.ask(session, 'GET', '/%s/_design/d/_view/r' % self.db), 403, 'forbidden')
        self.get(session, '/_design/d/_view/r?reduce=false')
        self.error(self.ask(session, 'GET', '/%s/_design/d/_info' % self.db), 403, 'forbidden')
        listed = self.ask(session, 'GET', '/%s/_design/d/_list/l/v' % self.db).text
        self.assertEqual([int(n) for n in listed.split()], [n for _, n in expected])

    def test_random_rules(self):
        for seed in range(4):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                self.db = self.database('_%d' % seed)
                self.answer(self.server.put('/%s/_security' % self.db, json={'members': {'roles': ['member']}}), 200)
                self.answer(self.server.put('/%s/_design/d' % self.db, json={
                    'views': {'v': {'map': MAP}, 'r': {'map': MAP, 'reduce': '_count'}},
                    'lists': {'l': 'function () { var row; while (row = getRow()) send(row.key[1] + "\\n"); }'}}), 201)
                for name, fields in (('a', ['n']), ('b', ['owner', 'n'])):
                    self.answer(self.server.post('/%s/_index' % self.db, json={
                        'index': {'fields': fields}, 'ddoc': 'q', 'name': name}), 200)
                self.random_round(rng)

    def random_round(self, rng):
        documents = [random_document(rng, number) for number in range(60)]
        self.put_documents(documents)
        user = {'name': rng.choice(OWNERS), 'roles': [role for role in TEAMS if rng.random() < 0.5],
                'squad': rng.choice([None, 'red', 'green']), 'clearance': rng.choice([None, *LEVELS])}
        attributes = {name: user[name] for name in ('squad', 'clearance') if user[name]}
        session = self.member(user['name'], *user['roles'], **attributes)
        chosen = rng.sample(FILTERS, rng.randint(0, 3))
        for number, (filter_, _) in enumerate(chosen):
            self.rule('r%d' % number, filter_, 'read')
        default_level = rng.choice([None, 'public'])
        classified = rng.random() < 0.5 or not chosen
        if classified:
            members = {'default_level': default_level} if default_level else {}
            self.policy('c', type='classification', databases=[self.db], field='level', levels=LEVELS, **members)
        shown = [doc for doc in documents
                 if (not chosen or any(matches(doc, user) for _, matches in chosen)) and
                 (not classified or is_cleared(doc, user['clearance'], default_level))]
        self.check(session, documents, shown)
        for policy in self.server.get('/_policies/_all_docs').json()['rows']:
            self.server.delete('/_policies/' + policy['id'], params={'rev': policy['value']['rev']})


class WriteTest(DocumentRulesTestCase):
    def setUp(self):
        super().setUp()
        self.rule('own', {'owner': '{user.name}'}, 'read', 'write')
        self.rule('open', {'owner': 'nobody'}, 'read')
        self.anna, self.bert = self.member('anna'), self.member('bert')
        self.put_documents([{'_id': 'mine', 'owner': 'anna'}, {'_id': 'theirs', 'owner': 'bert'},
                            {'_id': 'open', 'owner': 'nobody'}])

    def rev(self, doc_id):
        return self.server.get('/%s/%s' % (self.db, doc_id)).json()['_rev']

    def put(self, session, doc_id, status, **members):
        return self.answer(self.ask(session, 'PUT', '/%s/%s' % (self.db, doc_id), json=members), status)

    def test_what_may_be_written(self):
        self.put(self.anna, 'mine', 201, owner='anna', _rev=self.rev('mine'), n=1)
        self.put(self.anna, 'new', 201, owner='anna')
        self.put(self.anna, 'given', 403, owner='bert')
        self.put(self.anna, 'unowned', 403)
        self.put(self.anna, 'mine', 403, owner='bert', _rev=self.rev('mine'))
        self.put(self.anna, 'theirs', 403, owner='anna', _rev=self.rev('theirs'))
        self.put(self.anna, 'open', 403, owner='nobody', _rev=self.rev('open'))
        self.put(self.anna, 'open', 403, owner='anna', _rev=self.rev('open'))
        for doc_id, status in (('mine', 200), ('theirs', 403), ('open', 403)):
            answer = self.ask(self.anna, 'DELETE', '/%s/%s?rev=%s' % (self.db, doc_id, self.rev(doc_id)))
            self.assertEqual(answer.status_code, status, doc_id)
        answer = self.post(self.anna, '/_bulk_docs', {'docs': [
            {'_id': 'a', 'owner': 'anna'}, {'_id': 'b', 'owner': 'bert'}]}, 201)
        self.assertEqual([row.get('error') for row in answer], [None, 'forbidden'])
        answer = self.ask(self.anna, 'PUT', '/%s/theirs/x.txt?rev=%s' % (self.db, self.rev('theirs')), data=b'x')
        self.assertEqual(answer.status_code, 409)  # as of a document that is not there
        self.assertEqual(self.ask(self.anna, 'COPY', '/%s/theirs' % self.db,
                                  headers={'Destination': 'copied'}).status_code, 404)

    def test_a_branch_beside_a_hidden_document_is_refused(self):
        answer = self.post(self.anna, '/_bulk_docs', {'new_edits': False, 'docs': [
            {'_id': 'theirs', '_rev': '9-' + 'f' * 32, 'owner': 'anna'},
            {'_id': 'brought', '_rev': '1-' + 'a' * 32, 'owner': 'anna'}]}, 201)
        self.assertEqual([row['id'] for row in answer], ['theirs'])
        self.assertEqual(self.server.get('/%s/theirs' % self.db).json()['owner'], 'bert')
        self.assertEqual(self.get(self.anna, '/brought')['owner'], 'anna')

    def test_a_hidden_branch_is_not_there(self):
        self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'new_edits': False, 'docs': [
            {'_id': 'two', '_rev': '2-' + 'f' * 32, 'owner': 'anna'},
            {'_id': 'two', '_rev': '2-' + 'a' * 32, 'owner': 'bert', 'secret': 1}]}), 201)
        self.assertNotIn('_conflicts', self.get(self.anna, '/two?conflicts=true'))
        self.get(self.anna, '/two?rev=2-' + 'a' * 32, 404)
        rows = self.ask(self.anna, 'GET', '/%s/two?open_revs=all' % self.db,
                        headers={'Accept': 'application/json'}).json()
        self.assertEqual([row['ok']['owner'] for row in rows if 'ok' in row], ['anna'])
        row = next(row for row in self.get(self.anna, '/_changes?style=all_docs')['results'] if row['id'] == 'two')
        self.assertEqual([change['rev'] for change in row['changes']], ['2-' + 'f' * 32])
        self.get(self.bert, '/two', 404)

    def test_a_deletion_is_told_to_who_saw_the_document(self):
        since = self.get(self.anna, '/_changes')['last_seq']
        for doc_id in ('mine', 'theirs'):
            self.server.delete('/%s/%s' % (self.db, doc_id), params={'rev': self.rev(doc_id)})
        rows = self.get(self.anna, '/_changes?since=%s' % since)['results']
        self.assertEqual([(row['id'], row['deleted']) for row in rows], [('mine', True)])
        self.get(self.anna, '/mine', 404)

    def test_nobody_gives_himself_attributes(self):
        self.answer(self.server.put('/_node/_local/_config/couchdb/users_db_security_editable', json='true'), 200)
        self.addCleanup(self.server.delete, '/_node/_local/_config/couchdb/users_db_security_editable')
        self.answer(self.server.put('/_users/_security', json={}), 200)
        self.addCleanup(self.server.put, '/_users/_security', json={'members': {'roles': ['_admin']}})
        path = '/_users/org.couchdb.user:anna'
        document = self.ask(self.anna, 'GET', path).json()
        answer = self.ask(self.anna, 'PUT', path, json={**document, 'policy_attributes': {'clearance': 'secret'}})
        self.assertIn('policy_attributes', self.error(answer, 403, 'forbidden'))


class ReplicationTest(DocumentRulesTestCase):
    def setUp(self):
        super().setUp()
        self.put_documents([{'_id': '%s%d' % (owner, number), 'owner': owner} for owner in OWNERS for number in range(5)])
        self.anna = self.member('anna')
        self.rule('own', {'owner': '{user.name}'}, 'read', 'write')
        self.copy = self.database('_copy')
        self.answer(self.server.put('/%s/_security' % self.copy, json={}), 200)

    def pull(self, source):
        return self.answer(self.ask(self.anna, 'POST', '/_replicate', json={'source': source, 'target': self.copy}), 200)

    def copied(self):
        return [row['id'] for row in self.server.get('/%s/_all_docs' % self.copy).json()['rows']]

    def test_pulls_before_and_after_a_change_of_rules(self):
        remote = {'url': '%s/%s' % (self.server.url, self.db),
                  'auth': {'basic': {'username': 'anna', 'password': self.anna.auth[1]}}}
        for source in (self.db, remote):
            with self.subTest(source=source):
                self.rule('own', {'owner': '{user.name}'}, 'read', 'write')
                self.pull(source)
                self.assertEqual(self.copied(), ['anna%d' % number for number in range(5)])
                # What is newly shown comes, although it is older than the checkpoint.
                self.rule('own', {'owner': {'$in': ['anna', 'cleo']}}, 'read', 'write')
                self.pull(source)
                self.assertEqual(self.copied(), ['%s%d' % (owner, number) for owner in ('anna', 'cleo')
                                                 for number in range(5)])
                self.server.delete('/' + self.copy)
                self.answer(self.server.put('/' + self.copy), 201)
                self.answer(self.server.put('/%s/_security' % self.copy, json={}), 200)

    def test_a_push_goes_by_the_rules(self):
        self.answer(self.server.post('/%s/_bulk_docs' % self.copy, json={'docs': [
            {'_id': 'x', 'owner': 'anna'}, {'_id': 'y', 'owner': 'bert'}]}), 201)
        answer = self.answer(self.ask(self.anna, 'POST', '/_replicate', json={
            'source': self.copy, 'target': self.db}), 200)
        session = answer['history'][0]
        self.assertEqual((session['docs_written'], session['doc_write_failures']), (1, 1))
        self.assertEqual(self.server.get('/%s/y' % self.db).status_code, 404)

    def test_a_since_of_other_rules_begins_anew(self):
        since = self.get(self.anna, '/_changes')['last_seq']
        self.assertEqual(self.get(self.anna, '/_changes?since=%s' % since)['results'], [])
        admins = self.server.get('/%s/_changes' % self.db).json()['last_seq']
        self.assertEqual(len(self.get(self.anna, '/_changes?since=%s' % admins)['results']), 5)
        self.rule('own', {'owner': 'bert'})
        rows = self.get(self.anna, '/_changes?since=%s' % since)['results']
        self.assertEqual(sorted(row['id'] for row in rows), ['bert%d' % number for number in range(5)])
        self.drop_policy('own')
        self.assertEqual(len(self.get(self.anna, '/_changes?since=%s' % since)['results']), 15)

    def test_sequences_do_not_count(self):
        before = self.get(self.anna)['update_seq']
        self.assertTrue(before.startswith('0-'), before)
        self.put_documents([{'_id': 'b%d' % number, 'owner': 'bert'} for number in range(20)])
        page = self.get(self.anna, '/_changes?limit=2')
        self.assertTrue(all(row['seq'].startswith('0-') for row in page['results']))
        self.assertEqual(page['pending'], 3)
        self.assertEqual(self.get(self.anna)['sizes'], {'file': 0, 'external': 0, 'active': 0})

    def test_a_feed_ends_when_rules_change(self):
        answer = self.anna.get('%s/%s/_changes' % (self.server.url, self.db), stream=True, timeout=60,
                               params={'feed': 'continuous', 'heartbeat': 60000})
        self.assertEqual(answer.status_code, 200)
        lines = answer.iter_lines()
        got = [json.loads(next(lines))['id'] for _ in range(5)]
        self.assertEqual(sorted(got), ['anna%d' % number for number in range(5)])
        self.rule('own', {'owner': 'bert'})
        self.assertEqual([line for line in lines if line and b'last_seq' not in line], [])


class PouchTest(DocumentRulesTestCase):
    def test_a_device_has_exactly_what_its_user_may_see(self):
        self.put_documents([{'_id': '%s%d' % (owner, number), 'owner': owner} for owner in OWNERS for number in range(4)])
        self.rule('own', {'owner': '{user.name}'}, 'read', 'write')
        anna = self.member('anna')
        url = '%s/%s' % (self.server.url.replace('://', '://anna:%s@' % urllib.parse.quote(anna.auth[1])), self.db)
        device = PouchDB().start()
        self.addCleanup(device.close)
        self.assertTrue(device.call('once', url, {})['pulled']['ok'])
        own = ['anna%d' % number for number in range(4)]
        self.assertEqual(sorted(device.call('winners')), own)
        # Pushes: what is the user's own goes through, also an edit; what is not does not.
        device.call('bulk', [{'_id': 'new', 'owner': 'anna'}, {'_id': 'forged', 'owner': 'bert'}], {})
        device.call('put', {'_id': 'anna0', 'owner': 'anna', 'edited': True})
        pushed = device.call('once', url, {})['pushed']
        self.assertEqual((pushed['docs_written'], pushed['doc_write_failures']), (2, 1))
        self.assertTrue(self.server.get('/%s/anna0' % self.db).json()['edited'])
        self.assertEqual(self.server.get('/%s/forged' % self.db).status_code, 404)
        # Other rules: what they show comes with the next pull; what was pulled stays where it is.
        self.rule('own', {'owner': 'cleo'}, 'read', 'write')
        device.call('once', url, {})
        self.assertEqual(sorted(device.call('winners')),
                         sorted(own + ['new', 'forged'] + ['cleo%d' % number for number in range(4)]))


class ExplainTest(DocumentRulesTestCase):
    def explain(self, **body):
        return self.answer(self.server.post('/_access/explain', json={'database': self.db, **body}), 200)

    def test_the_rule_that_decides_is_named(self):
        self.put_documents([{'_id': 'mine', 'owner': 'anna', 'level': 'secret'}, {'_id': 'theirs', 'owner': 'bert'}])
        self.member('anna')
        answer = self.explain(user='anna', operation='read', document='mine')
        self.assertEqual(set(answer), {'document_id', 'user_id', 'operation', 'access_granted', 'validation_timestamp',
                                       'permissions_checked', 'access_reason', 'security_warnings'})
        self.assertTrue(answer['access_granted'])
        self.assertIn('_security', answer['access_reason'])
        self.rule('own', {'owner': '{user.name}'}, 'read')
        self.assertIn('own', self.explain(user='anna', operation='read', document='mine')['access_reason'])
        self.assertFalse(self.explain(user='anna', operation='read', document='theirs')['access_granted'])
        self.assertFalse(self.explain(user='anna', operation='write', document='mine')['access_granted'])
        self.policy('c', type='classification', databases=[self.db], field='level', levels=LEVELS,
                    default_level='public', default_clearance='public')
        answer = self.explain(user='anna', operation='read', document='mine')
        self.assertEqual((answer['access_granted'], 'c' in answer['access_reason']), (False, True))
        self.assertTrue(self.explain(user='anna', operation='read', document={'owner': 'anna'})['access_granted'])
        self.assertFalse(self.explain(user=None, operation='read')['access_granted'])
        self.assertFalse(self.explain(user={'name': 'x', 'roles': []}, operation='read')['access_granted'])
        self.assertTrue(self.explain(user={'name': 'x', 'roles': ['_admin']}, operation='design')['access_granted'])
        for body, status in (({'user': 'nobody-here', 'operation': 'read'}, 404), ({'user': 'anna', 'operation': 'x'}, 400)):
            self.answer(self.server.post('/_access/explain', json={'database': self.db, **body}), status)
        self.error(self.ask(self.user('bert'), 'POST', '/_access/explain', json={}), 401, 'unauthorized')

    def test_the_report(self):
        report = self.answer(self.server.get('/_node/_local/_security_report'), 200)
        self.assertEqual(report['authentication']['password_policy']['require_numbers'], False)
        self.assertIn(self.server.user, report['server_admins']['configured'])
        self.assertNotIn('pbkdf2', json.dumps(report))
        self.assertEqual((report['audit']['enabled'], report['anomalies']['enabled']), (False, False))
        self.assertEqual(report['anomalies']['failed_logins_actions'], '')
        self.assertIn('[audit] enable', [finding['setting'] for finding in report['findings']])
        for section, key, value in (('chttpd', 'enable_cors', 'true'), ('cors', 'origins', '*'),
                                    ('authorization', 'rbac_enabled', 'true')):
            self.answer(self.server.put('/_node/_local/_config/%s/%s' % (section, key), json=value), 200)
            self.addCleanup(self.server.delete, '/_node/_local/_config/%s/%s' % (section, key))
        self.user('chief', 'super_admin')
        self.addCleanup(self.user, 'chief')
        report = self.answer(self.server.get('/_node/_local/_security_report'), 200)
        self.assertIn('[cors] origins', [finding['setting'] for finding in report['findings']])
        self.assertEqual(report['server_admins']['by_role'], ['chief'])
        self.assertEqual(report['authorization']['admin_roles'], ['super_admin'])
