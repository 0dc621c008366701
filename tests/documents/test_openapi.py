"""The description of the API is true: each operation is called, and its answer fits what is declared."""
import json
import re
import unittest

from harness import schema
from harness.case import ServerTestCase, wait_until
from harness.server import ROOT

OPERATIONS = {'get': 'GET', 'put': 'PUT', 'post': 'POST', 'delete': 'DELETE', 'x-copy': 'COPY'}
JSON_TYPE = {'Content-Type': 'application/json'}
FORM_TYPE = {'Content-Type': 'multipart/form-data; boundary=b'}
FORM = ('--b\r\nContent-Disposition: form-data; name="_rev"\r\n\r\n{rev}\r\n'
        '--b\r\nContent-Disposition: form-data; name="_attachments"; filename="form.txt"\r\n'
        'Content-Type: text/plain\r\n\r\nform\r\n--b--\r\n')

# What fills the parameters of paths.
VALUES = {'node': '_local', 'name': 'nobody', 'address': '192.0.2.1', 'section': 'uuids', 'key': 'max_count', 'docid': 'doc', 'ddoc': 'design',
          'replicator_db': '_replicator', 'partition': 'p', 'type': 'json', 'name': 'index',
          'localid': 'local', 'view': 'view', 'function': 'func', 'view_ddoc': 'design', 'attname': 'folder/file.txt', 'path': 'couchdb/httpd'}

DESIGN = {'views': {'view': {'map': 'function (doc) { emit(doc._id, doc.a) }', 'reduce': '_count'}},
          'lists': {'func': 'function (head, req) { while (getRow()) send("row\\n") }'},
          'shows': {'func': 'function (doc, req) { return {json: [doc && doc._id]} }'},
          'updates': {'func': 'function (doc, req) { return [null, "text"] }'}}
