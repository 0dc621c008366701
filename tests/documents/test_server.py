"""The server's own paths: state, configuration, metrics, methods, paths that are not served yet."""
import json
import re
import unittest

from harness.case import ServerTestCase
from harness.server import Server

NODE = '/_node/_local'
# Paths of the server and of a database that answer a plain GET.
SERVER_PATHS = ['/', '/_up', '/_uuids', '/_all_dbs', '/_dbs_info', '/_active_tasks', '/_db_updates',
                '/_membership', '/_cluster_setup', '/_session', '/_utils/', '/_openapi', '/_reshard',
                '/_reshard/state', '/_reshard/jobs', '/_scheduler/jobs', '/_scheduler/docs', NODE,
                NODE + '/_stats', NODE + '/_system', NODE + '/_versions', NODE + '/_prometheus',
                NODE + '/_smoosh/status', NODE + '/_config', NODE + '/_config/log',
                NODE + '/_config/log/level']
DATABASE_PATHS = ['', '/_security', '/_revs_limit', '/_purged_infos', '/_purged_infos_limit',
                  '/_auto_purge', '/_shards', '/_shards/x', '/_all_docs', '/_changes', '/_design_docs',
                  '/_local_docs']


class ServerPathsTest(ServerTestCase):
    def anonymous(self):
        nobody = self.server.new_session(user='')
        self.addCleanup(nobody.close)
        return lambda method, path: nobody.request(method, self.server.url + path, timeout=30,
                                                   allow_redirects=False)

    def test_welcome_names_the_api_and_the_product(self):
        welcome = self.answer(self.anonymous()('GET', '/'), 200)
        self.assertEqual((welcome['couchdb'], welcome['vendor']['name']), ('Welcome', 'Divan'))
        self.assertRegex(welcome['version'], r'^3\.5\.\d+$')
        self.assertRegex(welcome['uuid'], r'^[0-9a-f]{32}$')

    def test_head_answers_as_get_without_the_body(self):
        db = '/' + self.database()
        for path in SERVER_PATHS + [db + path for path in DATABASE_PATHS]:
            with self.subTest(path):
                get, head = self.server.get(path), self.server.head(path)
                self.assertEqual((get.status_code, head.status_code, head.content), (200, 200, b''))
                self.assertEqual(get.headers['Content-Type'], head.headers['Content-Type'])
                if re.search('stats|system|prometheus|uuids', path) is None:
                    self.assertEqual(get.headers.get('Content-Length'), head.headers.get('Content-Length'))

    def test_unknown_methods_are_refused_with_the_list_of_methods(self):
        db = '/' + self.database()
        for path in SERVER_PATHS + [db + path for path in DATABASE_PATHS]:
            with self.subTest(path):
                refused = self.server.request('PATCH', path, json={})
                reason = self.error(refused, 405, 'method_not_allowed')
                self.assertEqual(reason, 'Only %s allowed' % refused.headers['Allow'])
                self.assertIn('GET', refused.headers['Allow'].split(','))

    def test_open_paths_need_no_login(self):
        ask = self.anonymous()
        for path in ['/', '/_up', '/_uuids', '/_session', '/_utils/', '/favicon.ico']:
            self.assertIn(ask('GET', path).status_code, (200, 204), path)
        for path in ['/_all_dbs', '/_active_tasks', '/_membership', '/_foo', '/_up/x', NODE]:
            self.error(ask('GET', path), 401, 'unauthorized')

    def test_utils_redirects_to_the_note(self):
        redirect = self.anonymous()('GET', '/_utils')
        self.assertEqual((redirect.status_code, redirect.headers['Location']),
                         (301, self.server.url + '/_utils/'))
        note = self.anonymous()('GET', '/_utils/')
        self.assertTrue(note.headers['Content-Type'].startswith('text/html'))
        self.error(self.server.get('/_utils/index.html'), 404, 'not_found')

    def test_favicon_may_be_cached_for_a_year(self):
        icon = self.server.get('/favicon.ico')
        self.assertEqual(icon.headers['Cache-Control'], 'public, max-age=31536000')
        self.assertIn('Expires', icon.headers)

    def test_shards_lie_on_this_node(self):
        name = self.answer(self.server.get(NODE), 200)['name']
        self.server.put('/shards?q=4')
        self.addCleanup(self.delete_database, 'shards')
        shards = self.answer(self.server.get('/shards/_shards'), 200)['shards']
        self.assertEqual(sorted(shards), ['00000000-3fffffff', '40000000-7fffffff', '80000000-bfffffff',
                                          'c0000000-ffffffff'])
        where = self.answer(self.server.get('/shards/_shards/a'), 200)  # CRC-32 e8b7be43
        self.assertEqual(where, {'range': 'c0000000-ffffffff', 'nodes': [name]})
        self.assertEqual(self.answer(self.server.get('/_membership'), 200),
                         {'all_nodes': [name], 'cluster_nodes': [name]})

    def test_cluster_setup(self):
        self.assertEqual(self.answer(self.server.get('/_cluster_setup'), 200)['state'], 'single_node_enabled')
        self.answer(self.server.post('/_cluster_setup', json={'action': 'enable_single_node'}), 201)
        self.error(self.server.post('/_cluster_setup', json={'action': 'add_node'}), 501, 'not_implemented')

    def test_infos_of_databases_in_the_order_asked(self):
        name = self.database()
        rows = self.answer(self.server.post('/_dbs_info', json={'keys': ['nope', name, 7]}), 200)
        self.assertEqual(rows[0], {'key': 'nope', 'error': 'not_found'})
        self.assertEqual((rows[1]['key'], rows[1]['info']['db_name']), (name, name))
        self.assertEqual(rows[2], {'key': 7, 'error': 'not_found'})

    def test_events_of_databases(self):
        reader = self.server.new_session()
        self.addCleanup(reader.close)
        with reader.get(self.server.url + '/_db_updates', stream=True, timeout=30, params={
                'feed': 'continuous', 'since': 'now', 'heartbeat': '5000'}) as feed:
            rows = (json.loads(line) for line in feed.iter_lines(chunk_size=1) if line)
            name = self.database()
            own = (row['type'] for row in rows if row['db_name'] == name)
            self.assertEqual(next(own), 'created')
            self.answer(self.server.put('/%s/doc' % name, json={}), 201)
            self.assertEqual(next(own), 'updated')
            self.delete_database(name)
            self.assertEqual(next(own), 'deleted')

    def test_event_ends_a_longpoll(self):
        since = self.answer(self.server.get('/_db_updates', params={'since': 'now'}), 200)['last_seq']
        with self.server.get('/_db_updates', stream=True, params={
                'since': since, 'feed': 'longpoll', 'timeout': '30000'}) as feed:
            name = self.database()
            self.assertIn(name, [row['db_name'] for row in json.loads(feed.text)['results']])


    def test_events_as_an_event_source(self):
        name = self.database()
        reader = self.server.new_session()
        self.addCleanup(reader.close)
        with reader.get(self.server.url + '/_db_updates', stream=True, timeout=30, params={
                'feed': 'eventsource', 'since': '0', 'heartbeat': '5000'}) as feed:
            self.assertEqual(feed.headers['Content-Type'], 'text/event-stream')
            lines = (line.decode() for line in feed.iter_lines(chunk_size=1))
            for line in lines:
                if line.startswith('data: {'):
                    row = json.loads(line[len('data: '):])
                    self.assertEqual(next(lines), 'id: "%s"' % row['seq'])
                    self.assertEqual(next(lines), '')
                    if row['db_name'] == name:
                        break
            self.assertEqual(row['type'], 'created')

    def test_time_to_live_of_tombstones_is_checked(self):
        path = '/%s/_auto_purge' % self.database()
        for good in ['3_mon', '1_day', '90_days', 'infinity']:
            self.answer(self.server.put(path, json={'deleted_document_ttl': good}), 201)
            self.assertEqual(self.answer(self.server.get(path), 200), {'deleted_document_ttl': good})
        for bad in ['', 'soon', '0_days', '-1_days', '5', '5_parsecs', 3600, None]:
            self.error(self.server.put(path, json={'deleted_document_ttl': bad}), 400, 'bad_request')
        self.assertEqual(self.answer(self.server.get(path), 200), {'deleted_document_ttl': good})


