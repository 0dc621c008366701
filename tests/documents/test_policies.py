"""Roles and tenants: documents of the policies database."""
import threading

from harness.case import wait_until
from harness.policies import PoliciesTestCase

ENDS_WITHIN_S = 5
READS = [('GET', '/dev_a', None), ('GET', '/dev_a/a', None), ('GET', '/dev_a/_all_docs', None),
         ('POST', '/dev_a/_find', {'selector': {}}), ('GET', '/dev_a/_changes', None),
         ('POST', '/dev_a/_bulk_get', {'docs': [{'id': 'a'}]}), ('POST', '/dev_a/_revs_diff', {})]
WRITES = [('PUT', '/dev_a/b', {}), ('POST', '/dev_a', {}), ('POST', '/dev_a/_bulk_docs', {'docs': []})]


class RolesTest(PoliciesTestCase):
    def setUp(self):
        super().setUp()
        self.make('dev_a', 'other')

    def test_a_role_opens_the_databases_it_names(self):
        session = self.user('bert', 'crew')
        self.assertEqual(set(self.statuses(session, *READS)), {403})
        self.policy('crew', type='role', name='crew', permissions=['read'], databases=['dev_*'])
        self.assertEqual(set(self.statuses(session, *READS)), {200})
        self.assertEqual(set(self.statuses(session, *WRITES)), {403})
        self.assertEqual(self.ask(session, 'GET', '/other').status_code, 403)
        for method, path, body, status in [
                ('PUT', '/dev_a/_local/x', {}, 403), ('PUT', '/dev_a/_design/d', {}, 403),
                ('PUT', '/dev_a/_security', {}, 403), ('POST', '/dev_a/_compact', {}, 401),
                ('POST', '/dev_a/_index', {'index': {'fields': ['n']}}, 403), ('DELETE', '/dev_a', None, 401),
                ('PUT', '/dev_b', None, 401), ('GET', '/_policies', None, 401), ('GET', '/_all_dbs', None, 401)]:
            self.assertEqual(self.statuses(session, (method, path, body)), [status], (method, path))
        # In force with the acknowledgement, and gone with it.
        self.policy('crew', type='role', name='crew', permissions=['read', 'write', 'replicate'], databases=['dev_*'])
        self.assertEqual(self.statuses(session, *WRITES), [201, 201, 201])
        self.assertEqual(self.statuses(session, ('PUT', '/dev_a/_local/x', {})), [201])
        self.drop_policy('crew')
        self.assertEqual(set(self.statuses(session, *READS)), {403})

    def test_every_permission(self):
        session = self.user('cleo', 'maker')
        self.policy('maker', type='role', name='maker', databases=['dev_*'],
                    permissions=['create_db', 'delete_db', 'compact', 'design', 'configure'])
        self.assertEqual(self.statuses(
            session, ('PUT', '/dev_new', None), ('PUT', '/dev_new/_design/d', {'views': {}}),
            ('POST', '/dev_new/_index', {'index': {'fields': ['n']}}), ('POST', '/dev_new/_compact', {}),
            ('PUT', '/dev_new/_security', {'members': {'names': ['x'], 'roles': []}}),
            ('GET', '/dev_new/a', None), ('PUT', '/dev_new/a', {}), ('DELETE', '/dev_new', None)),
            [201, 201, 200, 202, 200, 403, 403, 200])
        self.assertEqual(self.statuses(session, ('PUT', '/prod', None), ('DELETE', '/other', None)), [401, 401])

    def test_the_standard_roles(self):
        sessions = {role: self.user('u_' + role, role)
                    for role in ('super_admin', 'admin', 'developer', 'analyst', 'reader')}
        asked = [('GET', '/dev_a/a', None), ('PUT', '/dev_a/_local/y', {}), ('GET', '/other/a', None),
                 ('POST', '/other/_compact', {}), ('GET', '/_node/_local/_config', None)]
        for session in sessions.values():
            self.assertTrue(set(self.statuses(session, *asked)) <= {401, 403})
        self.answer(self.server.put('/_node/_local/_config/authorization/rbac_enabled', json='true'), 200)
        self.addCleanup(self.server.put, '/_node/_local/_config/authorization/rbac_enabled', json='false')
        expected = {'super_admin': [200, 201, 200, 202, 200], 'admin': [200, 201, 200, 202, 401],
                    'developer': [200, 201, 403, 403, 401], 'analyst': [403, 403, 403, 403, 401],
                    'reader': [403, 403, 403, 403, 401]}
        for role, session in sessions.items():
            self.assertEqual(self.statuses(session, *asked), expected[role], role)
        self.assertIn('_admin', self.ask(sessions['super_admin'], 'GET', '/_session').json()['userCtx']['roles'])
        self.make('public_a')
        self.assertEqual(self.statuses(sessions['reader'], ('GET', '/public_a/a', None), ('PUT', '/public_a/b', {})),
                         [200, 403])

    def test_what_is_no_policy_is_refused(self):
        for document, why in [({'type': 'role', 'name': 'a', 'permissions': ['raed'], 'databases': ['*']}, 'raed'),
                              ({'type': 'role', 'name': 'a', 'permission': ['read'], 'databases': ['*']}, 'permission'),
                              ({}, 'type')]:
            self.assertIn(why, self.error(self.server.put('/_policies/x', json=document), 403, 'forbidden'))
        answer = self.answer(self.server.post('/_policies/_bulk_docs', json={'new_edits': False, 'docs': [
            {'_id': 'x', '_rev': '1-a', 'type': 'role'}]}), 201)
        self.assertEqual([row['error'] for row in answer], ['forbidden'])
        self.assertEqual(self.server.get('/_policies/x').status_code, 404)

    def test_replication_needs_what_it_does(self):
        session = self.user('dora', 'crew')
        self.policy('crew', type='role', name='crew', permissions=['read'], databases=['dev_*'])
        self.make('mine')
        self.answer(self.server.put('/mine/_security', json={'members': {'names': ['dora']}}), 200)

        def replicate(**members):
            return self.ask(session, 'POST', '/_replicate', json=members).status_code
        self.assertEqual(replicate(source='dev_a', target='mine', use_checkpoints=False), 200)
        self.assertEqual(self.server.get('/mine/a').status_code, 200)
        self.assertNotEqual(replicate(source='mine', target='dev_a', use_checkpoints=False), 200)
        self.assertEqual(self.server.get('/dev_a').json()['doc_count'], 1)
        self.policy('crew', type='role', name='crew', permissions=['read', 'replicate'], databases=['dev_*'])
        self.assertEqual(replicate(source='dev_a', target='mine'), 200)


