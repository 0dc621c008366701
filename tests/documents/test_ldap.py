"""Users of an LDAP directory: their logins, roles, what refuses them, encryption, and a directory that is away."""
import concurrent.futures
import contextlib
import socket
import threading
import time
import unittest

from harness.case import wait_until
from harness.command import divan
from harness.server import ROOT, Server
from harness.slapd import SUFFIX, Slapd, group, person, tree

PEOPLE = 'ou=people,' + SUFFIX
USER_DOCUMENT = '/_users/org.couchdb.user:'
ANSWER_LIMIT_S = 30
# Whom the tests change is nobody else's.
LDIF = (tree() + person('anna', mail=['anna@example.org'], seeAlso='cn=devs,ou=groups,' + SUFFIX)
        + person('bert') + person('bert, b', 'odd') + person('moved') + person('gone') + person('shut') + person('both')
        + person('nopass', None) + person('twin') + 'dn: cn=twin,%s\nobjectClass: inetOrgPerson\nuid: twin\ncn: twin\nsn: x\n'
        'userPassword: pw\n\n' % PEOPLE
        + group('devs', 'anna', 'moved') + group('_admin', 'anna') + group('ops', 'bert') + group('staff', 'anna'))


def section(values):
    return ''.join('%s = %s\n' % pair for pair in values.items())


class LdapCase(unittest.TestCase):
    """A directory, and the settings that search it."""

    slapd_names = 'IP:127.0.0.1'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.slapd = Slapd(LDIF, cls.slapd_names)
        cls.addClassCleanup(cls.slapd.close)
        cls.slapd.start()

    @classmethod
    def searching(cls, **changes):
        return {'enable': 'true', 'url': cls.slapd.url, 'user_base': PEOPLE, 'bind_dn': 'cn=divan,' + SUFFIX,
                'bind_password': 'service-secret', 'group_base': 'ou=groups,' + SUFFIX, 'retry_delay_ms': '0',
                'remember_seconds': '0', **changes}

    @staticmethod
    def config(ldap, roles=None):
        return ('[chttpd_auth]\niterations = 1000\n[chttpd_auth_lockout]\nmode = off\n[ldap]\n' + section(ldap) +
                '[ldap_roles]\n' + section(roles or {}))

    def serve(self, ldap=None, roles=None):
        server = Server(memory=True, config=self.config(ldap or self.searching(), roles))
        self.addCleanup(server.close)
        server.start()
        self.addCleanup(lambda: server.stop() if server.running else self.fail('the server ended\n' + server.log_tail()))
        return server

    def log_in(self, server, name, password='pw'):
        """The roles of the user by Basic, or the status that refuses."""
        with contextlib.closing(server.new_session('')) as session:
            answer = session.get(server.url + '/_session', auth=(name.encode(), password.encode()), timeout=ANSWER_LIMIT_S)
        if answer.status_code != 200:
            return answer.status_code
        self.assertEqual(answer.json()['userCtx']['name'], name)
        return answer.json()['userCtx']['roles']

    def post_session(self, server, name, password='pw'):
        """The answer to a login by _session, and the session it was made in."""
        session = server.new_session('')
        self.addCleanup(session.close)
        return session.post(server.url + '/_session', json={'name': name, 'password': password}, timeout=ANSWER_LIMIT_S), session


