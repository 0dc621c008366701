"""Attachments on their way from database to database."""
import gzip
import hashlib
import os
import random
import unittest

from harness.fault_proxy import FaultProxy
from harness.replication import ReplicationCase, all_counts, counts_of_run, path_of, replicate, url_of
from harness.replication_data import attachment, chain, digest

LONG = bool(os.environ.get('DIVAN_LONG'))
TIME_LIMIT_S = 300
LONG_TIME_LIMIT_S = 1800
LARGE_BYTES = (100 if LONG else 10) << 20
PIECE_BYTES = 1 << 20
# More than any head and body without the attachment takes.
OVERHEAD_BYTES = 200000
NOISE = random.Random(1).randbytes(1 << 20)


class AttachmentTest(ReplicationCase):
    def upload(self, place, doc_id, name, data, content_type='application/octet-stream'):
        path = path_of(place[1], doc_id)
        current = place[0].get(path)
        query = '?rev=' + current.json()['_rev'] if current.status_code == 200 else ''
        return self.answer(place[0].put('%s/%s%s' % (path, name, query), data=data,
                                        headers={'Content-Type': content_type}), 201)['rev']

    def through(self, kind):
        """A source and a target, and a proxy before the one that is remote."""
        source, target = self.places(kind)
        proxy = FaultProxy(self.other).start()
        self.addCleanup(proxy.stop)
        endpoints = [url_of(*place, proxy) if place[0] is self.other else place[1] for place in (source, target)]
        return source, target, proxy, endpoints

    def test_kinds_and_sizes(self):
        text = b'all work and no play ' * 20000
        for kind in ('local', 'push', 'pull', 'remote'):
            with self.subTest(kind):
                source, target = self.places(kind)
                self.upload(source, 'empty', 'none', b'')
                self.upload(source, 'text', 'a.txt', text, 'text/plain; charset=utf-8')
                self.upload(source, 'noise', 'a.bin', NOISE)
                self.upload(source, 'zipped', 'a.gz', gzip.compress(text), 'application/gzip')
                self.bulk(source, [{'_id': 'several', '_attachments': {
                    '%d.txt' % number: attachment(os.urandom(number * 1000), 'text/plain') for number in range(20)}}])
                self.bulk(source, [{'_id': 'none', '_attachments': {}}])
                self.assertEqual(counts_of_run(self.replicate(source, target)), all_counts(6))
                self.assert_same(source, target)
                self.assertEqual(target[0].get(path_of(target[1], 'text') + '/a.txt').content, text)
                for doc_id in ('text', 'noise'):
                    stubs = [place[0].get(path_of(place[1], doc_id)).json()['_attachments'] for place in (source, target)]
                    self.assertEqual(stubs[0], stubs[1])  # revpos and digest too

    def test_odd_names(self):
        for kind in ('push', 'pull'):
            source, target = self.places(kind)
            names = ['a/b', 'b\u00fcro \u6771', 'a"b', "it's", '%', 'a+b', '\U0001f600', 'a?b#c', 'x' * 200]
            self.bulk(source, [{'_id': 'd', '_attachments': {name: attachment(name.encode()) for name in names}}])
            self.replicate(source, target)
            self.assert_same(source, target)

    def test_a_large_one(self):
        for kind in ('push', 'pull'):
            source, target = self.places(kind)
            hashed = hashlib.sha256()

            def pieces(kind=kind, hashed=hashed):
                chance = random.Random(kind)
                for _ in range(LARGE_BYTES // PIECE_BYTES):
                    piece = chance.randbytes(PIECE_BYTES)
                    hashed.update(piece)
                    yield piece
            self.upload(source, 'large', 'a.bin', pieces())
            self.assertEqual(counts_of_run(self.replicate(source, target)), all_counts(1))
            found, length = hashlib.sha256(), 0
            with target[0].get(path_of(target[1], 'large') + '/a.bin', stream=True) as response:
                for piece in response.iter_content(PIECE_BYTES):
                    found.update(piece)
                    length += len(piece)
            self.assertEqual((length, found.hexdigest()), (LARGE_BYTES, hashed.hexdigest()))

    def test_unchanged_ones_are_not_sent_again(self):
        for kind in ('push', 'pull'):
            for by_bulk_get in (True, False):
                with self.subTest(kind, use_bulk_get=by_bulk_get):
                    source, target, proxy, endpoints = self.through(kind)
                    self.upload(source, 'd', 'noise', NOISE)
                    self.answer(replicate(self.server, *endpoints, use_bulk_get=by_bulk_get), 200)
                    before = proxy.counts['bytes_up'] + proxy.counts['bytes_down']
                    self.assertGreater(before, len(NOISE))
                    document = source[0].get(path_of(source[1], 'd')).json()
                    for number in range(3):
                        document['edit'] = number
                        document['_rev'] = self.answer(source[0].put(path_of(source[1], 'd'), json=document), 201)['rev']
                    answer = self.answer(replicate(self.server, *endpoints, use_bulk_get=by_bulk_get), 200)
                    self.assertEqual(counts_of_run(answer), all_counts(1))
                    self.assertLess(proxy.counts['bytes_up'] + proxy.counts['bytes_down'] - before, OVERHEAD_BYTES)
                    self.assert_same(source, target)
                    proxy.stop()

    def test_a_removed_one(self):
        for kind in ('push', 'pull'):
            source, target = self.places(kind)
            self.upload(source, 'd', 'stays', b'1')
            rev = self.upload(source, 'd', 'goes', b'2')
            self.replicate(source, target)
            self.answer(source[0].delete(path_of(source[1], 'd') + '/goes?rev=' + rev), 200)
            self.replicate(source, target)
            self.assertEqual(target[0].get(path_of(target[1], 'd') + '/goes').status_code, 404)
            self.assert_same(source, target)

    def test_one_for_each_leaf(self):
        """Leaves of one document that have attachments of one name and other bytes."""
        docs = [chain('torn', 3, 'branch %d' % number, _attachments={'a': attachment(b'%d' % number * 50)}) for number in range(5)]
        for kind in ('push', 'pull'):
            source, target = self.places(kind)
            self.bulk(source, docs, new_edits=False)
            self.assertEqual(counts_of_run(self.replicate(source, target)), all_counts(5))
            self.assert_same(source, target)

    def test_edited_on_both_sides(self):
        for kind in ('push', 'pull'):
            source, target = self.places(kind)
            self.upload(source, 'd', 'common', NOISE[:50000])
            self.replicate(source, target)
            for place in (source, target):
                self.upload(place, 'd', 'of-' + place[1], place[1].encode())
            self.replicate(source, target)
            self.replicate(target, source)
            self.assert_same(source, target)

    def test_a_leaf_of_the_target_that_is_no_ancestor(self):
        """The target has the attachment only in a branch that the source does not know."""
        source, target = self.places('push')
        ids = [digest('d', number) for number in range(5)]
        branch = {'_id': 'd', '_rev': '2-' + ids[1], '_revisions': {'start': 2, 'ids': [ids[1], ids[0]]},
                  '_attachments': {'a': attachment(b'old')}}
        self.bulk(target, [branch], new_edits=False)
        self.bulk(source, [{**branch, '_rev': '3-' + ids[3], '_revisions': {'start': 3, 'ids': [ids[3], ids[2], ids[0]]},
                            '_attachments': {'a': attachment(b'of another branch')}}], new_edits=False)
        self.replicate(source, target)
        read = target[0].get(path_of(target[1], 'd') + '/a?rev=3-' + ids[3])
        self.assertEqual(read.content, b'of another branch')

    def test_a_stub_that_the_target_does_not_know(self):
        """412 on the write: the document is read again with all its attachments."""
        source, target, proxy, endpoints = self.through('push')
        self.upload(source, 'd', 'a', NOISE[:50000])
        self.answer(replicate(self.server, *endpoints), 200)
        document = source[0].get(path_of(source[1], 'd')).json()
        self.answer(source[0].put(path_of(source[1], 'd'), json={**document, 'edit': 1}), 201)
        proxy.answer(412, method='PUT', path='/d[?]')
        before = proxy.counts['bytes_up']
        answer = self.answer(replicate(self.server, *endpoints), 200)
        self.assertEqual(counts_of_run(answer)['doc_write_failures'], 0)
        self.assertEqual(proxy.counts[412], 1)
        self.assertGreater(proxy.counts['bytes_up'] - before, 50000)
        self.assert_same(source, target)

    def test_one_that_is_too_large_for_the_target(self):
        source, target = self.places('push')
        self.upload(source, 'large', 'a', NOISE)
        self.upload(source, 'small', 'a', b'1')
        setting = '/_node/_local/_config/couchdb/max_attachment_size'
        self.answer(self.other.put(setting, json='100000'), 200)
        try:
            answer = self.replicate(source, target)
        finally:
            self.answer(self.other.delete(setting), 200)
        self.assertEqual(counts_of_run(answer), all_counts(2, failures=1))
        self.assertEqual(self.ids(target), ['small'])
        # It is not tried again by itself.
        self.assertIs(self.replicate(source, target).get('no_changes'), True)


if __name__ == '__main__':
    unittest.main()
