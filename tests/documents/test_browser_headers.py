"""What answers tell browsers: [csp], [x_frame_options], [ssl] hsts_max_age."""
import unittest

import requests

from harness.case import ServerTestCase
from test_tls import TlsCase

NODE = '/_node/_local/_config/'
POLICY = 'Content-Security-Policy'
FRAMES = 'X-Frame-Options'
HSTS = 'Strict-Transport-Security'


class SettingsCase(ServerTestCase):
    def set(self, section, key, value):
        self.answer(self.server.put('%s%s/%s' % (NODE, section, key), json=value), 200)
        self.addCleanup(self.server.delete, '%s%s/%s' % (NODE, section, key))


class PolicyTest(SettingsCase):
    def setUp(self):
        super().setUp()
        database = '/' + self.database()
        self.answer(self.server.put(database + '/_design/f', json={
            'shows': {'s': 'function () { return "<p>" }', 'j': 'function () { return {json: 1} }'},
            'lists': {'l': 'function () { return "<p>" }'}, 'views': {'v': {'map': 'function (doc) {}'}},
            'updates': {'u': 'function () { return [null, "<p>"] }'}}), 201)
        for name, kind in (('plain', 'text/html'), ('image', 'image/png')):
            self.answer(self.server.put('%s/%s/a' % (database, name), data=b'<p>', headers={'Content-Type': kind}), 201)
        self.answers = {
            'attachments': lambda: [self.server.get(database + path) for path in ('/plain/a', '/image/a')] + [
                self.server.get(database + '/image/a', headers={'Range': 'bytes=0-1'})],
            'showlist': lambda: [self.server.get(database + '/_design/f' + path) for path in ('/_show/s', '/_list/l/v')] + [
                self.server.post(database + '/_design/f/_update/u')],
            'utils': lambda: [self.server.get('/_utils/')]}
        self.without = lambda: [self.server.get(database + path) for path in ('', '/plain', '/_design/f/_show/j')]

    def policies(self, kind):
        answers = self.answers[kind]()
        self.assertTrue(all(answer.ok for answer in answers))
        return {answer.headers.get(POLICY) for answer in answers}

    def test_defaults(self):
        self.assertEqual(self.policies('attachments'), {'sandbox'})
        self.assertEqual(self.policies('showlist'), {'sandbox'})
        self.assertIn("default-src 'self'", self.policies('utils').pop())
        self.assertEqual({answer.headers.get(POLICY) for answer in self.without()}, {None})

    def test_each_kind_has_its_own(self):
        for kind in self.answers:
            before = {other: self.policies(other) for other in self.answers if other != kind}
            self.set('csp', kind + '_header_value', "default-src 'none'; sandbox allow-scripts")
            self.assertEqual(self.policies(kind), {"default-src 'none'; sandbox allow-scripts"}, kind)
            self.set('csp', kind + '_enable', 'false')
            self.assertEqual(self.policies(kind), {None}, kind)
            self.assertEqual({other: self.policies(other) for other in before}, before)
            for key in ('_enable', '_header_value'):
                self.answer(self.server.delete(NODE + 'csp/' + kind + key), 200)

    def test_settings_of_older_versions(self):
        self.set('csp', 'header_value', "default-src 'none'")
        self.assertEqual(self.policies('utils'), {"default-src 'none'"})
        self.set('csp', 'enable', 'false')
        self.assertEqual(self.policies('utils'), {None})
        self.assertEqual(self.policies('attachments'), {'sandbox'})

    def test_values_are_one_line(self):
        for value in ('sandbox\nX-Forged: 1', 'sandbox\r\nX-Forged: 1', 'a ; b'):
            self.error(self.server.put(NODE + 'csp/attachments_header_value', json=value), 400, 'bad_request')
        self.error(self.server.put(NODE + 'csp/attachments_enable', json='maybe'), 400, 'bad_request')


class FramesTest(SettingsCase):
    def frames(self, path='/', **headers):
        return self.server.get(path, headers=headers).headers.get(FRAMES)

    def test_who_may_show_answers_in_frames(self):
        self.set('x_frame_options', 'same_origin', 'true')
        self.assertIsNone(self.frames(), 'off by default')
        self.set('chttpd', 'enable_xframe_options', 'true')
        self.assertEqual((self.frames(), self.frames('/_nothing'), self.frames('/_all_dbs')), ('SAMEORIGIN',) * 3)
        self.set('x_frame_options', 'same_origin', 'false')
        self.assertEqual(self.frames(), 'DENY')
        self.set('x_frame_options', 'hosts', 'http://a.example, http://b.example:1')
        for host, expected in (('a.example', 'ALLOW-FROM http://a.example'), ('b.example:1', 'ALLOW-FROM http://b.example:1'),
                               ('b.example', 'DENY'), ('c.example', 'DENY'), ('', 'DENY')):
            self.assertEqual(self.frames(Host=host), expected, host)
        self.set('x_frame_options', 'hosts', '*')
        self.assertEqual(self.frames(Host='c.example'), 'ALLOW-FROM http://c.example')
        self.set('httpd', 'enable_xframe_options', 'false')
        self.assertIsNone(self.frames())


class TransportTest(TlsCase):
    def test_https_only_is_told_over_https_only(self):
        server = self.serve(self.good)

        def told(origin):
            with requests.get(origin + '/', timeout=30, verify=str(self.authority.certificate)) as answer:
                return answer.headers.get(HSTS)
        self.assertIsNone(told(server.tls_origin))
        self.assertEqual(server.put(NODE + 'ssl/hsts_max_age', json='31536000').status_code, 200)
        self.assertEqual((told(server.tls_origin), told(server.origin)), ('max-age=31536000', None))
        self.assertEqual(server.put(NODE + 'ssl/hsts_max_age', json='-1').status_code, 400)


if __name__ == '__main__':
    unittest.main()
