"""The base of tests with policies and the users that they bind."""
import requests

from harness.case import ServerTestCase

PASSWORD = 'a sturdy password'


class PoliciesTestCase(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.server.put('/_policies')
        self.addCleanup(self.server.delete, '/_policies')

    def policy(self, doc_id, /, **members):
        path = '/_policies/' + doc_id
        present = self.server.get(path)
        if present.status_code == 200:
            members['_rev'] = present.json()['_rev']
        return self.answer(self.server.put(path, json=members), 201)

    def drop_policy(self, name):
        rev = self.server.get('/_policies/' + name).json()['_rev']
        self.answer(self.server.delete('/_policies/' + name, params={'rev': rev}), 200)

    def user(self, name, *roles):
        """A session of a user with these roles."""
        path = '/_users/org.couchdb.user:' + name
        present = self.server.get(path)
        members = {'_rev': present.json()['_rev']} if present.status_code == 200 else {}
        self.answer(self.server.put(path, json={'name': name, 'type': 'user', 'roles': list(roles),
                                                'password': PASSWORD, **members}), 201)
        session = requests.Session()
        session.trust_env = False
        session.auth = (name, PASSWORD)
        self.addCleanup(session.close)
        return session

    def make(self, *names):
        for name in names:
            self.server.delete('/' + name)
            self.answer(self.server.put('/' + name), 201)
            self.addCleanup(self.server.delete, '/' + name)
            self.answer(self.server.put('/%s/a' % name, json={'n': 1}), 201)

    def ask(self, session, method, path, **options):
        return session.request(method, self.server.url + path, timeout=60, **options)

    def statuses(self, session, *requests_):
        return [self.ask(session, method, path, **({'json': body} if body is not None else {})).status_code
                for method, path, body in requests_]


class DocumentRulesTestCase(PoliciesTestCase):
    """A database whose members rules bind."""

    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.answer(self.server.put('/%s/_security' % self.db, json={'members': {'roles': ['member']}}), 200)

    def member(self, name, *roles, **attributes):
        session = self.user(name, 'member', *roles)
        if attributes:
            path = '/_users/org.couchdb.user:' + name
            document = self.server.get(path).json()
            self.answer(self.server.put(path, json={**document, 'policy_attributes': attributes}), 201)
        return session

    def rule(self, name, filter_, *permissions, **members):
        return self.policy(name, type='document_rule', databases=[self.db], filter=filter_,
                           permissions=list(permissions) or ['read'], **members)

    def get(self, session, path='', status=200, **options):
        return self.answer(self.ask(session, 'GET', '/%s%s' % (self.db, path), **options), status)

    def post(self, session, path, body, status=200, **options):
        return self.answer(self.ask(session, 'POST', '/%s%s' % (self.db, path), json=body, **options), status)

    def put_documents(self, documents):
        self.answer(self.server.post('/%s/_bulk_docs' % self.db, json={'docs': documents}), 201)
