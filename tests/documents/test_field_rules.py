"""Field rules: whatever is asked, and however, a user sees the fields that the rules leave, and changes no others."""
import base64
import collections
import copy
import json
import random
import urllib.parse

from harness.policies import DocumentRulesTestCase
from harness.pouchdb import PouchDB

OWNERS = ['anna', 'bert', 'cleo']
EVERY = 'function (doc) { emit(doc.n, null); }'
DESIGN = {
    'views': {'safe': {'map': EVERY}, 'count': {'map': EVERY, 'reduce': '_count'},
              'pay': {'map': 'function (doc) { emit(doc.pay, doc.card); }'}},
    'lists': {'l': 'function () { var row; while (row = getRow()) send(JSON.stringify(row)); }'},
    'shows': {'s': 'function (doc) { return JSON.stringify(doc); }'},
    'filters': {'paid': 'function (doc) { return doc.pay !== undefined; }'},
    'updates': {'u': 'function (doc, req) { doc.touched = true; return [doc, JSON.stringify(doc)]; }'},
}


def random_document(rng, number):
    """What rules may conceal says so, with a word that stands nowhere else."""
    document = {'_id': '%s:%03d' % (rng.choice('abc'), number), 'n': number, 'kind': rng.choice('xy'),
                'owner': rng.choice(OWNERS)}
    if rng.random() < 0.8:
        document['pay'] = 'PAY%03d' % number
    if rng.random() < 0.8:
        document['card'] = 'CARD%03d' % number
    if rng.random() < 0.8:
        document['home'] = {'street': 'STREET%03d' % number, 'town': 'TOWN%03d' % number}
    if rng.random() < 0.5:
        items = [{'price': 'PRICE%03d' % number, 'name': 'NAME%03d' % number}]
        document['items'] = items if rng.random() < 0.7 else items[0]
    if rng.random() < 0.2:
        document['_attachments'] = {'a.txt': {'content_type': 'text/plain', 'data': base64.b64encode(b'a').decode()}}
    return document


def is_of_another(doc, user):
    return doc['owner'] != user


# Members of rules, and which documents they mean.
RULES = [
    ({'hide': ['pay']}, None),
    ({'hide': ['home.street'], 'mask': {'card': '****'}}, None),
    ({'hide': ['items.price']}, None),
    ({'hide': ['pay', 'home'], 'filter': {'owner': {'$ne': '{user.name}'}}}, is_of_another),
    ({'mask': {'home': {'town': 'somewhere'}, 'pay': 0}, 'filter': {'kind': 'x'}}, lambda doc, user: doc['kind'] == 'x'),
    ({'mask': {'card': None}, 'filter': {'team': '{user.team}'}}, None),
    ({'read_only': ['kind', 'card']}, None),
]


def holder_of(doc, path):
    """The object and the member that a path means: a list on the way as a whole."""
    *way, last = path.split('.')
    for step in way:
        if isinstance(doc.get(step), list):
            return doc, step
        if not isinstance(doc.get(step), dict):
            return None, None
        doc = doc[step]
    return (doc, last) if last in doc else (None, None)


def visible(doc, user, rules):
    """The slow evaluation: what the user sees of a document."""
    shown = copy.deepcopy(doc)
    meant = [members for members, means in rules if means is None or means(doc, user)]
    for members in meant:
        for path in members.get('hide', []):
            holder, name = holder_of(shown, path)
            if holder is not None:
                del holder[name]
    for members in meant:
        for path, value in members.get('mask', {}).items():
            holder, name = holder_of(shown, path)
            if holder is not None:
                holder[name] = value
    return shown


