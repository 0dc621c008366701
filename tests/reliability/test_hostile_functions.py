"""Functions that mean harm: each is a clear error in bounded time, others go on, the server's memory stays."""
import json
import pathlib
import threading
import time
import unittest

from harness.case import ServerTestCase

TIME_LIMIT_S = 240
FUNCTION_LIMIT_MS = 400
# Three calls that take too long end a build; starts of workers and a loaded machine come on top.
ANSWER_LIMIT_S = 45
MEMORY_LIMIT_BYTES = 300 << 20

HOSTILE_MAPS = {
    'infinite loop': 'function (doc) { while (true) {} }',
    'loop in a property': 'function (doc) { emit({get k() { for (;;) {} }}, 1) }',
    'loop in toJSON': 'function (doc) { emit(doc._id, {toJSON: function () { for (;;) {} }}) }',
    'endless strings': 'function (doc) { var s = "x"; for (;;) { s += s; } }',
    'endless arrays': 'function (doc) { var a = []; for (;;) { a.push(new Array(100000).fill(1.5)); } }',
    'typed arrays': 'function (doc) { var a = []; for (;;) { a.push(new Float64Array(1000000)); } }',
    'slow regular expression': 'function (doc) { /^(a+)+$/.test("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!") }',
    'deep recursion': 'function (doc) { function f() { return f() + 1; } f(); }',
    'flood of rows': 'function (doc) { for (;;) { emit(doc._id, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"); } }',
    'giant row': 'function (doc) { var s = "x"; while (s.length < (1 << 27)) { s += s; } '
                 'for (var i = 0; i < 100; i++) emit(s, s); }',
    'flood of log': 'function (doc) { for (;;) { log("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"); } }',
}
FUNCTION_ERRORS = ('os_process_error', 'script_failed', 'timeout', 'out_of_memory')
# No such thing in the world of a function.
REACHES = ['require("fs")', 'require("child_process")', 'load("/etc/passwd")', 'read("/etc/passwd")',
           'os.system("id")', 'new XMLHttpRequest()', 'fetch("http://127.0.0.1/")', 'print("x")', 'quit()',
           'new Worker("x")', 'importScripts("x")', 'process.exit()', 'Deno.exit()', 'snarf("/etc/passwd")']


