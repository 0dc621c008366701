"""Clients that exist already, unchanged, against the server: PouchDB, nano, LightCouch, curl."""
import unittest

from harness import clients

TIME_LIMIT_S = 600


def scenario(name):
    return lambda self: self.run_scenario(name)


class NodeTestCase(clients.ClientTestCase):
    script = None

    @classmethod
    def setUpClass(cls):
        clients.node_modules()
        super().setUpClass()

    def run_scenario(self, name):
        self.run_program(['node', self.script, name], self.database())

    def check_list(self):
        """A scenario of the script that no test names would never run."""
        names = self.run_program(['node', self.script, '--list']).split()
        tests = {name.removeprefix('test_') for name in dir(self) if name.startswith('test_')}
        self.assertEqual(set(names), tests - {'every_scenario_is_run'})


class PouchDBTest(NodeTestCase):
    script = 'pouchdb.js'
    test_every_scenario_is_run = NodeTestCase.check_list
    test_crud = scenario('crud')
    test_attachments = scenario('attachments')
    test_bulk = scenario('bulk')
    test_all_docs = scenario('all_docs')
    test_views = scenario('views')
    test_changes = scenario('changes')
    test_selected = scenario('selected')
    test_find = scenario('find')
    test_conflicts = scenario('conflicts')
    test_live_sync = scenario('live_sync')
    test_resume = scenario('resume')


class NanoTest(NodeTestCase):
    script = 'nano.js'
    test_every_scenario_is_run = NodeTestCase.check_list
    test_databases = scenario('databases')
    test_documents = scenario('documents')
    test_bulk = scenario('bulk')
    test_views = scenario('views')
    test_changes = scenario('changes')
    test_attachments = scenario('attachments')
    test_multipart = scenario('multipart')
    test_partitions = scenario('partitions')
    test_find = scenario('find')
    test_server = scenario('server')
    test_session = scenario('session')


class LightCouchTest(clients.ClientTestCase):
    @classmethod
    def setUpClass(cls):
        cls.class_path = clients.java_classes('LightCouchScenarios.java')
        super().setUpClass()

    def run_scenario(self, name):
        self.run_program(['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', self.class_path,
                          'LightCouchScenarios', name], self.database())

    test_documents = scenario('documents')
    test_bulk = scenario('bulk')
    test_attachments = scenario('attachments')
    test_views = scenario('views')
    test_changes = scenario('changes')
    test_server = scenario('server')


class CurlTest(clients.ClientTestCase):
    def test_script(self):
        self.run_program(['bash', 'curl.sh'], self.database())


if __name__ == '__main__':
    unittest.main()