def words_of(value):
    if isinstance(value, dict):
        return set().union(*map(words_of, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(words_of, value)) if value else set()
    return {value} if isinstance(value, str) and value[-3:].isdigit() and value[0].isupper() else set()


def body_of(doc):
    return {name: value for name, value in doc.items() if not name.startswith('_')}


class FieldRulesTestCase(DocumentRulesTestCase):
    def field_rule(self, name, **members):
        return self.policy(name, type='field_rule', databases=[self.db], **members)

    def stored(self, doc_id):
        return self.answer(self.server.get('/%s/%s' % (self.db, urllib.parse.quote(doc_id, safe=''))), 200)


class ReadTest(FieldRulesTestCase):
    """Random documents and rules; each way to read shows what the slow evaluation here allows, and no answer has a word
    of what it does not."""

    def read(self, session, method, path, status=200, **options):
        answer = self.ask(session, method, '/%s%s' % (self.db, path), **options)
        self.assertEqual(answer.status_code, status, (path, answer.text))
        text = answer.text + json.dumps(dict(answer.headers))
        self.assertEqual([word for word in self.hidden_words if word in text], [], path)
        return answer

    def check_docs(self, docs, path):
        """Documents as they were answered, of those that are shown."""
        for doc in docs:
            if not doc['_id'].startswith('_design/'):
                self.assertEqual(body_of(doc), body_of(self.shown[doc['_id']]), (path, doc['_id']))

    def check(self, session):
        self.check_documents(session)
        self.check_listings(session)
        self.check_changes(session)
        self.check_queries(session)
        self.check_functions(session)
        self.check_replication(session)

    def check_documents(self, session):
        for doc_id in self.shown:
            path = '/' + urllib.parse.quote(doc_id, safe='')
            rev = self.stored(doc_id)['_rev']
            for suffix in ('', '?conflicts=true', '?revs_info=true', '?revs=true', '?meta=true', '?attachments=true',
                           '?local_seq=true', '?rev=' + rev, '?rev=%s&latest=true' % rev):
                answer = self.read(session, 'GET', path + suffix, headers={'Accept': 'application/json'})
                self.check_docs([answer.json()], path + suffix)
                self.assertEqual('private' in answer.headers['Cache-Control'], self.is_restricted)
            for revs in ('all', urllib.parse.quote(json.dumps([rev]))):
                answer = self.read(session, 'GET', '%s?open_revs=%s' % (path, revs), headers={'Accept': 'application/json'})
                self.check_docs([row['ok'] for row in answer.json()], path)
                self.read(session, 'GET', '%s?open_revs=%s' % (path, revs), headers={'Accept': 'multipart/mixed'})
            self.read(session, 'HEAD', path)
            if '_attachments' in self.shown[doc_id]:
                self.read(session, 'GET', path + '?attachments=true', headers={'Accept': 'multipart/related'})
                self.assertEqual(self.read(session, 'GET', path + '/a.txt').text, 'a')
        answer = self.read(session, 'POST', '/_bulk_get', json={'docs': [{'id': doc_id} for doc_id in self.shown]})
        self.check_docs([result['docs'][0]['ok'] for result in answer.json()['results']], '_bulk_get')

    def check_listings(self, session):
        for path in ('/_all_docs?include_docs=true', '/_all_docs?include_docs=true&conflicts=true&attachments=true',
                     '/_all_docs?include_docs=true&descending=true&skip=3'):
            answer = self.read(session, 'GET', path).json()
            self.check_docs([row['doc'] for row in answer['rows']], path)
            self.assertEqual(answer['total_rows'], len(self.shown) + 2)
        rows = self.read(session, 'POST', '/_all_docs?include_docs=true', json={'keys': list(self.shown)}).json()['rows']
        self.check_docs([row['doc'] for row in rows], 'keys')

    def check_changes(self, session):
        paid = sorted(doc_id for doc_id, doc in self.shown.items() if 'pay' in doc)
        for path in ('/_changes?include_docs=true', '/_changes?include_docs=true&style=all_docs&conflicts=true',
                     '/_changes?include_docs=true&descending=true',
                     '/_changes?include_docs=true&feed=continuous&timeout=1',
                     '/_changes?include_docs=true&filter=d/paid', '/_changes?include_docs=true&filter=_view&view=d/pay'):
            text = self.read(session, 'GET', path).text
            if 'continuous' in path:
                rows = [row for row in (json.loads(line) for line in text.splitlines() if line) if 'id' in row]
            else:
                rows = json.loads(text)['results']
            self.check_docs([row['doc'] for row in rows], path)
            ids = sorted(row['id'] for row in rows if not row['id'].startswith('_design/'))
            self.assertEqual(ids, paid if 'paid' in path else sorted(self.shown), path)
        rows = self.read(session, 'POST', '/_changes?filter=_selector&include_docs=true',
                         json={'selector': {'pay': {'$exists': True}}}).json()['results']
        self.assertEqual(sorted(row['id'] for row in rows), paid)
        self.check_docs([row['doc'] for row in rows], '_selector')

    def check_queries(self, session):
        def find(**body):
            docs = self.read(session, 'POST', '/_find', json={'limit': 1000, **body}).json()['docs']
            return sorted(doc['n'] for doc in docs), docs

        def expected(matches):
            return sorted(doc['n'] for doc in self.shown.values() if matches(doc))

        selectors = [({'n': {'$gte': 0}}, lambda doc: True),
                     ({'pay': {'$gt': None}}, lambda doc: 'pay' in doc),
                     ({'pay': {'$exists': False}, 'n': {'$gt': -1}}, lambda doc: 'pay' not in doc),
                     ({'card': '****'}, lambda doc: doc.get('card') == '****'),
                     ({'home.street': {'$regex': 'STREET0'}}, lambda doc: isinstance(doc.get('home'), dict) and
                      doc['home'].get('street', '').startswith('STREET0')),
                     ({'$or': [{'pay': 'PAY001'}, {'pay': 'PAY002'}, {'n': 3}]},
                      lambda doc: doc.get('pay') in ('PAY001', 'PAY002') or doc['n'] == 3),
                     ({'items': {'$elemMatch': {'price': {'$exists': True}}}},
                      lambda doc: isinstance(doc.get('items'), list) and 'price' in doc['items'][0])]
        for selector, matches in selectors:
            for options in ({}, {'execution_stats': True}, {'use_index': 'q'}, {'use_index': ['q', 'partial']}):
                got, docs = find(selector=selector, **options)
                self.assertEqual(got, expected(matches), (selector, options))
                self.check_docs(docs, selector)
            body = {'selector': selector, 'limit': 1, 'count': True}
            self.assertEqual(self.read(session, 'POST', '/_find', json=body).json()['count'],
                             len(expected(matches)), selector)
        docs = find(selector={'n': {'$gte': 0}}, fields=['n', 'pay', 'home'])[1]
        for doc in docs:
            shown = next(other for other in self.shown.values() if other['n'] == doc['n'])
            self.assertEqual(doc, {name: shown[name] for name in ('n', 'pay', 'home') if name in shown})
        # Groups, and what is computed of concealed fields.
        for name in ('pay', 'card'):
            answer = self.read(session, 'POST', '/_find', json={
                'selector': {'n': {'$gte': 0}}, 'group_by': [name], 'aggregate': {'count': 'count'}, 'limit': 1000}).json()
            counts = collections.Counter(json.dumps(doc[name]) for doc in self.shown.values() if name in doc)
            self.assertEqual({json.dumps(group[name]): group['count'] for group in answer['groups']}, counts)
        for selector in ({'n': {'$gte': 0}}, {'kind': 'x'}, {'pay': {'$gt': None}}):
            shown = [doc for doc in self.shown.values()
                     if ('kind' not in selector or doc['kind'] == 'x') and ('pay' not in selector or 'pay' in doc)]
            groups = self.read(session, 'POST', '/_find', json={'selector': selector, 'aggregate': {
                'most': {'max': 'pay'}, 'paid': {'count': 'pay'}}}).json()['groups']
            self.assertEqual(sum(group['paid'] for group in groups), sum('pay' in doc for doc in shown))
        # A guess is as good as any other where the field is concealed.
        for number in range(len(self.shown)):
            word = 'PAY%03d' % number
            got, _ = find(selector={'pay': word})
            self.assertEqual(got, expected(lambda doc, word=word: doc.get('pay') == word))
        self.read(session, 'POST', '/_explain', json={'selector': {'pay': {'$gt': None}}})

    def check_functions(self, session):
        # Of a view that nobody has judged a user under field rules sees nothing.
        for path in ('/_design/d/_view/pay', '/_design/d/_view/count', '/_design/d/_list/l/pay', '/_design/d/_info',
                     '/_design/q/_view/pay?reduce=false'):
            self.read(session, 'GET', path, 403 if self.is_restricted else 200)
        for path in ('/_design/d/_view/safe?include_docs=true', '/_design/d/_view/safe?include_docs=true&descending=true'):
            rows = self.read(session, 'GET', path).json()['rows']
            self.assertEqual(len(rows), len(self.shown))
            self.check_docs([row['doc'] for row in rows], path)
        self.read(session, 'GET', '/_design/d/_list/l/safe?include_docs=true')
        for doc_id in list(self.shown)[:5]:
            quoted = urllib.parse.quote(doc_id, safe='')
            self.check_docs([self.read(session, 'GET', '/_design/d/_show/s/' + quoted).json()], 'show')
            self.read(session, 'PUT', '/_design/d/_update/u/' + quoted, 201)
            stored, before = self.stored(doc_id), self.documents[doc_id]
            self.assertEqual(body_of(stored), {**body_of(before), 'touched': True})
            self.documents[doc_id] = {**before, 'touched': True}
            self.shown[doc_id]['touched'] = True

    def check_replication(self, session):
        target = self.database('_copy')
        self.answer(self.server.put('/%s/_security' % target, json={}), 200)
        self.answer(self.ask(session, 'POST', '/_replicate', json={'source': self.db, 'target': target}), 200)
        rows = self.server.get('/%s/_all_docs?include_docs=true' % target).json()['rows']
        self.assertEqual(sorted(row['id'] for row in rows if row['id'][0] != '_'), sorted(self.shown))
        self.check_docs([row['doc'] for row in rows], 'replication')

    def test_random_rules(self):
        for seed in range(5):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                self.db = self.database('_%d' % seed)
                self.answer(self.server.put('/%s/_security' % self.db, json={'members': {'roles': ['member']}}), 200)
                self.answer(self.server.put('/%s/_design/d' % self.db, json=DESIGN), 201)
                for index, members in (('n', {}), ('pay', {}), ('home.street', {}), ('items.[].price', {}),
                                       ('kind', {'partial_filter_selector': {'pay': {'$exists': True}}})):
                    self.answer(self.server.post('/%s/_index' % self.db, json={
                        'index': {'fields': [index], **members}, 'ddoc': 'q',
                        'name': 'partial' if members else index}), 200)
                self.random_round(rng)

    def random_round(self, rng):
        documents = [random_document(rng, number) for number in range(30)]
        self.put_documents(documents)
        user = rng.choice(OWNERS)
        session = self.member(user)
        self.rules = rng.sample(RULES, rng.randint(1, 3))
        for number, (members, _) in enumerate(self.rules):
            self.field_rule('f%d' % number, **members, safe_views=['d/safe'])
        own_only = rng.random() < 0.3
        if own_only:
            self.rule('own', {'owner': '{user.name}'}, 'read', 'write')
        documents = {doc['_id']: doc for doc in documents if not own_only or doc['owner'] == user}
        self.documents = documents
        self.is_restricted = own_only or any('hide' in members or 'mask' in members for members, _ in self.rules)
        self.shown = {doc_id: visible(doc, user, self.rules) for doc_id, doc in documents.items()}
        self.hidden_words = sorted(words_of(list(documents.values())) - words_of(list(self.shown.values())))
        if own_only:
            self.check_documents(session)
            self.check_changes_of_own(session)
            self.check_replication(session)
        else:
            self.check(session)
        for policy in self.server.get('/_policies/_all_docs').json()['rows']:
            self.server.delete('/_policies/' + policy['id'], params={'rev': policy['value']['rev']})

    def check_changes_of_own(self, session):
        rows = self.read(session, 'GET', '/_changes?include_docs=true').json()['results']
        self.check_docs([row['doc'] for row in rows], '_changes')
        self.assertEqual(sorted(row['id'] for row in rows if row['id'][0] != '_'), sorted(self.shown))


class WriteTest(FieldRulesTestCase):
    def setUp(self):
        super().setUp()
        self.field_rule('f', hide=['pay', 'notes.inner'], mask={'card': '****'}, read_only=['state'], except_roles=['hr'])
        self.anna, self.chief = self.member('anna'), self.member('chief', 'hr')
        self.document = {'n': 1, 'pay': 5, 'card': '1234', 'state': 'new', 'notes': {'inner': 'x', 'outer': 'y'}}
        self.rev = self.answer(self.server.put('/%s/d' % self.db, json=self.document), 201)['rev']

    def assert_stored(self, doc_id='d', **changes):
        expected = {**self.document, **changes}
        self.assertEqual(body_of(self.stored(doc_id)), expected)

    def test_what_is_read_and_saved_loses_nothing(self):
        shown = self.get(self.anna, '/d')
        self.assertEqual(body_of(shown), {'n': 1, 'card': '****', 'state': 'new', 'notes': {'outer': 'y'}})
        self.assertEqual(body_of(self.get(self.chief, '/d')), self.document)
        self.answer(self.ask(self.anna, 'PUT', '/%s/d' % self.db, json={**shown, 'n': 2}), 201)
        self.assert_stored(n=2)
        shown = self.get(self.anna, '/d')
        self.post(self.anna, '/_bulk_docs', {'docs': [{**shown, 'n': 3, 'pay': 9, 'card': 'mine', 'state': 'done'}]}, 201)
        self.assert_stored(n=3)
        self.answer(self.ask(self.anna, 'POST', '/' + self.db, json={'_id': 'd', '_rev': self.stored('d')['_rev'], 'n': 4}), 201)
        self.assert_stored(n=4, notes={'inner': 'x'})
        # With attachments, whose routes read and write the whole document.
        rev = self.stored('d')['_rev']
        self.answer(self.ask(self.anna, 'PUT', '/%s/d/a.txt?rev=%s' % (self.db, rev), data=b'x',
                             headers={'Content-Type': 'text/plain'}), 201)
        self.assert_stored(n=4, notes={'inner': 'x'})
        self.answer(self.ask(self.anna, 'DELETE', '/%s/d/a.txt?rev=%s' % (self.db, self.stored('d')['_rev'])), 200)
        self.assert_stored(n=4, notes={'inner': 'x'})
        self.answer(self.ask(self.anna, 'PUT', '/%s/d' % self.db, json={**shown, 'n': 5}), 409)
        self.answer(self.ask(self.chief, 'PUT', '/%s/d' % self.db, json={**self.stored('d'), 'pay': 6}), 201)
        self.assert_stored(n=4, notes={'inner': 'x'}, pay=6)

    def test_new_documents_have_no_such_fields(self):
        self.answer(self.ask(self.anna, 'PUT', '/%s/new' % self.db, json={'n': 1, 'notes': {'outer': 1}}), 201)
        for field in ('pay', 'card', 'state'):
            answer = self.ask(self.anna, 'PUT', '/%s/forged' % self.db, json={'n': 1, field: 'x'})
            self.assertIn(field, self.error(answer, 403, 'forbidden'))
        answer = self.ask(self.anna, 'COPY', '/%s/d' % self.db, headers={'Destination': 'copied'})
        self.assertIn('card', self.error(answer, 403, 'forbidden'))
        self.assertEqual(self.server.get('/%s/copied' % self.db).status_code, 404)

    def test_deletions(self):
        rev = self.answer(self.ask(self.anna, 'DELETE', '/%s/d?rev=%s' % (self.db, self.rev)), 200)['rev']
        tombstone = self.answer(self.server.get('/%s/d?rev=%s' % (self.db, rev)), 200)
        self.assertEqual(body_of(tombstone), {})
        self.answer(self.server.put('/%s/e' % self.db, json=self.document), 201)
        shown = self.get(self.anna, '/e')
        rev = self.answer(self.ask(self.anna, 'PUT', '/%s/e' % self.db, json={**shown, '_deleted': True}), 200)['rev']
        tombstone = self.answer(self.server.get('/%s/e?rev=%s' % (self.db, rev)), 200)
        self.assertEqual((tombstone['card'], tombstone['n'], 'pay' in tombstone), ('1234', 1, False))
        # What a tombstone has of such fields is concealed as well.
        self.assertEqual(self.get(self.anna, '/e?rev=' + rev)['card'], '****')

    def push(self, doc_id, **document):
        answer = self.post(self.anna, '/_bulk_docs', {'new_edits': False, 'docs': [{'_id': doc_id, **document}]}, 201)
        return [row['error'] for row in answer]

    def test_a_push_wipes_nothing(self):
        shown = self.get(self.anna, '/d?revs=true')
        ids = shown.pop('_revisions')['ids']
        path = {'_rev': '2-' + 'f' * 32, '_revisions': {'start': 2, 'ids': ['f' * 32] + ids}}
        self.assertEqual(self.push('d', **{**shown, **path, 'n': 2}), ['forbidden'])
        answer = self.ask(self.anna, 'PUT', '/%s/d?new_edits=false' % self.db, json={**shown, **path, 'n': 2})
        self.error(answer, 403, 'forbidden')
        # Neither does a right guess pass: that would tell that it is right.
        self.assertEqual(self.push('d', **{**self.document, **path, 'n': 2}), ['forbidden'])
        self.assertEqual(self.push('d', _rev='9-' + 'a' * 32, n=2), ['forbidden'], 'a branch beside it')
        self.assert_stored()
        self.assertEqual(self.push('fresh', _rev='1-' + 'a' * 32, n=1), [])
        self.assertEqual(self.push('forged', _rev='1-' + 'a' * 32, n=1, pay=9), ['forbidden'])
        self.assertEqual(self.push('forged', _rev='1-' + 'a' * 32, n=1, state='done'), ['forbidden'])
        self.assertEqual(self.push('d', **path, _deleted=True, pay=5), ['forbidden'])
        self.assertEqual(self.push('d', **path, _deleted=True), [])
        self.assertEqual(self.server.get('/%s/d' % self.db).status_code, 404)

    def test_a_setting_allows_pushes(self):
        path = '/_node/_local/_config/authorization/allow_pushes_under_field_rules'
        self.answer(self.server.put(path, json='true'), 200)
        self.addCleanup(self.server.delete, path)
        ids = [self.rev.split('-')[1]]
        members = {'_rev': '2-' + 'f' * 32, '_revisions': {'start': 2, 'ids': ['f' * 32] + ids}}
        self.assertEqual(self.push('d', **members, n=2, state='done'), ['forbidden'], 'read-only is read-only')
        self.assertEqual(self.push('d', **members, n=2, state='new'), [])
        self.assertEqual(body_of(self.stored('d')), {'n': 2, 'state': 'new'})

    def test_tags_and_caches(self):
        path = '/%s/d' % self.db
        first = self.ask(self.anna, 'GET', path)
        tag = first.headers['ETag']
        self.assertEqual(first.headers['Cache-Control'], 'private, must-revalidate')
        self.assertNotEqual(tag, '"%s"' % self.rev)
        self.assertTrue(tag.startswith('"' + self.rev))
        self.assertEqual(self.ask(self.anna, 'GET', path, headers={'If-None-Match': tag}).status_code, 304)
        self.assertEqual(self.ask(self.anna, 'GET', path + '?revs=true').headers['ETag'], tag)
        self.assertEqual(self.ask(self.chief, 'GET', path).headers['ETag'], '"%s"' % self.rev)
        self.assertEqual(self.ask(self.chief, 'GET', path).headers['Cache-Control'], 'must-revalidate')
        self.field_rule('g', hide=['n'])
        changed = self.ask(self.anna, 'GET', path, headers={'If-None-Match': tag})
        self.assertEqual(changed.status_code, 200)
        answer = self.ask(self.anna, 'PUT', path, json={'m': 1}, headers={'If-Match': changed.headers['ETag']})
        self.assertEqual(answer.status_code, 201, answer.text)
        self.assertTrue(answer.headers['ETag'].startswith('"2-'))
        self.assertEqual(self.stored('d')['n'], 1)

    def test_a_revision_does_not_tell_what_is_hidden(self):
        plain = self.database('_plain')
        free = self.answer(self.server.put('/%s/d' % plain, json=self.document), 201)['rev']
        self.assertNotEqual(free, self.rev, 'who knows the rest could try what gives this digest')
        again = self.answer(self.server.put('/%s/again' % self.db, json=self.document), 201)['rev']
        self.assertEqual(again, self.rev, 'the same content has the same revision')

    def test_malformed_rules_are_refused(self):
        for members in ({}, {'hide': ['_id']}, {'hide': 'pay'}, {'mask': ['pay']}, {'hide': ['pay'], 'filter': {'$x': 1}}):
            answer = self.server.put('/_policies/bad', json={'type': 'field_rule', 'databases': ['*'], **members})
            self.error(answer, 403, 'forbidden')


class QueryTest(FieldRulesTestCase):
    def setUp(self):
        super().setUp()
        self.anna = self.member('anna')
        self.put_documents([{'_id': 'd%d' % number, 'n': number, 'pay': 9 - number} for number in range(9)])
        for field in ('pay', 'n'):
            self.answer(self.server.post('/%s/_index' % self.db, json={
                'index': {'fields': [field]}, 'ddoc': field, 'name': field}), 200)

    def test_an_index_does_not_tell_the_order(self):
        body = {'selector': {'pay': {'$gt': None}}, 'sort': ['pay']}
        self.assertEqual([doc['pay'] for doc in self.post(self.anna, '/_find', body)['docs']], list(range(1, 10)))
        self.field_rule('f', mask={'pay': 0})
        answer = self.ask(self.anna, 'POST', '/%s/_find' % self.db, json=body)
        self.error(answer, 400, 'no_usable_index')
        body = {'selector': {'pay': {'$gt': None}}}
        self.assertEqual(self.post(self.anna, '/_explain', body)['index']['name'], '_all_docs')
        self.assertEqual([doc['pay'] for doc in self.post(self.anna, '/_find', body)['docs']], [0] * 9)
        body = {'selector': {'n': {'$gt': 3}}, 'sort': ['n']}
        self.assertEqual(self.post(self.anna, '/_explain', body)['index']['name'], 'n')

    def test_a_bookmark_of_other_rules_leads_nowhere(self):
        page = self.post(self.anna, '/_find', {'selector': {'pay': {'$gt': None}}, 'sort': ['pay'], 'limit': 2})
        self.field_rule('f', hide=['pay'])
        answer = self.ask(self.anna, 'POST', '/%s/_find' % self.db, json={
            'selector': {'pay': {'$gt': None}}, 'limit': 2, 'bookmark': page['bookmark']})
        self.assertNotIn('d', [doc.get('pay') for doc in answer.json().get('docs', [])])
        self.assertTrue(answer.status_code == 400 or answer.json()['docs'] == [], answer.text)


class ChangeOfRulesTest(FieldRulesTestCase):
    def test_a_since_of_other_rules_begins_anew(self):
        anna = self.member('anna')
        self.put_documents([{'_id': 'd%d' % number, 'pay': number} for number in range(4)])
        self.field_rule('f', hide=['pay'])
        since = self.get(anna, '/_changes')['last_seq']
        self.assertTrue(since.startswith('0-'), since)
        self.assertEqual(self.get(anna, '/_changes?since=%s' % since)['results'], [])
        self.assertEqual(self.get(anna)['doc_count'], 4)
        self.field_rule('f', mask={'pay': 0})
        self.assertEqual(len(self.get(anna, '/_changes?since=%s' % since)['results']), 4)
        self.drop_policy('f')
        self.assertEqual(len(self.get(anna, '/_changes?since=%s' % since)['results']), 4)

    def test_a_feed_ends_when_rules_change(self):
        anna = self.member('anna')
        self.put_documents([{'_id': 'd', 'pay': 1}])
        self.field_rule('f', mask={'pay': 0})
        answer = anna.get('%s/%s/_changes' % (self.server.url, self.db), stream=True, timeout=60,
                          params={'feed': 'continuous', 'heartbeat': 60000, 'include_docs': 'true'})
        lines = answer.iter_lines()
        self.assertEqual(json.loads(next(lines))['doc']['pay'], 0)
        self.field_rule('f', hide=['pay'])
        self.assertEqual([line for line in lines if line and b'last_seq' not in line], [])


class PouchTest(FieldRulesTestCase):
    def test_a_device_has_what_its_user_may_see_and_wipes_nothing(self):
        self.put_documents([{'_id': 'd%d' % number, 'n': number, 'pay': 'PAY%03d' % number, 'card': 'CARD%03d' % number}
                            for number in range(4)])
        self.field_rule('f', hide=['pay'], mask={'card': '****'}, roles=['member'])
        anna = self.member('anna')
        url = '%s/%s' % (self.server.url.replace('://', '://anna:%s@' % urllib.parse.quote(anna.auth[1])), self.db)
        device = PouchDB().start()
        self.addCleanup(device.close)
        self.assertTrue(device.call('once', url, {})['pulled']['ok'])
        copies = device.call('leaves')
        self.assertEqual({doc_id: [body_of(leaf) for leaf in leaves] for doc_id, leaves in copies.items()},
                         {'d%d' % number: [{'n': number, 'card': '****'}] for number in range(4)})
        # An edit of a masked copy is refused; what is new goes through.
        device.call('put', {'_id': 'd0', 'n': 10, 'card': '****'})
        device.call('put', {'_id': 'new', 'n': 11})
        pushed = device.call('once', url, {})['pushed']
        self.assertEqual((pushed['docs_written'], pushed['doc_write_failures']), (1, 1))
        stored = self.stored('d0')
        self.assertEqual((stored['n'], stored['pay'], stored['card']), (0, 'PAY000', 'CARD000'))
        self.assertEqual(self.stored('new')['n'], 11)
        # Other rules: new revisions come as these show them.
        self.field_rule('f', mask={'card': '####'}, roles=['member'])
        self.answer(self.server.put('/%s/d1' % self.db, json={**self.stored('d1'), 'n': 20}), 201)
        device.call('once', url, {})
        copies = device.call('leaves')
        self.assertEqual([body_of(leaf) for leaf in copies['d1']], [{'n': 20, 'pay': 'PAY001', 'card': '####'}])
        self.assertNotIn('CARD', json.dumps(copies))


class ExplainTest(FieldRulesTestCase):
    def test_the_rules_that_conceal_are_named(self):
        self.member('anna')
        self.put_documents([{'_id': 'd', 'kind': 'x', 'pay': 1}])
        self.field_rule('pay-rule', hide=['pay'], filter={'kind': 'x'})
        answer = self.answer(self.server.post('/_access/explain', json={
            'database': self.db, 'user': 'anna', 'operation': 'read', 'document': 'd'}), 200)
        self.assertTrue(answer['access_granted'])
        self.assertIn('field rule pay-rule', answer['permissions_checked'])
        self.assertTrue(any('pay-rule' in warning for warning in answer['security_warnings']))
        report = self.answer(self.server.get('/_node/_local/_security_report'), 200)
        self.assertTrue(report['authorization']['field_level_permissions'])
        self.assertEqual(report['authorization']['field_rules'], {'pay-rule': {'hide': ['pay'], 'mask': [], 'read_only': []}})