class LoginTest(LdapCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(memory=True, config=cls.config(cls.searching(attributes='mail'), {
            'devs': 'developer, reader', 'cn:ops,ou:groups,dc:example,dc:org': 'operator', '_admin': '_admin'}))
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def test_login_by_basic_and_by_session(self):
        self.assertEqual(self.log_in(self.server, 'anna'), ['developer', 'reader'])
        self.assertEqual(self.log_in(self.server, 'bert'), ['operator'])
        answer, session = self.post_session(self.server, 'anna')
        self.assertEqual((answer.status_code, answer.json()['roles']), (200, ['developer', 'reader']))
        self.assertEqual(session.get(self.server.url + '/_session').json()['userCtx']['name'], 'anna')
        document = self.server.get(USER_DOCUMENT + 'anna').json()
        self.assertEqual((document['identity_provider'], document['mail']), ('ldap', 'anna@example.org'))
        self.assertFalse({'password', 'derived_key', 'password_scheme'} & set(document))

    def test_wrong_and_empty_passwords(self):
        for name, password in (('anna', 'wrong'), ('anna', ''), ('nobody', 'pw'), ('nobody', ''), ('', 'pw'),
                               ('nopass', ''), ('nopass', 'pw'), ('anna', 'pw\0'), ('anna\0', 'pw')):
            with self.subTest(name=name, password=password):
                self.assertEqual(self.post_session(self.server, name, password)[0].status_code, 401)
                if name:
                    self.assertEqual(self.log_in(self.server, name, password), 401)

    def test_names_that_would_change_a_filter_or_a_distinguished_name(self):
        for name in ('*', 'ann*', ')(uid=*', 'anna)(uid=*', '*)(uid=anna))(|(uid=*', 'anna,ou=x', 'anna,' + PEOPLE,
                     '\\61nna', '#616e6e61', 'ANNA', ' anna', 'anna ', 'cn=divan,' + SUFFIX, 'a' * 5000):
            with self.subTest(name=name):
                self.assertEqual(self.post_session(self.server, name)[0].status_code, 401)
        self.assertEqual(self.log_in(self.server, 'bert, b', 'odd'), [])

    def test_more_than_one_entry_for_a_name_is_refused(self):
        self.assertEqual(self.log_in(self.server, 'twin'), 401)
        self.assertIn('more than one entry has the name twin', self.server.log_tail())

    def test_a_changed_role_is_seen(self):
        self.assertEqual(self.log_in(self.server, 'moved'), ['developer', 'reader'])
        member = 'member: uid=moved,' + PEOPLE
        self.slapd.change('dn: cn=devs,ou=groups,%s\nchangetype: modify\ndelete: member\n%s\n\n'
                          'dn: cn=ops,ou=groups,%s\nchangetype: modify\nadd: member\n%s\n' % (SUFFIX, member, SUFFIX, member))
        self.assertEqual(self.log_in(self.server, 'moved'), ['operator'])

    def test_a_removed_user_gets_in_no_more(self):
        self.assertEqual(self.log_in(self.server, 'gone'), [])
        self.slapd.change('dn: uid=gone,%s\nchangetype: delete\n' % PEOPLE)
        self.assertEqual(self.log_in(self.server, 'gone'), 401)

    def test_an_account_that_is_locked_here(self):
        self.assertEqual(self.log_in(self.server, 'shut'), [])
        document = self.server.get(USER_DOCUMENT + 'shut').json()
        self.assertEqual(self.server.put(USER_DOCUMENT + 'shut', json={**document, 'locked': True}).status_code, 201)
        self.assertEqual(self.log_in(self.server, 'shut'), 403)
        self.assertEqual(self.log_in(self.server, 'shut', 'wrong'), 401)

    def test_a_name_of_this_server_is_never_the_directorys(self):
        document = {'type': 'user', 'name': 'both', 'roles': ['local'], 'password': 'here'}
        self.assertEqual(self.server.put(USER_DOCUMENT + 'both', json=document).status_code, 201)
        self.assertEqual(self.log_in(self.server, 'both', 'here'), ['local'])
        self.assertEqual(self.log_in(self.server, 'both', 'pw'), 401)

    def test_no_answer_and_no_log_holds_a_password(self):
        self.log_in(self.server, 'anna', 'hunter2-and-more')
        text = '\n'.join(self.server.log) + self.server.get('/_node/_local/_config').text
        self.assertNotIn('hunter2-and-more', text)
        self.assertNotIn('service-secret', text)


class ShapesTest(LdapCase):
    """Other ways to find users and groups."""

    def template(self, **changes):
        return self.searching(user_dn_template='uid={name},' + PEOPLE, user_base='', bind_dn='', bind_password='', **changes)

    def test_names_by_template_are_bound_and_read_as_the_user(self):
        server = self.serve(self.template(), {'devs': 'developer'})
        self.assertEqual(self.log_in(server, 'anna'), ['developer'])
        self.assertEqual(self.log_in(server, 'bert, b', 'odd'), [])
        for name, password in (('anna', 'wrong'), ('anna', ''), ('anna,ou=x', 'pw'), ('*', 'pw'), ('ANNA', 'pw'),
                               ('anna ', 'pw'), ('anna+cn=anna', 'pw')):
            self.assertEqual(self.log_in(server, name, password), 401, name)

    def test_groups_of_the_users_entry_and_groups_as_roles(self):
        server = self.serve(self.searching(group_base='', user_group_attribute='SeeAlso'), {'devs': 'developer'})
        self.assertEqual(self.log_in(server, 'anna'), ['developer'])
        server = self.serve(self.searching(groups_as_roles='true'))
        self.assertEqual(self.log_in(server, 'anna'), ['devs', 'staff'])

    def test_a_right_password_is_remembered_for_a_while(self):
        server = self.serve(self.searching(remember_seconds='1'), {'staff': 'one', 'ops': 'two'})
        self.assertEqual(self.log_in(server, 'anna'), ['one'])
        answer = server.put('/_node/_local/_config/ldap_roles/staff', json='three')
        self.assertEqual(answer.status_code, 200)
        self.assertTrue(wait_until(lambda: self.log_in(server, 'anna') == ['three']))
        server.put('/_node/_local/_config/ldap/remember_seconds', json='3600')
        self.assertTrue(wait_until(lambda: self.log_in(server, 'bert') == ['two']))
        server.put('/_node/_local/_config/ldap/url', json='ldap://127.0.0.1:1')
        self.assertEqual(self.log_in(server, 'bert'), ['two'])
        self.assertEqual(self.log_in(server, 'moved'), 503)


class SettingsTest(LdapCase):
    def test_settings_that_cannot_work_stop_the_start(self):
        for changes, expected in (({'url': 'http://127.0.0.1'}, 'ldap://HOST'), ({'user_base': ''}, 'user_dn_template'),
                                  ({'user_base': '', 'user_dn_template': 'uid=x,' + PEOPLE}, '{name}'),
                                  ({'cacert_file': '/nonexistent.pem'}, '/nonexistent.pem'),
                                  ({'url': 'ldap://ldap.example.org', 'start_tls': 'false'}, 'allow_plaintext')):
            with self.subTest(changes=changes):
                path = self.slapd.folder / 'test.ini'
                path.write_text(self.config(self.searching(**changes)), encoding='utf-8')
                ended = divan('serve', '--memory', '--port', '0', '--admin', 'a:correct horse', '--config', str(path))
                self.assertNotEqual(ended.status, 0)
                self.assertIn(expected, ended.errors + ended.output)
                self.assertNotIn('service-secret', ended.errors + ended.output)

    def test_changes_apply_without_a_restart(self):
        server = self.serve(self.searching(enable='false'), {'staff': 'member'})

        def change(key, value):
            self.assertEqual(server.put('/_node/_local/_config/ldap/' + key, json=value).status_code, 200)
        self.assertEqual(self.log_in(server, 'anna'), 401)
        change('enable', 'true')
        self.assertEqual(self.log_in(server, 'anna'), ['member'])
        change('user_base', '')
        self.assertEqual(self.log_in(server, 'anna'), 503)
        answer, _ = self.post_session(server, 'anna')
        self.assertIn('user_dn_template', answer.json()['reason'])
        change('user_base', PEOPLE)
        self.assertEqual(self.log_in(server, 'anna'), ['member'])
        change('enable', 'false')
        self.assertEqual(self.log_in(server, 'anna'), 401)

    def test_a_service_that_the_directory_refuses(self):
        server = self.serve(self.searching(bind_password='wrong-secret'))
        answer, _ = self.post_session(server, 'anna')
        self.assertEqual(answer.status_code, 503)
        self.assertIn('bind_dn', answer.json()['reason'])
        self.assertNotIn('wrong-secret', '\n'.join(server.log))
        server = self.serve(self.searching(user_base='ou=nowhere,' + SUFFIX))
        self.assertIn('user_base', self.post_session(server, 'anna')[0].json()['reason'])


class EncryptionTest(LdapCase):
    def test_only_a_trusted_certificate_is_given_a_password(self):
        good, other = self.slapd.authority.certificate, self.slapd.make.authority('other').certificate
        for url, start_tls in ((self.slapd.url, 'true'), (self.slapd.tls_url, 'auto')):
            for authority, verify, expected in ((good, 'true', []), (other, 'true', 503), (other, 'false', []), ('', 'true', 503)):
                with self.subTest(url=url, authority=authority, verify=verify):
                    server = self.serve(self.searching(url=url, start_tls=start_tls, cacert_file=authority,
                                                       verify_certificates=verify))
                    self.assertEqual(self.log_in(server, 'anna'), expected)


class HostNameTest(LdapCase):
    slapd_names = 'DNS:elsewhere.example.org,IP:127.0.0.2'

    def test_a_certificate_of_another_host_is_not_trusted(self):
        for url, start_tls in ((self.slapd.url, 'true'), (self.slapd.tls_url, 'auto')):
            ldap = self.searching(url=url, start_tls=start_tls, cacert_file=self.slapd.authority.certificate)
            self.assertEqual(self.log_in(self.serve(ldap), 'anna'), 503)
            self.assertEqual(self.log_in(self.serve({**ldap, 'verify_certificates': 'false'}), 'anna'), [])


class GuideTest(unittest.TestCase):
    def test_the_example_of_the_guide_works(self):
        blocks = (ROOT / 'docs/ldap.md').read_text(encoding='utf-8').split('```\n')
        slapd = Slapd(blocks[1])
        self.addCleanup(slapd.close)
        slapd.start()
        self.assertIn('ldap://127.0.0.1:389', blocks[3])
        with Server(memory=True, config=blocks[3].replace('ldap://127.0.0.1:389', slapd.url)) as server:
            session = server.new_session('anna', 'tulip')
            self.addCleanup(session.close)
            context = session.get(server.url + '/_session').json()['userCtx']
            self.assertEqual(context, {'name': 'anna', 'roles': ['developer', 'reader']})
            self.assertEqual(server.get(USER_DOCUMENT + 'anna').json()['mail'], 'anna@example.org')


class Silent:
    """Takes connections and says nothing."""

    def __enter__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.taken, self.ended = [], threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                self.taken.append(self.listener.accept()[0])
                self.answer(self.taken[-1])

    def answer(self, connection):
        pass

    def __exit__(self, *_):
        self.ended.set()
        self.listener.close()
        for one in self.taken:
            one.close()


class Dripping(Silent):
    """Begins a record of TLS of 16,384 bytes and sends the next one every 20 ms."""

    def answer(self, connection):
        threading.Thread(target=self.drip, args=(connection,), daemon=True).start()

    def drip(self, connection):
        with contextlib.suppress(OSError):  # closed
            connection.sendall(b'\x16\x03\x03\x40\x00\x02\x00\x3f\xfc')
            while not self.ended.wait(0.02):
                connection.sendall(b'\x00')


class AwayTest(LdapCase):
    def stop_slapd(self):
        """The next test has it again."""
        self.slapd.stop()
        self.addCleanup(lambda: self.slapd.running or self.slapd.start())

    def put_local_user(self, server, name='local'):
        document = {'type': 'user', 'name': name, 'roles': ['here'], 'password': 'pw'}
        self.assertEqual(server.put(USER_DOCUMENT + name, json=document).status_code, 201)

    def test_a_directory_that_is_down_opens_no_door_and_closes_none(self):
        server = self.serve()
        self.put_local_user(server)
        self.assertEqual(self.log_in(server, 'anna'), [])
        self.stop_slapd()
        for name, password in (('anna', 'pw'), ('anna', 'wrong'), ('nobody', 'pw')):
            answer, _ = self.post_session(server, name, password)
            self.assertEqual(answer.status_code, 503)
            self.assertIn(self.slapd.url, answer.json()['reason'])
        self.assertEqual(self.post_session(server, 'anna', '')[0].status_code, 401)
        self.assertEqual(self.log_in(server, 'local'), ['here'])
        self.slapd.start()
        self.assertEqual(self.log_in(server, 'anna'), [])

    def test_connections_that_the_server_has_closed_are_opened_anew(self):
        server = self.serve()
        self.assertEqual(self.log_in(server, 'anna'), [])
        self.stop_slapd()
        self.slapd.start()
        self.assertEqual(self.log_in(server, 'anna'), [])

    def test_servers_are_tried_in_turn(self):
        server = self.serve(self.searching(url='ldap://127.0.0.1:1 ' + self.slapd.url))
        self.assertEqual(self.log_in(server, 'anna'), [])

    def test_a_directory_that_was_away_is_left_alone_for_a_while(self):
        with Silent() as silent:
            server = self.serve(self.searching(url='ldap://127.0.0.1:%d' % silent.port, request_timeout_ms='300',
                                               retry_delay_ms='600000'))
            self.assertEqual(self.log_in(server, 'anna'), 503)
            count = len(silent.taken)
            for _ in range(5):
                self.assertEqual(self.log_in(server, 'anna'), 503)
            self.assertEqual(len(silent.taken), count)
            # Other settings are tried at once.
            server.put('/_node/_local/_config/ldap/url', json=self.slapd.url)
            self.assertEqual(self.log_in(server, 'anna'), [])

    def test_a_handshake_that_does_not_come_is_given_up(self):
        with Silent() as silent:
            for url, start_tls in (('ldaps', 'auto'), ('ldap', 'true')):
                server = self.serve(self.searching(url='%s://127.0.0.1:%d' % (url, silent.port), start_tls=start_tls,
                                                   connect_timeout_ms='300', request_timeout_ms='300'))
                begin = time.monotonic()
                self.assertEqual(self.log_in(server, 'anna'), 503)
                self.assertLess(time.monotonic() - begin, 10)

    def test_a_handshake_that_comes_byte_by_byte_is_given_up(self):
        with Dripping() as dripping:
            server = self.serve(self.searching(url='ldaps://127.0.0.1:%d' % dripping.port, connect_timeout_ms='300'))
            begin = time.monotonic()
            self.assertEqual(self.log_in(server, 'anna'), 503)
            self.assertLess(time.monotonic() - begin, 10)

    def test_a_directory_that_hangs_keeps_nobody_else_out(self):
        with Silent() as silent, concurrent.futures.ThreadPoolExecutor(4) as pool:
            server = self.serve(self.searching(url='ldap://127.0.0.1:%d' % silent.port, request_timeout_ms='10000'))
            self.put_local_user(server)
            waiting = [pool.submit(self.log_in, server, 'anna') for _ in range(4)]
            self.assertTrue(wait_until(lambda: len(silent.taken) == 4))
            self.assertEqual(self.log_in(server, 'local'), ['here'])
            self.assertFalse(any(one.done() for one in waiting))
            for one in silent.taken:
                one.close()
            self.assertEqual({one.result(ANSWER_LIMIT_S) for one in waiting}, {503})


if __name__ == '__main__':
    unittest.main()
