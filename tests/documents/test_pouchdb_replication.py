"""PouchDB on both ends: devices that synchronize with the server, and pouchdb-server as driver and as peer."""
import unittest

from harness.case import ServerTestCase, wait_until
from harness.fault_plan import Fault, Schedule
from harness.fault_proxy import FaultProxy
from harness.pouchdb import PouchDB
from harness.pouchdb_server import PouchDBServer
from harness.replication import (QUICK, all_counts, assert_same, contents, counts_of_run, path_of, replicate, url_of,
                                 winners_of)
from harness.replication_data import ODD_IDS, attachment, chain, conflicts, mixture

TIME_LIMIT_S = 420
SAME_LIMIT_S = 60
NOISE = bytes(number * 7919 % 251 for number in range(50000))
# PouchDB hashes the bytes of an attachment, Divan and CouchDB what they store of them.
ALIKE = {'digests': False}


class PouchCase(ServerTestCase):
    server_arguments = {'config': QUICK}

    def bulk(self, place, docs, **members):
        return self.answer(place[0].post(path_of(place[1]) + '/_bulk_docs', json={'docs': docs, **members}), 201)

    def place(self, suffix=''):
        return (self.server, self.database(suffix))

    def await_same(self, *places):
        """Waits until all places hold the same; fails with what differs when time is up."""
        def same():
            try:
                found = [(contents(*place, **ALIKE), winners_of(*place)) for place in places]
            except AssertionError:  # it changed while it was read
                return False
            return all(each == found[0] for each in found)
        if not wait_until(same, SAME_LIMIT_S):
            for place in places[1:]:
                assert_same(self, places[0], place, **ALIKE)
            self.fail('the places became the same too late')


