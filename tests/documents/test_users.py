"""Users: documents of _users, their logins, what ends a login, and what belongs to a user."""
import base64
import hashlib
import hmac
import json
import re
import threading
import time

from harness.case import ServerTestCase, wait_until
from harness.server import Server

# A second is enough to hash thousands of passwords.
CONFIG = '[chttpd_auth]\niterations = 1000\n'
# What a change of rights may take to reach those whom it concerns.
ENDS_WITHIN_S = 5
USER_ID = 'org.couchdb.user:'


class UsersTestCase(ServerTestCase):
    server_arguments = {'config': CONFIG}

    def put_user(self, name, password='pw', roles=(), **members):
        """Writes the user's document over the one that is there; returns the answer."""
        current = self.server.get('/_users/' + USER_ID + name)
        document = {'type': 'user', 'name': name, 'roles': list(roles), **members}
        if password is not None:
            document['password'] = password
        if current.status_code == 200:
            document = {**current.json(), **document}
        return self.answer(self.server.put('/_users/' + USER_ID + name, json=document), 201)

    def as_user(self, name, password='pw'):
        session = self.server.new_session(name, password)
        self.addCleanup(session.close)
        return session

    def cookie_session(self, name, password='pw'):
        session = self.server.new_session('')
        self.addCleanup(session.close)
        answer = session.post(self.server.url + '/_session', json={'name': name, 'password': password})
        self.assertEqual(answer.status_code, 200, answer.text)
        return session

    def who(self, session, **arguments):
        answer = session.get(self.server.url + '/_session', **arguments)
        return answer.json()['userCtx']['name'] if answer.status_code == 200 else answer.status_code

    def member_database(self, name):
        database = self.database()
        self.answer(self.server.put('/%s/_security' % database, json={'members': {'names': [name]}}), 200)
        return database