class TenantsTest(PoliciesTestCase):
    def setUp(self):
        super().setUp()
        self.make('acme_a', 'bolt_a', 'shared')
        for name in ('acme_a', 'bolt_a', 'shared'):
            self.answer(self.server.put('/%s/_security' % name, json={}), 200)
        self.policy('acme', type='tenant', name='acme', database_prefix='acme_', roles=['acme'])
        self.policy('bolt', type='tenant', name='bolt', database_prefix='bolt_', users=['bert'])

    def test_nothing_crosses(self):
        anna, bert, cleo = self.user('anna', 'acme'), self.user('bert'), self.user('cleo')
        asked = [('GET', '/acme_a/a', None), ('GET', '/bolt_a/a', None), ('GET', '/shared/a', None)]
        self.assertEqual(self.statuses(anna, *asked), [200, 404, 404])
        self.assertEqual(self.statuses(bert, *asked), [404, 200, 404])
        self.assertEqual(self.statuses(cleo, *asked), [404, 404, 200])
        # Another tenant's database looks like one that is not there.
        there, not_there = (self.ask(anna, 'GET', path) for path in ('/bolt_a', '/bolt_none'))
        self.assertEqual((there.status_code, there.json()), (not_there.status_code, not_there.json()))
        self.answer(self.server.put('/_node/_local/_config/chttpd/admin_only_all_dbs', json='false'), 200)
        self.addCleanup(self.server.put, '/_node/_local/_config/chttpd/admin_only_all_dbs', json='true')
        self.assertEqual([name for name in self.ask(anna, 'GET', '/_all_dbs').json() if name[0] != '_'], ['acme_a'])
        self.assertEqual(self.ask(anna, 'GET', '/_all_dbs?limit=1&skip=0').status_code, 200)
        answer = self.ask(anna, 'POST', '/_replicate', json={'source': 'acme_a', 'target': 'bolt_a'})
        self.assertNotEqual(answer.status_code, 200)
        # A grant does not cross either.
        self.policy('crew', type='role', name='acme', permissions=['read', 'create_db'], databases=['*'])
        self.assertEqual(self.statuses(anna, *asked), [200, 404, 404])
        self.assertEqual(self.statuses(anna, ('PUT', '/bolt_b', None), ('PUT', '/acme_b', None)), [401, 201])
        self.server.delete('/acme_b')

    def test_who_becomes_a_tenant_loses_feeds(self):
        dora = self.user('dora')
        answer = dora.get(self.server.url + '/shared/_changes', stream=True, timeout=60,
                          params={'feed': 'continuous', 'heartbeat': 60000})
        self.assertEqual(answer.status_code, 200)
        began, ended = threading.Event(), threading.Event()

        def read():
            with answer:
                for line in answer.iter_lines():
                    if line:
                        began.set()
            ended.set()
        threading.Thread(target=read, daemon=True).start()
        self.assertTrue(began.wait(20))
        self.policy('acme', type='tenant', name='acme', database_prefix='acme_', users=['dora'])
        self.assertTrue(ended.wait(ENDS_WITHIN_S), 'the feed went on')

    def test_a_replication_ends_with_its_right(self):
        erna = self.user('erna')
        self.make('copy')
        self.answer(self.server.put('/copy/_security', json={}), 200)
        answer = self.ask(erna, 'POST', '/_replicate', json={'source': 'shared', 'target': 'copy', 'continuous': True})
        self.assertEqual(answer.status_code, 202, answer.text)
        self.assertTrue(wait_until(lambda: self.server.get('/copy/a').status_code == 200))
        self.policy('acme', type='tenant', name='acme', database_prefix='acme_', users=['erna'])

        def is_over():
            jobs = self.server.get('/_scheduler/jobs').json()['jobs']
            return all(job['history'][0]['type'] != 'started' for job in jobs if job['user'] == 'erna')
        self.assertTrue(wait_until(is_over, ENDS_WITHIN_S), 'the replication went on')