class DeviceTest(PouchCase):
    def device(self):
        device = PouchDB().start()
        self.addCleanup(device.close)
        return device

    def check_untroubled(self, device):
        self.assertEqual(device.call('state')['trouble'], [])

    def test_once_brings_everything(self):
        place, device = self.place(), self.device()
        self.bulk(place, mixture(1), new_edits=False)
        done = device.call('once', url_of(*place), {})
        self.assertEqual((done['pulled']['ok'], done['pushed']['docs_written']), (True, 0))
        assert_same(self, place, (device, 'db'), **ALIKE)

    def test_once_takes_everything(self):
        place, device = self.place(), self.device()
        device.call('bulk', mixture(2), {'new_edits': False})
        done = device.call('once', url_of(*place), {'batch_size': 7})
        self.assertEqual((done['pushed']['ok'], done['pushed']['doc_write_failures']), (True, 0))
        assert_same(self, place, (device, 'db'), **ALIKE)

    def test_odd_ids(self):
        place, device = self.place(), self.device()
        half = len(ODD_IDS) // 2
        self.bulk(place, [chain(doc_id, 1, _attachments={'a': attachment(b'1')}) for doc_id in ODD_IDS[:half]], new_edits=False)
        device.call('bulk', [chain(doc_id, 1, _attachments={'a': attachment(b'2')}) for doc_id in ODD_IDS[half:]],
                    {'new_edits': False})
        device.call('once', url_of(*place), {})
        self.assertEqual(len(winners_of(*place)), len(ODD_IDS))
        assert_same(self, place, (device, 'db'), **ALIKE)

    def test_live(self):
        """Documents, edits, deletions, attachments and conflicts, while both are connected."""
        place, device = self.place(), self.device()
        here = (device, 'db')
        device.call('sync', url_of(*place))
        device.call('put', {'_id': 'from-device', 'v': 1, '_attachments': {'a.bin': attachment(NOISE)}})
        self.bulk(place, [{'_id': 'from-server', 'v': 1, '_attachments': {'a.txt': attachment(b'text ' * 5000, 'text/plain')}}])
        self.await_same(place, here)
        self.assertEqual(set(winners_of(*place)), {'from-device', 'from-server'})

        device.call('put', {'_id': 'from-server', 'v': 2})
        rev = self.server.get(path_of(place[1], 'from-device')).json()['_rev']
        self.answer(self.server.delete(path_of(place[1], 'from-device') + '?rev=' + rev), 200)
        device.call('bulk', [{'_id': 'many%d' % number} for number in range(150)], {})
        self.await_same(place, here)
        self.assertEqual(len(winners_of(*here)), 151)

        device.call('remove', 'many7')
        self.bulk(place, conflicts('torn', 4, 2), new_edits=False)
        device.call('bulk', conflicts('ripped', 3, 1), {'new_edits': False})
        self.await_same(place, here)
        read = self.server.get(path_of(place[1], 'ripped') + '?conflicts=true').json()
        self.assertEqual(len(read['_conflicts']), 2)
        for loser in read['_conflicts']:
            self.answer(self.server.delete(path_of(place[1], 'ripped') + '?rev=' + loser), 200)
        self.await_same(place, here)
        self.assertNotIn('_conflicts', self.server.get(path_of(place[1], 'ripped') + '?conflicts=true').json())
        device.call('cancel')
        self.check_untroubled(device)

    def test_two_devices_that_edit_apart(self):
        place, one, other = self.place(), self.device(), self.device()
        self.bulk(place, [{'_id': 'shared', 'by': 'server'}])
        for device in (one, other):
            device.call('once', url_of(*place), {})
        one.call('put', {'_id': 'shared', 'by': 'one', '_attachments': {'of-one': attachment(b'one')}})
        other.call('put', {'_id': 'shared', 'by': 'other', '_attachments': {'of-other': attachment(b'other')}})
        other.call('put', {'_id': 'shared', 'by': 'other again'})
        one.call('put', {'_id': 'gone'})
        one.call('remove', 'gone')
        for device in (one, other):
            device.call('sync', url_of(*place))
        self.await_same(place, (one, 'db'), (other, 'db'))
        read = self.server.get(path_of(place[1], 'shared') + '?conflicts=true').json()
        self.assertEqual((read['by'], len(read['_conflicts'])), ('other again', 1))
        one.call('remove', 'shared')
        self.await_same(place, (one, 'db'), (other, 'db'))
        # The other branch shows then.
        self.assertEqual(self.server.get(path_of(place[1], 'shared')).json()['by'], 'one')
        for device in (one, other):
            device.call('cancel')
            self.check_untroubled(device)

    def synchronizing(self, place, proxy):
        """A device that has begun: PouchDB says nothing, and does nothing, when its very first request fails."""
        device = self.device()
        device.call('sync', url_of(*place, proxy))
        self.assertTrue(wait_until(lambda: proxy.matching('GET', 'feed=longpoll') > 0))
        return device

    def begin_anew(self, device, place, proxy):
        """Without faults from here on; PouchDB may wait for ever after one, so it begins once more."""
        proxy.clear()
        device.call('cancel')
        device.call('sync', url_of(*place, proxy))
        self.await_same(place, (device, 'db'))
        device.call('cancel')

    def test_a_bad_network(self):
        """The ids of both sides differ: PouchDB takes the attachments of a loser from the winner if it has the document."""
        place = self.place()
        with FaultProxy(self.server) as proxy:
            device = self.synchronizing(place, proxy)
            for seed in range(3):
                proxy.plan(Schedule.from_seed('device %d' % seed, faults=3))
            proxy.cut_all()
            self.bulk(place, mixture(3, plain=20), new_edits=False)
            device.call('bulk', mixture(4, plain=20, prefix='device-'), {'new_edits': False})
            wait_until(lambda: not proxy.planned, 15)
            self.begin_anew(device, place, proxy)

    def test_a_cut_in_every_answer(self):
        """An answer that ends in its middle is never taken for a whole one."""
        place = self.place()
        with FaultProxy(self.server) as proxy:
            device = self.synchronizing(place, proxy)
            # Short answers come through: PouchDB waits for ever when it gets half of what it begins with.
            proxy.plan([Fault('cut_down', amount) for amount in (2000, 4000, 8000, 20000, 60000)] * 6)
            proxy.cut_all()
            self.bulk(place, mixture(5), new_edits=False)
            # PouchDB waits longer before each further try.
            self.assertTrue(wait_until(lambda: proxy.counts['cut'] > 1, 90))
            self.begin_anew(device, place, proxy)