class LoginTest(UsersTestCase):
    def test_users_of_a_couchdb_log_in_as_they_were_replicated(self):
        """As _users documents of CouchDB 1 to 3.5 look; they come with their revisions."""
        def pbkdf2(prf, iterations, length):
            return hashlib.pbkdf2_hmac(prf, b'pw', b'0123', iterations, length).hex()
        documents = {
            'old': {'password_sha': hashlib.sha1(b'pw0123').hexdigest(), 'salt': '0123'},
            'two': {'password_scheme': 'pbkdf2', 'iterations': 10, 'salt': '0123',
                    'derived_key': pbkdf2('sha1', 10, 20)},
            'three': {'password_scheme': 'pbkdf2', 'pbkdf2_prf': 'sha256', 'iterations': 600000,
                      'salt': '0123', 'derived_key': pbkdf2('sha256', 600000, 32)}}
        docs = [{'_id': USER_ID + name, '_rev': '1-' + 32 * 'a', 'type': 'user', 'name': name,
                 'roles': ['r'], **members} for name, members in documents.items()]
        self.answer(self.server.post('/_users/_bulk_docs', json={'docs': docs, 'new_edits': False}), 201)
        for name in documents:
            self.assertEqual(self.who(self.as_user(name)), name)
            self.assertEqual(self.who(self.as_user(name, 'PW')), 401)
            # Hashed as the settings say from here on, with the salt that it had.
            stored = self.server.get('/_users/' + USER_ID + name).json()
            self.assertEqual((stored['pbkdf2_prf'], stored['iterations'], stored['salt']),
                             ('sha256', 1000, '0123'), name)
            self.assertEqual(self.who(self.as_user(name)), name)

    def test_no_answer_and_no_log_holds_a_password(self):
        secret = 'hunter2-and-more'
        self.put_user('hushed', secret)
        self.who(self.as_user('hushed', secret))
        self.who(self.as_user('hushed', secret + '!'))
        self.cookie_session('hushed', secret)
        self.assertNotIn(secret, self.server.get('/_users/' + USER_ID + 'hushed').text)
        self.assertNotIn(secret, '\n'.join(self.server.log))
        self.assertNotIn(secret, self.server.get('/_node/_local/_config').text)

    def test_admins_of_the_configuration_are_hashed_when_they_are_set(self):
        self.answer(self.server.put('/_node/_local/_config/admins/second', json='pw of the second'), 200)
        self.assertEqual(self.who(self.as_user('second', 'pw of the second')), 'second')
        self.assertNotIn('pw of the second', (self.server.data_dir / 'local.ini').read_text())

    def test_members_of_a_login_must_agree_and_redirects_stay_here(self):
        session = self.server.new_session('')
        self.put_user('agreed')
        url = self.server.url + '/_session'
        answer = session.post(url, json={'name': 'agreed', 'username': 'other', 'password': 'pw'})
        self.assertEqual((answer.status_code, answer.json()['reason']),
                         (400, 'request body contains different usernames'))
        for query in ('next=@elsewhere.example', 'fail=.elsewhere.example', 'next=https://x.example'):
            answer = session.post(url + '?' + query, json={'name': 'agreed', 'password': 'pw'},
                                  allow_redirects=False)
            self.assertEqual(answer.status_code, 400, query)

    def test_others_see_the_public_fields_of_a_user(self):
        editable = '/_node/_local/_config/couchdb/users_db_security_editable'
        self.answer(self.server.put(editable, json='true'), 200)
        self.addCleanup(self.server.delete, editable)
        self.answer(self.server.put('/_users/_security', json={}), 200)
        self.addCleanup(self.server.put, '/_users/_security', json={'members': {'roles': ['_admin']}})
        self.put_user('anna', city='Rome', phone='1')
        self.put_user('bert')
        bert, anna = self.as_user('bert'), self.as_user('anna')
        path = '/_users/' + USER_ID + 'anna'
        self.answer(bert.get(self.server.url + path), 404)
        setting = '/_node/_local/_config/chttpd_auth/public_fields'
        self.answer(self.server.put(setting, json='name, city'), 200)
        self.addCleanup(self.server.delete, setting)
        whole = self.server.get(path).json()
        self.assertEqual(self.answer(bert.get(self.server.url + path), 200),
                         {name: whole[name] for name in ('_id', '_rev', 'name', 'city')})
        self.assertEqual(set(self.answer(bert.get(self.server.url + path + '?revs=true&meta=true'), 200)),
                         {'_id', '_rev', '_revisions', '_revs_info', 'name', 'city'})
        self.assertEqual(self.answer(anna.get(self.server.url + path), 200), whole)
        self.answer(bert.put(self.server.url + path, json={**whole, 'city': 'Bari'}), 404)
        self.answer(bert.get(self.server.url + '/_users/_all_docs?include_docs=true'), 401)
        self.answer(self.server.put(setting, json='street'), 200)
        self.answer(bert.get(self.server.url + path), 404)

    def test_too_many_failures_lock_the_name_for_that_address(self):
        self.put_user('guessed')
        for _ in range(5):
            self.assertEqual(self.who(self.as_user('guessed', 'wrong')), 401)
        answer = self.as_user('guessed').get(self.server.url + '/_session')
        self.assertEqual((answer.status_code, answer.json()), (403, {
            'error': 'forbidden',
            'reason': 'Account is temporarily locked due to multiple authentication failures'}))
        # A new password opens it.
        self.put_user('guessed', 'another')
        self.assertEqual(self.who(self.as_user('guessed', 'another')), 'guessed')


class ProxyTest(UsersTestCase):
    server_arguments = {'config': CONFIG + 'secret = shared\nproxy_use_secret = true\n'
                                  '[chttpd]\nauthentication_handlers = {chttpd_auth, '
                                  'proxy_authentication_handler}, {chttpd_auth, '
                                  'default_authentication_handler}\n'}

    def test_a_proxy_names_the_user_and_the_roles(self):
        token = hmac.new(b'shared', b'anna', hashlib.sha256).hexdigest()
        headers = {'X-Auth-CouchDB-UserName': 'anna', 'X-Auth-CouchDB-Roles': 'a,b',
                   'X-Auth-CouchDB-Token': token}
        session = self.server.new_session('')
        answer = session.get(self.server.url + '/_session', headers=headers).json()
        self.assertEqual(answer['userCtx'], {'name': 'anna', 'roles': ['a', 'b']})
        self.assertEqual(answer['info'], {'authentication_handlers': ['proxy', 'default'],
                                          'authenticated': 'proxy'})
        headers['X-Auth-CouchDB-UserName'] = 'bert'
        self.assertIsNone(session.get(self.server.url + '/_session',
                                      headers=headers).json()['userCtx']['name'])


