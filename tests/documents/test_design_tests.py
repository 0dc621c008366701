"""`divan test`: design documents against example documents, on a server of its own."""
import json
import pathlib
import tempfile
import unittest

from harness.command import divan, divan_on_terminal

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / 'docs/examples/shop'

DESIGN = {'_id': '_design/d', 'views': {
    'v': {'map': 'function (doc) { emit(doc.n, null) }'},
    'sum': {'map': 'function (doc) { emit(null, doc.n) }', 'reduce': '_sum'}},
    'filters': {'even': 'function (doc) { return doc.n % 2 === 0 }',
                'broken': 'function (doc) { oops( }'},
    'updates': {'add': 'function (doc, req) { doc.n++; return [doc, "now " + doc.n] }',
                'none': 'function (doc, req) { return [null, "nothing"] }',
                'refuse': 'function (doc, req) { throw({forbidden: "no"}) }'},
    'shows': {'n': 'function (doc, req) { return {headers: {"X-N": "1"}, json: {n: doc.n, q: req.query.q}} }'},
    'validate_doc_update': 'function (newDoc, oldDoc, userCtx, secObj) {'
                           ' if (newDoc.crash) null.x; if (newDoc.odd) throw({forbidden: [1]});'
                           ' if (!userCtx.name) throw({unauthorized: "who"});'
                           ' if (secObj.closed) throw({forbidden: "closed"});'
                           ' if (oldDoc && userCtx.roles.indexOf("_admin") < 0)'
                           '  throw({forbidden: userCtx.db + oldDoc.n + userCtx.roles}) }'}
DOCUMENTS = [{'_id': 'a', 'n': 1}, {'_id': 'b', 'n': 2}]


class DesignTestsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def cases(self, *cases, name='a.test.json', design=DESIGN):
        self.write(name, {'design': [design], 'documents': DOCUMENTS, 'tests': [
            {'name': 'case %d' % number, **case} for number, case in enumerate(cases)]})

    def results(self, *arguments, status):
        done = divan('test', self.folder, '--json', *arguments)
        self.assertEqual(done.status, status, done)
        self.assertEqual(done.errors, '')
        return [json.loads(line) for line in done.output.splitlines()]

    def test_the_example_passes(self):
        done = divan('test', EXAMPLE)
        self.assertEqual((done.status, done.errors), (0, ''), done)
        self.assertRegex(done.output, r'\n17 passed, 0 failed in \d+\.\d s\n$')
        self.assertIn('\n  ok   staff changes shipped orders\n', done.output)
        self.assertNotIn('\x1b', done.output)

    def test_a_terminal_shows_colours(self):
        status, text = divan_on_terminal('test', EXAMPLE, '--filter', 'CSV', environment={'NO_COLOR': ''})
        self.assertEqual(status, 0, text)
        self.assertIn('\x1b[32m\u2713\x1b[0m totals as CSV\r\n', text)

    def test_what_fails_is_explained(self):
        self.cases({'view': 'd/v', 'expect': {'rows': [{'id': 'a', 'key': 2}, {'id': 'b'}, {'id': 'c'}]}},
                   {'view': 'd/v', 'query': {'limit': 1}, 'expect': {'rows_count': 2, 'total_rows': 3}})
        done = divan('test', self.folder)
        self.assertEqual((done.status, done.errors), (1, ''), done)
        self.assertRegex(done.output, r'^%s/a.test.json\n' % self.folder + r'''  FAIL case 0
      rows\[0\]: expected \{"id":"a","key":2\}
               got      \{"id":"a","key":1\}
      rows\[2\]: expected \{"id":"c"\}
               got      nothing
  FAIL case 1
      rows_count: expected 2
                  got      1
      total_rows: expected 3
                  got      2
0 passed, 2 failed in \d+\.\d s
$''')

    def test_json(self):
        self.cases({'view': 'd/sum', 'expect': {'rows': [{'key': None, 'value': 3.0}]}},
                   {'filter': 'd/even', 'expect': {'ids': ['b', 'a']}},
                   {'view': 'd/none', 'expect': {'rows': []}})
        passed, differs, fails = self.results(status=1)
        self.assertEqual((passed['file'], passed['name'], passed['ok']), (str(self.folder / 'a.test.json'), 'case 0', True))
        self.assertIsInstance(passed['milliseconds'], float)
        self.assertEqual(differs['differences'], [{'where': 'ids', 'expected': ['a', 'b'], 'got': ['b']}])
        self.assertFalse(fails['ok'])
        self.assertRegex(fails['reason'], '404: not_found: missing_named_view')

    def differences(self, case):
        self.cases(case)
        result, = self.results(status=1)
        return {one['where']: one.get('got') for one in result.get('differences', [])}, result.get('reason')

    def test_validation(self):
        who = {'name': 'ada', 'roles': ['r', 's']}
        self.cases(
            {'validate': {'_id': 'x'}, 'expect': {'unauthorized': 'who'}},
            {'validate': {'_id': 'x'}, 'user': {'roles': []}, 'expect': 'unauthorized'},
            {'validate': {'_id': 'x'}, 'user': who, 'expect': 'accepted'},
            {'validate': {'_id': 'x'}, 'user': who, 'security': {'closed': True}, 'expect': {'forbidden': 'closed'}},
            {'validate': {'_id': 'a'}, 'user': who, 'old': DOCUMENTS[0], 'expect': {'forbidden': 'a1r,s'}},
            {'validate': {'_id': 'a'}, 'user': who, 'old': DOCUMENTS[0], 'expect': {'forbidden': None}})
        self.assertEqual({result['ok'] for result in self.results(status=0)}, {True})
        for case, got in (({'validate': {'_id': 'x'}, 'expect': 'accepted'}, {'unauthorized': 'who'}),
                          ({'validate': {'_id': 'x'}, 'expect': {'unauthorized': 'other'}}, {'unauthorized': 'who'}),
                          ({'validate': {'_id': 'x'}, 'expect': 'forbidden'}, {'unauthorized': 'who'}),
                          ({'validate': {'_id': 'x'}, 'user': who, 'expect': 'forbidden'}, 'accepted')):
            self.assertEqual(self.differences(case), ({'write': got}, None))
        got = self.differences({'validate': {'_id': 'x', 'crash': True}, 'expect': 'forbidden'})[0]['write']
        self.assertEqual(list(got), ['TypeError'])

    def test_selectors_that_validate(self):
        design = {'_id': '_design/s', 'language': 'query', 'validate_doc_update': {
            'newDoc.n': {'$gt': 0}, '$or': [{'oldDoc': None}, {'oldDoc.n': 1}]}}
        refused = {'forbidden': 'document is not valid'}
        self.cases(
            {'validate': {'_id': 'x', 'n': 1}, 'expect': 'accepted'},
            {'validate': {'_id': 'x', 'n': 0}, 'expect': refused},
            {'validate': {'_id': 'x', 'n': 1}, 'old': {'n': 1}, 'expect': 'accepted'},
            {'validate': {'_id': 'x', 'n': 1}, 'old': {'n': 2}, 'expect': refused},
            design=design)
        self.assertEqual({result['ok'] for result in self.results(status=0)}, {True})
        design['validate_doc_update'] = {'newDoc': {'$x': 1}}
        self.cases({'validate': {'_id': 'x'}, 'expect': 'accepted'}, design=design)
        self.assertIn('Invalid operator: $x', self.results(status=1)[0]['reason'])

    def test_updates_shows_and_filters(self):
        self.cases(
            {'update': 'd/add', 'id': 'a', 'expect': {'body': 'now 2', 'status': 201, 'document': {'n': 2}}},
            {'update': 'd/add', 'id': 'a', 'method': 'POST', 'expect': {'body': 'now 2'}},
            {'update': 'd/refuse', 'expect': {'status': 403}},
            {'show': 'd/n', 'id': 'b', 'query': {'q': 'x y'},
             'expect': {'body': {'q': 'x y', 'n': 2}, 'headers': {'x-n': '1'}}})
        self.assertEqual({result['ok'] for result in self.results(status=0)}, {True})
        self.assertEqual(self.differences({'update': 'd/none', 'expect': {'document': {}}}), ({'document': None}, None))
        got, reason = self.differences({'update': 'd/refuse', 'expect': {'status': 200}})
        self.assertEqual(got, {'status': 403})
        self.assertIn('403: forbidden: no', reason)
        self.assertIn('403: forbidden: no', self.differences({'update': 'd/refuse', 'expect': {'body': 'x'}})[1])
        self.assertEqual(self.differences({'show': 'd/n', 'id': 'b', 'expect': {'body': 'x', 'headers': {'X-M': ''}}})[0],
                         {'body': '{"n":2}\n', 'headers.X-M': None})
        self.assertIn('compilation_error', self.differences({'filter': 'd/broken', 'expect': {'ids': []}})[1])

    def test_a_design_document_with_an_error_fails_its_file(self):
        self.cases({'view': 'd/v', 'expect': {'rows': []}}, name='bad.test.json',
                   design={'_id': '_design/d', 'views': {'v': {'map': 'function (doc) { emit( }'}}})
        self.cases({'view': 'd/v', 'expect': {'rows_count': 2}}, name='good.test.json')
        bad, good = self.results(status=1)
        self.assertEqual((bad['name'], bad['ok'], good['ok']), (None, False, True))
        self.assertRegex(bad['reason'], '^_design/d: .*compilation_error')

    def test_hints(self):
        self.cases({'view': 'd/v', 'expect': {'rows_count': 2}},
                   design={'_id': '_design/d', 'views': {'v': {'map': 'function (doc) { emit(doc._id, doc) }'}}})
        done = divan('test', self.folder)
        self.assertEqual(done.status, 0, done)
        self.assertRegex(done.output, '\n  hint _design/d v: .+')
        done = divan('test', self.folder, '--json')
        self.assertEqual(json.loads(done.output)['ok'], True)
        self.assertIn('hint: _design/d v: ', done.errors)

    def test_files_are_found_and_filtered(self):
        case = {'view': 'd/v', 'expect': {'rows_count': 2}}
        for name in ('b/deep/One.test.json', 'a.test.yml', 'c.test.yaml'):
            self.cases(case, case, name=name)
        self.write('d.json', 'not looked at')
        names = [pathlib.Path(result['file']).name for result in self.results(status=0)]
        self.assertEqual(names, ['a.test.yml'] * 2 + ['One.test.json'] * 2 + ['c.test.yaml'] * 2)
        self.assertEqual(len(self.results('--filter', 'case 1', status=0)), 3)
        self.assertEqual(len(self.results('--filter', 'One.test', status=0)), 2)
        self.assertEqual(divan('test', self.folder / 'c.test.yaml').status, 0)
        done = divan('test', self.folder, '--filter', 'nowhere')
        self.assertEqual(done.status, 2, done)
        self.assertIn('no case has "nowhere"', done.errors)

    def test_wrong_files(self):
        tests = 'tests:\n- name: x\n  view: d/v\n  expect: {rows: []}\n'
        for text, line, says in (
                ('tests: [', 1, ''),
                ('test: []', 1, 'test: unknown; known are design, documents, tests'),
                ('documents: []', 1, '`tests` has to be a list'),
                ('design: [{_id: d}]\n' + tests, 1, 'design[0]: a design document needs an `_id`'),
                ('documents:\n- 1\n' + tests, 2, 'documents[0]: has to be a document'),
                ('documents:\n- none.json\n' + tests, 2, 'none.json: cannot be read'),
                (tests + '- view: d/v\n  expect: {rows: []}\n', 5, 'tests[1]: `name` is missing'),
                (tests + '- name: y\n  view: d/v\n', 5, 'tests[1]: `expect` is missing'),
                (tests + '- name: y\n  expect: {rows: []}\n', 5, 'tests[1]: needs one of view, filter'),
                (tests + '- name: y\n  view: d/v\n  find: {}\n', 5, 'has both view and find'),
                (tests + '- name: y\n  view: d\n  expect: {rows: []}', 6, 'tests[1].view: has to be DESIGN/VIEW'),
                (tests + '- name: y\n  view: d/v\n  expects: 1', 7, 'tests[1].expects: unknown'),
                (tests + '- name: y\n  view: d/v\n  expect:\n    rows:\n    - {id: a, valu: 1}', 9, 'valu: unknown'),
                (tests + '- name: y\n  view: d/v\n  expect: {}', 7, 'expects nothing'),
                (tests + '- name: y\n  filter: d/f\n  expect: {ids: [1]}', 7, 'has to be a string'),
                (tests + '- name: y\n  validate: {}\n  expect: yes', 7, 'has to be accepted'),
                (tests + '- name: y\n  view: d/v\n  query: 1\n  expect: {rows: []}', 7, 'has to be an object')):
            with self.subTest(text):
                path = self.write('a.test.yaml', text)
                done = divan('test', self.folder)
                self.assertEqual((done.status, done.output), (2, ''), done)
                self.assertIn('divan: %s:%d: ' % (path, line), done.errors)
                self.assertIn(says, done.errors)
        self.write('a.test.yaml', tests.replace('tests', 'documents: [other.json]\ntests', 1))
        other = self.write('other.json', '[{},\n 2]')
        self.assertIn('%s:2: [1]: has to be a document' % other, divan('test', self.folder).errors)

    def test_nothing_to_run(self):
        for path, says in ((self.folder, 'has no test files'), (self.folder / 'none', 'cannot be read')):
            done = divan('test', path)
            self.assertEqual((done.status, done.output), (2, ''), done)
            self.assertIn('%s: %s' % (path, says), done.errors)
        self.assertEqual(divan('test').status, 2)

    def test_documents_that_are_refused(self):
        self.write('a.test.json', {'documents': [{'_id': '_x'}], 'tests': [
            {'name': 'x', 'view': 'd/v', 'expect': {'rows': []}}]})
        result, = self.results(status=1)
        self.assertEqual(result['name'], None)
        self.assertIn('400: illegal_docid: ', result['reason'])

    def test_help_has_an_example_that_runs(self):
        text = divan('test', '--help').output
        for part in ('DIR', '--json', '--filter', 'Status: 0', 'docs/design-tests.md'):
            self.assertIn(part, text)
        lines = text[text.index('  design:'):text.index('  divan test')].splitlines()
        self.write('orders.test.yaml', '\n'.join(line.removeprefix('  ') for line in lines))
        done = divan('test', self.folder)
        self.assertEqual(done.status, 0, done)
        self.assertIn('1 passed', done.output)


if __name__ == '__main__':
    unittest.main()
