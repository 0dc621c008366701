"""The commands of the README do what it says: they are taken from it and run."""
import re
import unittest

from harness import clients

README = clients.FOLDER.parent.parent / 'README.md'


def blocks(language):
    return re.findall(r'^```%s\n(.*?)^```$' % language, README.read_text(encoding='utf-8'),
                      re.MULTILINE | re.DOTALL)


class ReadmeTest(clients.ClientTestCase):
    def test_first_five_minutes(self):
        clients.node_modules()
        script = '\n'.join(blocks('sh'))
        placeholder = 'http://admin:PASSWORD@127.0.0.1:5984'
        self.assertIn(placeholder, script)
        script = script.replace(placeholder, self.server.url_with_credentials)
        script = script.replace('npm ci --ignore-scripts && ', '')  # node_modules() did it
        output = self.run_program(['bash', '-euo', 'pipefail', '-c', script], cwd=README.parent)
        for expected in ('"couchdb":"Welcome"', '"id":"ZWE"', '"common":"Japan"', '"db_name":"countries"',
                         '"error":"conflict"', '# Divan', '{"key":["Africa"],"value":', '"id":"DZA"',
                         '{"_id":"DZA","area":2381741}', '{"region":"Africa","countries":', '"reads":"index"',
                         '"partition":"berlin","doc_count":2', '{"id":"berlin:2024-07-01","key":31,"value":null}',
                         '"text":"hello"'):
            self.assertIn(expected, output)
        info = self.answer(self.server.get('/countries'), 200)
        self.assertEqual(info['doc_count'], 254)
        self.assertTrue(self.answer(self.server.get('/countries/ATA'), 200)['visited'])

        program = self.node_program()
        output = self.run_program(['node', '-e', program],
                                  environment={'DIVAN': self.server.url_with_credentials})
        self.assertIn('fetched 254 documents', output)
        self.assertIn('visited: true', output)

    def node_program(self):
        program, = blocks('js')
        place = "'/tmp/countries-local'"
        self.assertIn(place, program)
        return program.replace(place, "process.env.DIVAN_SCRATCH + '/local'")


if __name__ == '__main__':
    unittest.main()