class SecretTest(UsersTestCase):
    def test_nodes_with_one_secret_share_sessions_and_restarts_keep_it(self):
        self.put_user('traveller')
        session = self.cookie_session('traveller')
        cookie = session.cookies['AuthSession']
        self.server.restart()
        document = self.server.get('/_users/' + USER_ID + 'traveller').json()

        def who(server):
            other = server.new_session('')
            with other:
                return other.get(server.url + '/_session', cookies={'AuthSession': cookie}
                                 ).json()['userCtx']['name']
        self.assertEqual(who(self.server), 'traveller')
        secret = re.search(r'^secret\s*=\s*(\S+)', (self.server.data_dir / 'local.ini').read_text(),
                           re.M).group(1)
        for given, expected in ((secret, 'traveller'), ('another', None)):
            with Server(config=CONFIG, environment={'COUCHDB_SECRET': given}) as other:
                del document['_rev']
                self.assertEqual(other.put('/_users/' + document['_id'], json=document).status_code, 201)
                document['_rev'] = '1-x'
                self.assertEqual(who(other), expected)
                self.assertNotIn(given, other.get('/_node/_local/_config/chttpd_auth/secret').text)


class EndOfLoginTest(UsersTestCase):
    """A change of password, roles or lock ends what goes on in the user's name."""
    CHANGES = {'password': {'password': 'changed'}, 'roles': {'password': None, 'roles': ['r']},
               'lock': {'password': None, 'locked': True}}

    def feed(self, session, database, **parameters):
        """A continuous feed; returns an event that is set with its end."""
        began, ended = threading.Event(), threading.Event()
        answer = session.get('%s/%s/_changes' % (self.server.url, database), stream=True, timeout=60,
                             params={'feed': 'continuous', 'heartbeat': 60000, **parameters})
        self.assertEqual(answer.status_code, 200, answer.text if answer.status_code != 200 else '')

        def read():
            with answer:
                for line in answer.iter_lines():
                    if line:
                        began.set()
            ended.set()
        threading.Thread(target=read, daemon=True).start()
        self.assertTrue(began.wait(20))
        return ended

    def test_changes_end_sessions_and_feeds(self):
        for kind, members in self.CHANGES.items():
            with self.subTest(kind):
                name = 'feeder_' + kind
                self.put_user(name)
                database = self.member_database(name)
                self.answer(self.server.put('/%s/a' % database, json={}), 201)
                session = self.cookie_session(name)
                ended = self.feed(session, database)
                others = self.feed(self.server.session, database)
                self.put_user(name, **members)
                self.assertTrue(ended.wait(ENDS_WITHIN_S), 'the feed went on')
                self.assertIsNone(self.who(session))
                self.assertFalse(others.is_set(), "somebody else's feed ended")
                self.delete_database(database)

    def test_what_is_no_matter_of_security_ends_nothing(self):
        self.put_user('steady')
        database = self.member_database('steady')
        self.answer(self.server.put('/%s/a' % database, json={}), 201)
        session = self.cookie_session('steady')
        ended = self.feed(session, database)
        self.put_user('steady', None, city='Ulm')
        self.put_user('somebody_else', 'changed')
        self.assertFalse(ended.wait(1))
        self.assertEqual(self.who(session), 'steady')

    def test_changes_end_replications(self):
        for kind, members in self.CHANGES.items():
            with self.subTest(kind):
                name = 'replicator_' + kind
                self.put_user(name)
                database = self.member_database(name)
                target = self.database('_target')
                self.answer(self.server.put('/%s/_security' % target, json={'members': {'names': [name]}}), 200)
                session = self.cookie_session(name)
                answer = session.post(self.server.url + '/_replicate', json={
                    'source': database, 'target': target, 'continuous': True})
                self.assertEqual(answer.status_code, 202, answer.text)

                def count():
                    return len(self.server.get('/_scheduler/jobs').json()['jobs'])
                self.answer(self.server.put('/%s/a' % database, json={}), 201)
                self.assertTrue(wait_until(
                    lambda: self.server.get('/%s/a' % target).status_code == 200), 'it does not run')
                self.put_user(name, **members)
                self.assertTrue(wait_until(lambda: count() == 0, ENDS_WITHIN_S), 'the replication went on')
                self.delete_database(database)

    def test_replications_of_documents_go_on_with_the_rights_that_are_left(self):
        self.answer(self.server.put('/_replicator/_security', json={'members': {}}), 200)
        self.put_user('owner', roles=['crew'])
        source, target = self.database('_source'), self.database('_target')
        for name in (source, target):
            self.answer(self.server.put('/%s/_security' % name, json={'members': {'roles': ['crew']}}), 200)
        session = self.cookie_session('owner')
        answer = session.put(self.server.url + '/_replicator/owned',
                             json={'source': source, 'target': target, 'continuous': True})
        self.assertEqual(answer.status_code, 201, answer.text)
        self.answer(self.server.put('/%s/a' % source, json={}), 201)
        self.assertTrue(wait_until(lambda: self.server.get('/%s/a' % target).status_code == 200))
        self.put_user('owner', None, roles=['other'])

        def state():
            return self.server.get('/_scheduler/docs/_replicator/owned').json()['state']
        self.assertTrue(wait_until(lambda: state() == 'crashing', ENDS_WITHIN_S), state())
        self.answer(self.server.put('/%s/b' % source, json={}), 201)
        self.assertEqual(self.server.get('/%s/b' % target).status_code, 404)

    def test_nobody_replicates_with_the_rights_of_others(self):
        self.answer(self.server.put('/_replicator/_security', json={'members': {}}), 200)
        self.put_user('climber')
        session = self.as_user('climber')
        for number, members in enumerate(({'user_ctx': {'name': 'admin', 'roles': ['_admin']}},
                                          {'user_ctx': {'name': 'climber', 'roles': ['_admin']}},
                                          {'owner': 'admin'})):
            for new_edits in (True, False):
                document = {'_id': 'climb%d' % number, 'source': 'a', 'target': 'b', **members}
                if not new_edits:
                    document['_rev'] = '1-' + 32 * 'a'
                answer = session.post(self.server.url + '/_replicator/_bulk_docs',
                                      json={'docs': [document], 'new_edits': new_edits})
                self.assertEqual(answer.json()[0]['error'], 'forbidden', answer.text)