class ReservedPathsTest(ServerTestCase):
    """Known paths of CouchDB that are not served yet are neither databases nor documents."""

    def test_not_implemented_is_said(self):
        db = '/' + self.database()
        self.answer(self.server.put(db + '/_design/d', json={}), 201)
        for method, path in [('POST', '/_search_analyze'),
                             ('PUT', '/_reshard/state'), ('POST', '/_reshard/jobs'),
                             ('GET', db + '/_time_seq'), ('GET', db + '/_design/d/_search/i')]:
            with self.subTest(path):
                reason = self.error(self.server.request(method, path, json={}), 501, 'not_implemented')
                self.assertRegex(reason, r'(not part of this version|not kept|nothing to split)')
        self.assertEqual(self.answer(self.server.get(db), 200)['doc_count'], 1)

    def test_functions_of_a_missing_design_document(self):
        db = '/' + self.database()
        for path in ['/_info', '/_view/v', '/_show/s', '/_list/l/v', '/_update/u', '/_rewrite/x',
                     '/_search/i']:
            reason = self.error(self.server.get(db + '/_design/d' + path), 404, 'not_found')
            self.assertEqual(reason, 'missing')
        rev = self.answer(self.server.put(db + '/_design/d', json={}), 201)['rev']
        self.answer(self.server.delete(db + '/_design/d', params={'rev': rev}), 200)
        self.assertEqual(self.error(self.server.get(db + '/_design/d/_view/v'), 404, 'not_found'), 'deleted')

    def test_temporary_views_are_gone(self):
        db = '/' + self.database()
        for method in ['GET', 'POST', 'PATCH', 'DELETE', 'COPY']:
            self.error(self.server.request(method, db + '/_temp_view', json={}), 410, 'gone')

    def test_nothing_is_scheduled(self):
        for path, member in [('/_scheduler/jobs', 'jobs'), ('/_scheduler/docs', 'docs'),
                             ('/_scheduler/docs/_replicator', 'docs'), ('/_reshard/jobs', 'jobs')]:
            self.assertEqual(self.answer(self.server.get(path), 200),
                             {'total_rows': 0, 'offset': 0, member: []})
        self.error(self.server.get('/_scheduler/docs/nope'), 400, 'bad_request')
        for path in ['/_scheduler/jobs/x', '/_scheduler/docs/_replicator/x', '/_reshard/jobs/x']:
            self.error(self.server.get(path), 404, 'not_found')