class ServerCase(PouchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pouch = PouchDBServer()
        cls.addClassCleanup(cls.pouch.close)
        cls.pouch.start()

    def pouch_place(self, suffix='_pouch'):
        name = self.database(suffix)  # the name is free there as well
        self.answer(self.pouch.put(path_of(name)), 201)
        return (self.pouch, name)


class PouchDBServerDrivesTest(ServerCase):
    def drive(self, source, target, status=200, **members):
        def endpoint(place):
            return place[1] if place[0] is self.pouch else url_of(*place)
        answer = self.answer(self.pouch.post('/_replicate', json={
            'source': endpoint(source), 'target': endpoint(target), **members}), status)
        if status == 200 and not members.get('continuous'):
            self.assertEqual((answer['ok'], answer['doc_write_failures'], answer['errors']), (True, 0, []))
        return answer

    def test_divan_to_divan(self):
        source, target = self.place('_source'), self.place('_target')
        self.bulk(source, mixture(1), new_edits=False)
        self.assertEqual(self.drive(source, target)['docs_written'], len(mixture(1)))
        assert_same(self, source, target)  # digests too
        self.assertEqual(self.drive(source, target)['docs_read'], 0)
        self.bulk(source, [{'_id': 'new'}])
        self.assertEqual(self.drive(source, target)['docs_read'], 1)
        assert_same(self, source, target)

    def test_divan_to_itself(self):
        source, target = self.place(), self.pouch_place()
        self.bulk(source, mixture(2), new_edits=False)
        self.drive(source, target)
        assert_same(self, source, target, **ALIKE)

    def test_itself_to_divan(self):
        source, target = self.pouch_place(), self.place()
        self.bulk(source, mixture(3), new_edits=False)
        self.drive(source, target)
        assert_same(self, source, target, **ALIKE)
        self.assertEqual(self.drive(source, target)['docs_read'], 0)

    def test_odd_ids(self):
        first, second, third = self.place('_first'), self.pouch_place(), self.place('_third')
        self.bulk(first, [chain(doc_id, 1, of=doc_id) for doc_id in ODD_IDS], new_edits=False)
        self.drive(first, second)
        self.drive(second, third)
        assert_same(self, first, third)

    def test_names_with_slashes(self):
        names = ['drives/a+b', 'drives/target(1)']
        for name in names:
            self.answer(self.server.put(path_of(name)), 201)
            self.addCleanup(self.server.delete, path_of(name))
        places = [(self.server, name) for name in names]
        self.bulk(places[0], mixture(4, plain=5), new_edits=False)
        self.drive(*places)
        assert_same(self, *places)

    def test_filters(self):
        source, target = self.place('_source'), self.place('_target')
        self.bulk(source, [{'_id': 'd%d' % number, 'v': number} for number in range(6)])
        self.bulk(source, [{'_id': '_design/f', 'filters': {
            'big': 'function (doc, req) { return doc.v >= Number(req.query.min); }'}}])
        self.drive(source, target, filter='f/big', query_params={'min': '4'})
        self.assertEqual(set(winners_of(*target)), {'d4', 'd5'})

    def test_create_target(self):
        source = self.place()
        self.bulk(source, [{'_id': 'a'}])
        target = (self.server, source[1] + '_made')
        self.addCleanup(self.server.delete, path_of(target[1]))
        self.drive(source, target, create_target=True)
        assert_same(self, source, target)

    def test_continuous(self):
        source, target = self.place('_source'), self.place('_target')
        self.drive(source, target, continuous=True)
        for number in range(3):
            self.bulk(source, [{'_id': 'd%d' % number, '_attachments': {'a': attachment(NOISE)}}])
            self.assertTrue(wait_until(lambda number=number: 'd%d' % number in winners_of(*target)))
        assert_same(self, source, target)
        self.pouch.end()  # it has no way to end one
        self.pouch.start()

    def test_refused_documents(self):
        source, target = self.place('_source'), self.place('_target')
        self.bulk(source, [{'_id': 'd%d' % number, 'v': number} for number in range(3)])
        self.bulk(target, [{'_id': '_design/v', 'validate_doc_update': "function (n) { if (n.v === 1) throw({forbidden: 'no'}); }"}])
        answer = self.answer(self.pouch.post('/_replicate', json={'source': url_of(*source), 'target': url_of(*target)}), 200)
        self.assertEqual((answer['docs_written'], answer['doc_write_failures']), (2, 1))
        self.assertEqual(set(winners_of(*target)), {'_design/v', 'd0', 'd2'})

    def test_what_is_its_own_fault(self):
        """Whoever sees this fail: pouchdb-server has changed, and tests here can say more."""
        source, target = self.place('_source'), self.place('_target')
        self.bulk(source, [{'_id': 'd0'}, {'_id': 'd1'}])
        # It does not look at doc_ids or selector.
        self.drive(source, target, doc_ids=['d1'], selector={'_id': 'd1'})
        self.assertEqual(set(winners_of(*target)), {'d0', 'd1'})
        # It makes databases that are missing, the source too.
        missing = (self.server, source[1] + '_missing')
        self.addCleanup(self.server.delete, path_of(missing[1]))
        self.drive(missing, target)
        self.assertEqual(self.server.get(path_of(missing[1])).status_code, 200)
        # It has no _local_docs, and no selector in the feed.
        pouch = self.pouch_place()
        self.assertEqual(self.pouch.get(path_of(pouch[1]) + '/_local_docs').status_code, 404)
        self.assertEqual(self.pouch.post(path_of(pouch[1]) + '/_changes?filter=_selector',
                                         json={'selector': {'_id': 'd1'}}).status_code, 404)
        # Asked for multipart it answers JSON.
        self.bulk(pouch, [{'_id': 'd', '_attachments': {'a': attachment(b'1')}}])
        read = self.pouch.get(path_of(pouch[1], 'd') + '?open_revs=all&revs=true', headers={'Accept': 'multipart/mixed'})
        self.assertIs(read.json()[0]['ok']['_attachments']['a']['stub'], True)


class DivanDrivesTest(ServerCase):
    """pouchdb-server is the remote peer."""

    def drive(self, source, target, **members):
        def endpoint(place):
            return place[1] if place[0] is self.server else url_of(*place)
        return self.answer(replicate(self.server, endpoint(source), endpoint(target), **members), 200)

    def check(self, source, target, docs):
        self.bulk(source, docs, new_edits=False)
        self.assertEqual(counts_of_run(self.drive(source, target)), all_counts(len(docs)))
        assert_same(self, source, target, **ALIKE)
        self.assertIs(self.drive(source, target).get('no_changes'), True)
        self.bulk(source, [{'_id': 'new', '_attachments': {'a': attachment(NOISE)}}])
        self.assertEqual(counts_of_run(self.drive(source, target)), all_counts(1))
        assert_same(self, source, target, **ALIKE)

    def test_it_is_the_source(self):
        self.check(self.pouch_place(), self.place(), mixture(1))

    def test_it_is_the_target(self):
        self.check(self.place(), self.pouch_place(), mixture(2))

    def test_it_is_both(self):
        self.check(self.pouch_place('_source'), self.pouch_place('_target'), mixture(3, plain=10))

    def test_odd_ids(self):
        docs = [chain(doc_id, 1, of=doc_id, _attachments={'a': attachment(b'1', 'text/plain')}) for doc_id in ODD_IDS]
        first, second, third = self.place('_first'), self.pouch_place(), self.place('_third')
        self.bulk(first, docs, new_edits=False)
        self.drive(first, second)
        self.drive(second, third)
        assert_same(self, first, third)

    def test_edits_deletions_conflicts(self):
        mine, theirs = self.place(), self.pouch_place()
        self.bulk(mine, [{'_id': 'd%d' % number, '_attachments': {'a': attachment(NOISE)}} for number in range(3)])
        self.drive(mine, theirs)
        rev = self.pouch.get(path_of(theirs[1], 'd0')).json()['_rev']
        self.answer(self.pouch.delete(path_of(theirs[1], 'd0') + '?rev=' + rev), 200)
        for place in (mine, theirs):
            document = place[0].get(path_of(place[1], 'd1')).json()
            self.answer(place[0].put(path_of(place[1], 'd1'), json={**document, 'by': place[1]}), 201)
        self.drive(mine, theirs)
        self.drive(theirs, mine)
        assert_same(self, mine, theirs, **ALIKE)
        self.assertEqual(len(self.server.get(path_of(mine[1], 'd1') + '?conflicts=true').json()['_conflicts']), 1)

    def test_ids_and_functions(self):
        source = self.pouch_place()
        self.bulk(source, [{'_id': 'd%d' % number, 'v': number} for number in range(6)])
        self.bulk(source, [{'_id': '_design/f', 'filters': {'even': 'function (doc) { return doc.v % 2 === 0; }'}}])
        target = self.place('_ids')
        self.drive(source, target, doc_ids=['d5', 'd1', 'never'])
        self.assertEqual(set(winners_of(*target)), {'d1', 'd5'})
        target = self.place('_function')
        self.drive(source, target, filter='f/even')
        self.assertEqual(set(winners_of(*target)), {'d0', 'd2', 'd4'})

    def test_create_target(self):
        source = self.place()
        self.bulk(source, mixture(5, plain=5), new_edits=False)
        target = (self.pouch, source[1] + '_made')
        self.drive(source, target, create_target=True)
        assert_same(self, source, target, **ALIKE)

    def test_continuous(self):
        mine, theirs = self.place(), self.pouch_place()
        jobs = [{'source': mine[1], 'target': url_of(*theirs), 'continuous': True},
                {'source': url_of(*theirs), 'target': mine[1], 'continuous': True}]
        for job in jobs:
            self.answer(self.server.post('/_replicate', json=job), 202)
        for number in range(3):
            self.bulk(mine, [{'_id': 'mine%d' % number}])
            self.bulk(theirs, [{'_id': 'theirs%d' % number}])
            self.await_same(mine, theirs)
        for job in jobs:
            self.answer(self.server.post('/_replicate', json={**job, 'cancel': True}), 200)


if __name__ == '__main__':
    unittest.main()
