"""The examples of docs/queries.md answer what stands there."""
import json
import pathlib
import re
import unittest

from harness.mango import MangoCase

DOCS = pathlib.Path(__file__).resolve().parents[2] / 'docs'
BLOCK = re.compile(r'^```json\n(.*?)^```\n', re.MULTILINE | re.DOTALL)
EXAMPLES_MIN = 7


def blocks():
    """(JSON, whether it stands right behind the one before)"""
    text = (DOCS / 'queries.md').read_text(encoding='utf-8')
    end = 0
    for found in BLOCK.finditer(text):
        yield json.loads(found.group(1)), found.start() == end
        end = found.end()


class GuideTest(MangoCase):
    server_arguments = {'memory': True}

    def ask(self, db, request):
        if 'docs' in request:
            self.save(db, request['docs'])
            return None
        answer = self.server.post('/%s/%s' % (db, '_index' if 'index' in request else '_find'), json=request)
        return answer.json()

    def test_examples(self):
        db = self.database()
        self.save(db, json.loads((DOCS / 'examples/shop/documents.json').read_text(encoding='utf-8')))
        asked, answer, checked = None, None, 0
        for value, is_answer in blocks():
            if not is_answer:
                is_request = any(member in value for member in ('selector', 'index', 'docs'))
                asked, answer = (value, self.ask(db, value)) if is_request else (None, None)
                continue
            with self.subTest(json.dumps(asked)):
                for member, expected in value.items():
                    if expected != '...':
                        self.assertEqual(answer.get(member), expected)
                self.assertEqual(set(answer) - {'warning'}, set(value) - {'warning'})
                checked += 1
        self.assertGreaterEqual(checked, EXAMPLES_MIN)


if __name__ == '__main__':
    unittest.main()