class NodeTest(ServerTestCase):
    def value(self, section, key):
        return self.answer(self.server.get('%s/_config/%s/%s' % (NODE, section, key)), 200)

    def set(self, section, key, value, **arguments):
        return self.answer(self.server.put('%s/_config/%s/%s' % (NODE, section, key), json=value,
                                           **arguments), 200)

    def test_unknown_node(self):
        for path in ['', '/_stats', '/_system', '/_versions', '/_prometheus', '/_config',
                     '/_config/log/level', '/_smoosh/status', '/x']:
            reason = self.error(self.server.get('/_node/other@host' + path), 404, 'not_found')
            self.assertEqual(reason, 'no such node: other@host')
        own = self.answer(self.server.get(NODE), 200)['name']
        self.assertEqual(self.answer(self.server.get('/_node/' + own), 200)['name'], own)

    def test_a_node_has_no_databases_of_its_own(self):
        self.error(self.server.get(NODE + '/_nope'), 400, 'illegal_database_name')
        self.error(self.server.get(NODE + '/some_db/doc'), 404, 'not_found')
        self.error(self.server.get('/_node'), 400, 'bad_request')

    def test_up_tells_of_maintenance(self):
        self.assertEqual(self.answer(self.server.get('/_up'), 200), {'status': 'ok', 'seeds': {}})
        self.addCleanup(self.set, 'couchdb', 'maintenance_mode', 'false')
        for mode, status in [('true', 'maintenance_mode'), ('nolb', 'nolb')]:
            self.set('couchdb', 'maintenance_mode', mode)
            self.assertEqual(self.answer(self.server.get('/_up'), 404), {'status': status})
        self.assertEqual(self.server.head('/_up').status_code, 404)
        self.answer(self.server.get('/'), 200)
        self.set('couchdb', 'maintenance_mode', 'false')
        self.answer(self.server.get('/_up'), 200)

    def test_login_may_be_required_of_everybody(self):
        nobody = self.server.new_session(user='')
        self.addCleanup(nobody.close)
        status = lambda path: nobody.get(self.server.url + path, timeout=30).status_code
        for key, up in [('require_valid_user', 401), ('require_valid_user_except_for_up', 200)]:
            self.set('chttpd', key, 'true')
            self.addCleanup(self.set, 'chttpd', key, 'false')
            self.assertEqual((status('/'), status('/_session'), status('/_up')), (401, 200, up), key)
            self.set('chttpd', key, 'false')
        self.assertEqual(status('/'), 200)

    def test_everybody_may_list_databases_if_that_is_set(self):
        name, nobody = self.database(), self.server.new_session(user='')
        self.addCleanup(nobody.close)
        ask = lambda method, path, **body: nobody.request(method, self.server.url + path, timeout=30, **body)
        self.error(ask('GET', '/_all_dbs'), 401, 'unauthorized')
        self.set('chttpd', 'admin_only_all_dbs', 'false')
        self.addCleanup(self.server.delete, NODE + '/_config/chttpd/admin_only_all_dbs')
        self.assertIn(name, self.answer(ask('GET', '/_all_dbs'), 200))
        # Names are listed; what the databases hold is still for their members.
        self.assertEqual(self.answer(ask('GET', '/_dbs_info'), 200), [])
        rows = self.answer(ask('POST', '/_dbs_info', json={'keys': [name, 'nope']}), 200)
        self.assertEqual(rows, [{'key': name, 'error': 'unauthorized'},
                                {'key': 'nope', 'error': 'not_found'}])

    def test_numbers_are_those_of_this_process(self):
        system = self.answer(self.server.get(NODE + '/_system'), 200)
        with open('/proc/%d/statm' % self.server.pid, encoding='ascii') as statm:
            resident = int(statm.read().split()[1]) * 4096
        self.assertGreater(system['memory']['processes_used'], resident / 2)
        self.assertLess(system['memory']['processes_used'], resident * 2)
        self.assertGreaterEqual(system['uptime'], 0)

    def test_versions_are_what_is_linked(self):
        versions = self.answer(self.server.get(NODE + '/_versions'), 200)
        self.assertEqual(versions['storage_engine']['name'], 'rocksdb')
        self.assertRegex(versions['storage_engine']['version'], r'^\d+\.\d+\.\d+$')
        self.assertEqual(versions['cryptography']['name'], 'openssl')
        self.assertRegex(versions['cryptography']['version'], r'^\d+\.\d+\.\d+')
        self.assertEqual(versions['javascript_engine']['name'], 'spidermonkey')
        self.assertRegex(versions['javascript_engine']['version'], r'^\d+\.\d+\.\d+$')
        collation = versions['collation_driver']
        self.assertEqual(collation.pop('name'), 'libicu')
        self.assertEqual(list(collation), ['library_version', 'collator_version', 'collation_algorithm_version'])
        for version in collation.values():
            self.assertRegex(version, r'^\d+(\.\d+)*$')

    def test_counters(self):
        count = lambda: self.answer(self.server.get(NODE + '/_stats/couchdb/httpd/requests'), 200)['value']
        first = count()
        self.server.get('/')
        self.assertEqual(count(), first + 2)

    def test_prometheus(self):
        answer = self.server.get(NODE + '/_prometheus')
        self.assertEqual(answer.headers['Content-Type'], 'text/plain; version=2.0')
        names = set()
        for line in answer.text.splitlines():
            if not line.startswith('#'):
                self.assertRegex(line, r'^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+-]+$')
                names.add(re.split('[ {]', line)[0])
        for name in ['couchdb_httpd_requests_total', 'couchdb_httpd_request_methods',
                     'couchdb_httpd_status_codes', 'couchdb_request_time_seconds',
                     'couchdb_request_time_seconds_count', 'couchdb_uptime_seconds',
                     'couchdb_open_databases', 'couchdb_document_writes_total']:
            self.assertIn(name, names)

    def test_values_are_set_read_and_unset(self):
        self.assertEqual(self.set('t_section', 'key', ' value \n'), '')
        self.assertEqual(self.value('t_section', 'key'), 'value')
        self.assertEqual(self.answer(self.server.get(NODE + '/_config/t_section'), 200), {'key': 'value'})
        self.assertEqual(self.answer(self.server.get(NODE + '/_config/t_nothing'), 200), {})
        self.assertEqual(self.answer(self.server.delete(NODE + '/_config/t_section/key'), 200), 'value')
        self.error(self.server.get(NODE + '/_config/t_section/key'), 404, 'not_found')
        self.error(self.server.delete(NODE + '/_config/t_section/key'), 404, 'not_found')

    def test_values_that_do_not_fit_are_refused(self):
        for section, key, value in [('uuids', 'max_count', 'many'), ('uuids', 'max_count', '0'),
                                    ('chttpd', 'enable_cors', 'maybe'), ('t_section', 'key', 'two\nlines')]:
            path = '%s/_config/%s/%s' % (NODE, section, key)
            old = self.server.get(path).text
            self.error(self.server.put(path, json=value), 400, 'bad_request')
            self.assertEqual(self.server.get(path).text, old)

    def test_what_could_run_programs_cannot_be_set(self):
        for section in ['daemons', 'query_servers', 'native_query_servers', 'os_daemons', 'external',
                        'httpd_global_handlers', 'httpd_db_handlers', 'httpd_design_handlers',
                        'update_notification']:
            path = '%s/_config/%s/x' % (NODE, section)
            self.error(self.server.put(path, json='/bin/sh'), 403, 'forbidden')
            self.error(self.server.delete(path), 403, 'forbidden')
            self.error(self.server.get(path), 404, 'not_found')
        self.error(self.server.put(NODE + '/_config/couchdb/uuid', json='0' * 32), 403, 'forbidden')

    def test_secrets_are_not_shown(self):
        everything = self.answer(self.server.get(NODE + '/_config'), 200)
        self.assertEqual(everything['chttpd_auth']['secret'], '****')
        self.assertEqual(set(everything['admins'].values()), {'****'})
        for section, key in [('chttpd_auth', 'secret'), ('couch_httpd_auth', 'secret'), ('admins', 'admin')]:
            self.assertEqual(self.value(section, key), '****')
        memory = {'X-Couch-Persist': 'false'}
        self.assertEqual(self.set('jwt_keys', 'hmac:k', 'c2VjcmV0', headers=memory), '')
        self.assertEqual(self.set('jwt_keys', 'hmac:k', 'b3RoZXI=', headers=memory), '****')
        self.assertEqual(self.answer(self.server.get(NODE + '/_config/jwt_keys'), 200), {'hmac:k': '****'})
        old = self.server.delete(NODE + '/_config/jwt_keys/hmac:k', headers=memory)
        self.assertEqual(self.answer(old, 200), '****')

    def test_last_admin_stays(self):
        reason = self.error(self.server.delete(NODE + '/_config/admins/admin'), 403, 'forbidden')
        self.assertIn('last server admin', reason)
        self.answer(self.server.get('/_all_dbs'), 200)

    def test_reload_drops_what_was_not_kept(self):
        self.addCleanup(self.server.delete, NODE + '/_config/log/level')
        self.set('t_reload', 'kept', '1')
        self.addCleanup(self.server.delete, NODE + '/_config/t_reload/kept')
        self.set('t_reload', 'dropped', '1', headers={'X-Couch-Persist': 'false'})
        self.answer(self.server.post(NODE + '/_config/_reload'), 200)
        self.assertEqual(self.value('t_reload', 'kept'), '1')
        self.error(self.server.get(NODE + '/_config/t_reload/dropped'), 404, 'not_found')

    def test_origins_act_at_once_in_both_sections(self):
        def allowed():
            answer = self.server.get('/', headers={'Origin': 'http://example.com'})
            return answer.headers.get('Access-Control-Allow-Origin')

        self.set('cors', 'origins', 'http://example.com')
        self.addCleanup(self.server.delete, NODE + '/_config/cors/origins')
        for section in ['chttpd', 'httpd']:
            self.assertIsNone(allowed())
            self.set(section, 'enable_cors', 'true')
            self.addCleanup(self.server.delete, '%s/_config/%s/enable_cors' % (NODE, section))
            self.assertEqual(allowed(), 'http://example.com')
            self.set(section, 'enable_cors', 'false')

    def test_new_admin_logs_in_and_the_password_is_hashed(self):
        self.set('admins', 'second', 'a new pass phrase')
        self.addCleanup(self.server.delete, NODE + '/_config/admins/second')
        self.assertNotIn('a new pass phrase', self.server.get(NODE + '/_config').text)
        session = self.server.new_session('second', 'a new pass phrase')
        self.addCleanup(session.close)
        user = self.answer(session.get(self.server.url + '/_session', timeout=30), 200)['userCtx']
        self.assertEqual(user, {'name': 'second', 'roles': ['_admin']})