# What each POST and PUT sends; a callable gets the test. What is not named sends nothing.
BODIES = {
    'PUT /{db}/_security': '{}',
    'PUT /{db}/_revs_limit': '1000',
    'PUT /{db}/_purged_infos_limit': '1000',
    'PUT /{db}/_auto_purge': '{}',
    'PUT /{db}/{docid}': '{"a":1}',
    'PUT /{db}/_design/{ddoc}': json.dumps(DESIGN),
    'PUT /{db}/_local/{localid}': '{"a":1}',
    'PUT /_node/{node}/_config/{section}/{key}': '"999"',
    'POST /{db}': '{"a":1}',
    'POST /{db}/_bulk_docs': '{"docs":[{"_id":"one"},{"_id":"two","a":[1,2]}]}',
    'POST /{db}/_bulk_get': '{"docs":[{"id":"doc"},{"id":"none"}]}',
    'POST /{db}/_purge': '{"doc":["1-abc"]}',
    'POST /{db}/_revs_diff': '{"doc":["1-abc"]}',
    'POST /{db}/_missing_revs': '{"doc":["1-abc"]}',
    'POST /{db}/_changes': '{}',
    'POST /{db}/_all_docs': '{"keys":["doc","none"]}',
    'POST /{db}/_all_docs/queries': '{"queries":[{"limit":1},{"keys":["doc"]}]}',
    'POST /{db}/_design_docs': '{}',
    'POST /{db}/_design_docs/queries': '{"queries":[{}]}',
    'POST /{db}/_local_docs': '{}',
    'POST /{db}/_local_docs/queries': '{"queries":[{}]}',
    'POST /{db}/_design/{ddoc}/_view/{view}': '{"reduce":false,"keys":["doc","none"],"include_docs":true}',
    'POST /{db}/_design/{ddoc}/_view/{view}/queries': '{"queries":[{"reduce":false},{"group":true}]}',
    'POST /{db}/_design/{ddoc}/_list/{function}/{view}': '{"keys":["doc"]}',
    'POST /{db}/_design/{ddoc}/_list/{function}/{view_ddoc}/{view}': '{}',
    'POST /{db}/_partition/{partition}/_all_docs': '{"keys":["p:doc","p:none"]}',
    'POST /{db}/_partition/{partition}/_all_docs/queries': '{"queries":[{"limit":1}]}',
    'POST /{db}/_partition/{partition}/_design/{ddoc}/_view/{view}': '{"reduce":false,"include_docs":true}',
    'POST /{db}/_partition/{partition}/_design/{ddoc}/_view/{view}/queries': '{"queries":[{"reduce":false},{}]}',
    'POST /{db}/_partition/{partition}/_design/{ddoc}/_list/{function}/{view}': '{"keys":["p:doc"]}',
    'POST /{db}/_partition/{partition}/_design/{ddoc}/_list/{function}/{view_ddoc}/{view}': '{}',
    'POST /{db}/_partition/{partition}/_find': '{"selector":{"a":1}}',
    'POST /{db}/_partition/{partition}/_explain': '{"selector":{"a":1}}',
    'POST /{db}/_find': '{"selector":{"a":1},"execution_stats":true,"count":true}',
    'POST /{db}/_explain': '{"selector":{"a":1},"verbose":true}',
    'POST /{db}/_index': '{"index":{"fields":["b"]},"ddoc":"indexed","name":"by_b"}',
    'POST /{db}/_index/_bulk_delete': '{"docids":["indexed","none"]}',
    'POST /{db}/_compact': '{}',
    'POST /{db}/_compact/{ddoc}': '{}',
    'POST /{db}/_view_cleanup': '{}',
    'POST /{db}/_search_cleanup': '{}',
    'POST /{db}/_nouveau_cleanup': '{}',
    'POST /{db}/_ensure_full_commit': '{}',
    'POST /{db}/_sync_shards': '{}',
    'POST /_dbs_info': '{"keys":["_users","none"]}',
    'POST /_cluster_setup': '{"action":"finish_cluster"}',
    'POST /_access/explain': '{"user":null,"operation":"read","database":"_users"}',
    'POST /_replicate': lambda test: json.dumps(test.replication()),
    'POST /_session': lambda test: json.dumps({'name': test.server.user, 'password': test.server.password}),
}
# The names in paths of indexes.
INDEX = {'ddoc': 'indexed', 'type': 'json', 'name': 'by_a'}
# Operations that are called otherwise than by their path and body alone.
QUERIES = {
    'POST /{db}/_changes': {'filter': '_design'},
    'GET /_db_updates': {'timeout': '0'},
}
# What ends the process, what needs a login of its own, an identity provider or an audit log: called by tests of
# restarting, of logins, of OpenID Connect and of auditing.
NOT_CALLED = {'POST /_node/{node}/_restart', 'PUT /_session/_totp', 'POST /_session/_totp/_remove',
              'DELETE /_node/{node}/_lockouts/{name}', 'DELETE /_node/{node}/_blocked_addresses/{address}',
              'GET /_session/oidc/login', 'GET /_session/oidc/callback',
              'GET /_session/oidc/logout', 'GET /_session/saml/login', 'POST /_session/saml/acs',
              'GET /_session/saml/end', 'GET /_session/saml/metadata', 'GET /_audit'}
DOCUMENTS = {path: {'a': 1} if '_local' in path else {
    'a': 1, **(DESIGN if '_design' in path else {}), '_attachments': {VALUES['attname']: {'content_type': 'text/plain', 'data': 'YWJj'}}}
    for path in ('doc', '_design/design', '_local/local')}


