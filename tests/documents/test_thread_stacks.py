"""The deepest JSON that is accepted fits the stacks of all threads, whatever `ulimit -s` says."""
import resource

from harness.case import ServerTestCase

DEPTH = 7990  # nearly the default of json_depth_max


class ThreadStackTest(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, hard))  # inherited by the server
        try:
            super().setUpClass()
        finally:
            resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))

    def test_deep_documents(self):
        db = '/' + self.database()
        for name, text in {'objects': '{"a":' * DEPTH + '1' + '}' * DEPTH,
                           'arrays': '{"a":' + '[' * DEPTH + ']' * DEPTH + '}'}.items():
            self.answer(self.server.put('%s/%s' % (db, name), data=text), 201)
            read = self.server.get('%s/%s' % (db, name))
            self.assertEqual(read.text[read.text.index('"a"'):], text[1:] + '\n')
            bulk = self.server.post(db + '/_bulk_docs', data='{"docs":[%s]}' % text.replace('{', '{"b":1,', 1),
                                    headers={'Content-Type': 'application/json'})
            self.assertEqual(bulk.status_code, 201, bulk.text)