class RestartTest(unittest.TestCase):
    def test_restart_keeps_data_and_forgets_what_was_not_kept(self):
        with Server() as server:
            server.put('/kept')
            server.put('/kept/doc', json={})
            server.put(NODE + '/_config/t_x/y', json='1', headers={'X-Couch-Persist': 'false'})
            started = server.get('/kept').json()['instance_start_time']
            answer = server.post(NODE + '/_restart')
            self.assertEqual((answer.status_code, answer.json()), (200, {'ok': True}))
            server.await_ready(2)
            self.assertEqual(server.get(NODE + '/_config/t_x/y').status_code, 404)
            self.assertEqual(server.get('/kept/doc').status_code, 200)
            self.assertEqual(server.get('/kept').json()['instance_start_time'], started)

    def test_events_outlive_a_stop(self):
        with Server() as server:
            server.put(NODE + '/_config/global_changes/max_write_delay', json='60000')
            server.put('/kept')
            server.restart()
            rows = server.get('/_db_updates').json()['results']
            self.assertIn(('kept', 'created'), [(row['db_name'], row['type']) for row in rows])

    def test_events_need_not_be_kept(self):
        with Server(memory=True, config='[global_changes]\nupdate_db = false\n') as server:
            self.assertNotIn('_global_changes', server.get('/_all_dbs').json())
            self.assertEqual(server.get('/_db_updates').status_code, 404)


if __name__ == '__main__':
    unittest.main()