class OpenapiTest(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = cls.server.get('/_openapi').json()

    def operations(self):
        """(method, path, operation) of everything declared."""
        for path, item in self.api['paths'].items():
            for name, operation in item.items():
                yield OPERATIONS[name], path, operation

    def is_refused(self, operation):
        return list(operation['responses']) == ['default']

    def setUp(self):
        super().setUp()
        self.db = self.database()
        self.prepare()
        self.prepare_partitions()
        self.prepare_replications()

    def prepare_partitions(self):
        """Another database for paths of partitions."""
        self.partitioned = self.db + '_partitioned'
        self.answer(self.server.put('/' + self.partitioned, params={'partitioned': 'true'}), 201)
        self.addCleanup(self.delete_database, self.partitioned)
        docs = [{'_id': 'p:doc', 'a': 1}, {'_id': '_design/design', **DESIGN}]
        self.answer(self.server.post('/%s/_bulk_docs' % self.partitioned, json={'docs': docs}), 201)

    def replication(self):
        return {'source': self.db, 'target': self.partitioned, 'continuous': True}

    def prepare_replications(self):
        """A job, and a document that asks for another one."""
        job = self.answer(self.server.post('/_replicate', json=self.replication()), 202)['_local_id']
        self.addCleanup(self.server.post, '/_replicate', json={'cancel': True, 'replication_id': job})
        document = {'source': self.db, 'target': self.partitioned, 'continuous': True, 'winning_revs_only': True}
        rev = self.answer(self.server.put('/_replicator/doc', json=document), 201)['rev']
        self.addCleanup(self.server.delete, '/_replicator/doc', params={'rev': rev})
        # A job of a document stays, also while its databases come and go.
        found = lambda: self.server.get('/_scheduler/docs/_replicator/doc')
        self.assertTrue(wait_until(lambda: found().status_code == 200 and found().json()['id']))
        self.job = found().json()['id']

    def prepare(self):
        """The database and the documents are there, also when the call before removed them."""
        self.assertIn(self.server.put('/' + self.db).status_code, (201, 412))
        for path, document in DOCUMENTS.items():
            path = '/%s/%s' % (self.db, path)
            read = self.server.get(path)
            if read.status_code == 404 or '_attachments' in document and '_attachments' not in read.json():
                rev = {'_rev': read.json()['_rev']} if read.status_code == 200 else {}
                self.answer(self.server.put(path, json={**document, **rev}), 201)

        index = {'index': {'fields': ['a']}, 'ddoc': INDEX['ddoc'], 'name': INDEX['name']}
        self.answer(self.server.post('/%s/_index' % self.db, json=index), 200)

    def rev(self, path):
        """The revision of the document of a path of the description."""
        document = self.fill(re.sub(r'/\{attname\}$', '', path))
        return self.answer(self.server.get(document), 200)['_rev']

    def fill(self, path):
        db = self.partitioned if '{partition}' in path else self.db
        values = {**VALUES, **(INDEX if '/_index/' in path else {}), 'db': db, 'job': self.job}
        return re.sub(r'\{(\w+)\}', lambda found: values[found.group(1)], path)

    def test_served_text_is_the_page(self):
        page = json.loads((ROOT / 'docs/openapi.json').read_text(encoding='utf-8'))
        self.assertEqual(self.api, page, './dev docs writes docs/openapi.json anew')

    def test_structure(self):
        self.assertEqual(self.api['openapi'], '3.1.0')
        self.assertTrue(self.api['info']['title'] and self.api['info']['version'])
        ids = [operation['operationId'] for _, _, operation in self.operations()]
        self.assertEqual(len(ids), len(set(ids)))
        for method, path, operation in self.operations():
            with self.subTest(method + ' ' + path):
                declared = [p['name'] for p in operation['parameters'] if p['in'] == 'path']
                self.assertEqual(declared, re.findall(r'\{(\w+)\}', path))
                for parameter in operation['parameters']:
                    self.assertEqual(('schema' in parameter) + ('content' in parameter), 1, parameter)
                    self.assertTrue(parameter['in'] == 'query' or parameter['required'])
                self.assertIn('default', operation['responses'])
                self.assertEqual(method in ('GET', 'DELETE', 'COPY') and 'requestBody' in operation, False)

    def takes_form(self, method, path):
        operation = self.api['paths'][path].get(method.lower(), {})
        return 'multipart/form-data' in operation.get('requestBody', {}).get('content', {})

    def call(self, method, path):
        key = method + ' ' + path
        headers, body, query = {}, BODIES.get(key, ''), dict(QUERIES.get(key, {}))
        if callable(body):
            body = body(self)
        documents = re.fullmatch(r'/\{db\}/(_design/\{ddoc\}|_local/\{localid\}|\{docid\})(/\{attname\})?', path)
        if self.takes_form(method, path):
            headers.update({**FORM_TYPE, 'Referer': self.server.url})
            body = FORM.replace('{rev}', self.rev(path))
        elif path.endswith('{attname}') and method == 'PUT':
            headers['Content-Type'], body = 'text/plain', 'text'
        elif body or method == 'POST':
            headers.update(JSON_TYPE)
        if documents and method in ('PUT', 'DELETE') and '_local' not in path:
            query['rev'] = self.rev(path)
        if method == 'COPY':
            headers['Destination'] = re.sub('[^/]*$', 'copy', self.fill(path).split('/', 2)[2])
        return self.server.request(method, self.fill(path), data=body, headers=headers, params=query)

    def check_answer(self, answer, operation):
        """The answer is a declared success, and its JSON fits the schema."""
        self.assertIn(str(answer.status_code), set(operation['responses']) - {'default'},
                      '%d %.300s' % (answer.status_code, answer.text))
        content = operation['responses'][str(answer.status_code)].get('content')
        if not content:
            self.assertEqual(answer.content, b'')
            return
        media = answer.headers['Content-Type'].split(';')[0]
        declared = content.get(media, content.get('*/*'))
        self.assertIsNotNone(declared, '%s is not among %s' % (media, list(content)))
        if 'schema' in declared:
            self.assertEqual(schema.complaints(answer.json(), declared['schema'], self.api), [])

    def test_operations_answer_as_declared(self):
        for method, path, operation in self.operations():
            key = method + ' ' + path
            if key in NOT_CALLED or self.is_refused(operation):
                continue
            with self.subTest(key):
                self.prepare()
                if key == 'PUT /{db}':
                    self.answer(self.server.delete('/' + self.db), 200)
                answer = self.call(method, path)
                self.check_answer(answer, operation)
                if method == 'GET':
                    head = self.server.head(self.fill(path), params=QUERIES.get(key))
                    self.assertEqual((head.status_code, head.content), (answer.status_code, b''))

    def test_refused_operations_are_refused(self):
        for method, path, operation in self.operations():
            if self.is_refused(operation):
                with self.subTest(method + ' ' + path):
                    answer = self.call(method, path)
                    self.assertGreaterEqual(answer.status_code, 400)
                    self.assertNotEqual(answer.status_code, 500)
                    error = self.api['components']['schemas']['Error']
                    self.assertEqual(schema.complaints(answer.json(), error, self.api), [])

    def test_other_methods_are_answered_405(self):
        for path, item in self.api['paths'].items():
            declared = {OPERATIONS[name] for name in item}
            if 'GET' in declared:
                declared.add('HEAD')
            for method in sorted({'GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'COPY', 'PATCH'} - declared):
                with self.subTest(method + ' ' + path):
                    answer = self.server.request(method, self.fill(path))
                    self.assertEqual(answer.status_code, 405, answer.text)
                    allowed = re.split(r'\s*,\s*', answer.headers['Allow'])
                    # CouchDB's lists leave out HEAD here and there, and creating a database.
                    self.assertLessEqual(set(allowed), declared)
                    self.assertLessEqual(declared - set(allowed), {'HEAD'} | (
                        {'PUT'} if path == '/{db}' else set()))
                    self.assertEqual(len(allowed), len(set(allowed)))

    def test_who_may_not_is_refused(self):
        nobody = self.server.new_session(user='')
        self.addCleanup(nobody.close)
        for method, path, operation in self.operations():
            answer = nobody.request(method, self.server.url + self.fill(path), timeout=30,
                                    params=QUERIES.get(method + ' ' + path))
            with self.subTest(method + ' ' + path):
                if operation['x-permission'] == 'everybody':
                    self.assertEqual(operation.get('security'), [])
                    if method + ' ' + path not in NOT_CALLED:
                        self.assertNotIn(answer.status_code, (403, 404, 405))
                else:
                    self.assertNotIn('security', operation)
                    self.error(answer, 401, 'unauthorized')


class SchemaTest(unittest.TestCase):
    """The checker finds what does not fit."""

    document = {'schemas': {'Names': {'type': 'array', 'items': {'type': 'string'}}}}
    rule = {'type': 'object', 'required': ['ok'], 'properties': {
        'ok': {'const': True}, 'count': {'type': ['integer', 'null'], 'minimum': 0},
        'names': {'$ref': '#/schemas/Names'}, 'kind': {'enum': ['a', 'b']}}}

    def complaints(self, value):
        return len(schema.complaints(value, self.rule, self.document))

    def test_what_fits(self):
        for value in ({'ok': True}, {'ok': True, 'count': None, 'names': ['a'], 'kind': 'b', 'more': 1}):
            self.assertEqual(self.complaints(value), 0)

    def test_what_does_not_fit(self):
        for value in ([], {}, {'ok': False}, {'ok': True, 'count': '1'}, {'ok': True, 'count': True},
                      {'ok': True, 'names': ['a', 1]}, {'ok': True, 'kind': 'c'}):
            self.assertEqual(self.complaints(value), 1, value)

    def test_unknown_keywords_are_refused(self):
        with self.assertRaises(ValueError):
            schema.complaints({}, {'oneOf': []}, {})


if __name__ == '__main__':
    unittest.main()