class HostileTest(ServerTestCase):
    server_arguments = {'config': '[couchdb]\nos_process_timeout = %d\n'
                                  '[divan]\nscript_answer_bytes_max = 16777216\n' % FUNCTION_LIMIT_MS}

    def memory(self):
        status = pathlib.Path('/proc/%d/status' % self.server.pid).read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith('VmRSS:')) * 1024

    def fill(self, db, count=20):
        docs = [{'_id': 'd%03d' % i, 'n': i} for i in range(count)]
        self.answer(self.server.post('/%s/_bulk_docs' % db, json={'docs': docs}), 201)

    def design(self, db, views, name='d', **more):
        body = {'views': views, 'autoupdate': False, **more}
        self.answer(self.server.put('/%s/_design/%s' % (db, name), json=body), 201)

    def test_maps_that_do_not_end_or_take_everything(self):
        before = self.memory()
        for number, (what, source) in enumerate(HOSTILE_MAPS.items()):
            with self.subTest(what):
                db = self.database('_%d' % number)
                self.fill(db)
                self.design(db, {'evil': {'map': source}})
                began = time.monotonic()
                answer = self.server.get('/%s/_design/d/_view/evil' % db, timeout=ANSWER_LIMIT_S)
                self.assertLess(time.monotonic() - began, ANSWER_LIMIT_S)
                if answer.status_code == 200:
                    self.assertEqual(answer.json()['rows'], [], 'a document that fails is left out')
                else:
                    self.assertEqual(answer.status_code, 500, answer.text)
                    self.assertIn(answer.json()['error'], FUNCTION_ERRORS)
                    self.assertIn('evil', answer.json()['reason'], 'the function is named')
                self.assertLess(self.memory() - before, MEMORY_LIMIT_BYTES)

    def test_others_go_on(self):
        evil = [self.database('_%d' % i) for i in range(3)]
        for db in evil:
            self.fill(db)
            self.design(db, {'evil': {'map': HOSTILE_MAPS['infinite loop']}})
        good = self.database('_good')
        self.fill(good, 500)
        self.design(good, {'v': {'map': 'function (doc) { emit(doc.n, 1) }', 'reduce': '_sum'}})
        ended = []
        ask = lambda db: ended.append(self.server.get('/%s/_design/d/_view/evil' % db).status_code)
        threads = [threading.Thread(target=ask, args=(db,)) for db in evil]
        for thread in threads:
            thread.start()
        answer = self.answer(self.server.get('/%s/_design/d/_view/v' % good), 200)
        self.assertEqual(answer['rows'], [{'key': None, 'value': 500}])
        self.answer(self.server.get('/%s/d001' % good), 200)
        for thread in threads:
            thread.join()
        self.assertEqual(ended, [500] * 3)

    def test_reduces(self):
        sources = {'loop': 'function (k, v) { for (;;) {} }',
                   'memory': 'function (k, v) { var a = []; for (;;) { a.push(new Array(100000).fill(1.5)); } }',
                   'throw': 'function (k, v) { throw new Error("no") }'}
        for name, source in sources.items():
            with self.subTest(name):
                db = self.database('_' + name)
                self.fill(db, 200)
                self.design(db, {name: {'map': 'function (doc) { emit(doc.n % 2, doc.n) }', 'reduce': source},
                                 'good': {'map': 'function (doc) { emit(doc.n, 1) }'}})
                answer = self.server.get('/%s/_design/d/_view/%s' % (db, name), timeout=ANSWER_LIMIT_S)
                told = answer.json()
                said = told if answer.status_code == 500 else told['rows'][0]
                self.assertIn('error', said, answer.text)
                self.assertIn(name, said['reason'], 'the function is named')

    def test_tampering_reaches_no_other_program(self):
        db = self.database()
        self.fill(db)
        evil = '''function (doc) {
          Object.prototype.toJSON = function () { return "evil"; };
          Array.prototype.push = Array.prototype.join = function () { return "evil"; };
          String.prototype.charAt = function () { return "evil"; };
          JSON.stringify = JSON.parse = function () { return "evil"; };
          var outside = (function () { return this; })();
          outside.emit = outside.log = outside.sum = function () { throw "evil"; };
          Object.defineProperty(Object.prototype, "n", {get: function () { return "evil"; }});
        }'''
        self.design(db, {'evil': {'map': evil}}, 'a')
        good = {'v': {'map': 'function (doc) { emit([doc.n, {a: doc._id}], doc.n); }',
                      'reduce': 'function (k, v) { return sum(v); }'}}
        self.server.get('/%s/_design/a/_view/evil' % db)
        for name in ('b', 'c'):
            good['v']['map'] += ' // ' + name
            self.design(db, good, name)
            answer = self.answer(self.server.get('/%s/_design/%s/_view/v' % (db, name)), 200)
            self.assertEqual(answer['rows'], [{'key': None, 'value': 190}])
            self.answer(self.server.get('/%s/_design/a/_view/evil' % db), 200)

    def test_nothing_of_the_host_is_there(self):
        db = self.database()
        self.fill(db, 1)
        views = {'v%d' % i: {'map': 'function (doc) { var got; try { got = %s; } catch (e) { got = "nothing"; } '
                                    'emit(%d, got === undefined ? "nothing" : got); }' % (reach, i)}
                 for i, reach in enumerate(REACHES)}
        self.design(db, views)
        for i, reach in enumerate(REACHES):
            answer = self.answer(self.server.get('/%s/_design/d/_view/v%d' % (db, i)), 200)
            self.assertEqual([row['value'] for row in answer['rows']], ['nothing'], reach)

    def test_a_validation_function_that_does_not_end_refuses(self):
        db = self.database()
        self.answer(self.server.put('/%s/_design/d' % db,
                                    json={'validate_doc_update': 'function () { for (;;) {} }'}), 201)
        began = time.monotonic()
        answer = self.server.put('/%s/doc' % db, json={}, timeout=ANSWER_LIMIT_S)
        self.assertEqual(answer.status_code, 500, answer.text)
        self.assertLess(time.monotonic() - began, ANSWER_LIMIT_S)
        self.assertIn('validate_doc_update', json.dumps(answer.json()))
        self.answer(self.server.get('/%s/doc' % db), 404)


if __name__ == '__main__':
    unittest.main()