class PerUserDatabasesTest(UsersTestCase):
    server_arguments = {'config': CONFIG + '[couch_peruser]\nenable = true\n'}

    def test_users_get_a_database_of_their_own(self):
        self.put_user('anna')
        name = 'userdb-' + b'anna'.hex()
        self.assertTrue(wait_until(lambda: self.server.get('/' + name).status_code == 200))
        self.assertTrue(wait_until(
            lambda: 'anna' in json.dumps(self.server.get('/%s/_security' % name).json())))
        security = self.server.get('/%s/_security' % name).json()
        self.assertEqual((security['admins']['names'], security['members']['names']), (['anna'], ['anna']))
        self.assertEqual(self.as_user('anna').put('%s/%s/a' % (self.server.url, name), json={}).status_code, 201)
        self.put_user('bert')
        self.assertEqual(self.as_user('bert').get('%s/%s/a' % (self.server.url, name)).status_code, 403)

        def delete(user):
            rev = self.server.get('/_users/' + USER_ID + user).json()['_rev']
            self.answer(self.server.delete('/_users/' + USER_ID + user, params={'rev': rev}), 200)
        delete('anna')
        self.assertTrue(wait_until(
            lambda: self.server.get('/%s/_security' % name).json()['members']['names'] == []))
        self.answer(self.server.put('/_node/_local/_config/couch_peruser/delete_dbs', json='true'), 200)
        other = 'userdb-' + b'bert'.hex()
        self.assertTrue(wait_until(lambda: self.server.get('/' + other).status_code == 200))
        delete('bert')
        self.assertTrue(wait_until(lambda: self.server.get('/' + other).status_code == 404))
