'use strict';
// PouchDB against the server: as its remote database, and in sync with local ones.

const assert = require('node:assert/strict');
const path = require('node:path');
const PouchDB = require('pouchdb');
PouchDB.plugin(require('pouchdb-find'));
const { scenario, waitFor, main, place } = require('./scenario');

const remote = () => new PouchDB(`${place.url}/${place.database}`);
const local = (name) => new PouchDB(path.join(place.scratch, name));
const ids = (result) => result.rows.map((row) => row.id);

// What a database holds: for each document its winner, body and conflicts, deleted ones too.
async function content(db) {
  // Only without all_docs is the one revision the winner: PouchDB lists leaves in its tree's order.
  const winners = await db.changes({ since: 0 });
  const winner = new Map(winners.results.map((row) => [row.id, row.changes[0].rev]));
  const changes = await db.changes({ style: 'all_docs', since: 0 });
  const found = {};
  for (const row of changes.results) {
    const leaves = await db.get(row.id, { open_revs: row.changes.map((change) => change.rev) });
    found[row.id] = {
      winner: winner.get(row.id),
      deleted: Boolean(row.deleted),
      leaves: leaves.map((leaf) => leaf.ok).sort((a, b) => (a._rev < b._rev ? -1 : 1)),
    };
  }
  return found;
}

async function rejects(promise, status, name) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status, status, error.stack);
    if (name) assert.equal(error.name, name);
    return true;
  });
}

scenario('crud', async () => {
  const db = remote();
  const made = await db.put({ _id: 'one', text: 'first', nested: { list: [1, 2.5, null, 'caf\u00e9 \u6771\u4eac'] } });
  assert.match(made.rev, /^1-[0-9a-f]{32}$/);
  const read = await db.get('one');
  assert.deepEqual(read.nested, { list: [1, 2.5, null, 'caf\u00e9 \u6771\u4eac'] });
  const second = await db.put({ ...read, text: 'second' });
  assert.match(second.rev, /^2-/);
  await rejects(db.put({ ...read, text: 'late' }), 409, 'conflict');
  assert.equal((await db.get('one', { rev: made.rev })).text, 'first');
  assert.equal((await db.get('one', { revs: true }))._revisions.start, 2);
  const posted = await db.post({ text: 'an id is made' });
  assert.equal((await db.get(posted.id)).text, 'an id is made');
  const removed = await db.remove('one', second.rev);
  assert.match(removed.rev, /^3-/);
  await rejects(db.get('one'), 404, 'not_found');
  assert.equal((await db.get('one', { rev: removed.rev }))._deleted, true);
  for (const id of ['a/b', 'a b+c', '%41', '\u6771\u4eac', '_design/x', '_local/y']) {
    await db.put({ _id: id, of: id });
    assert.equal((await db.get(id)).of, id);
  }
  const info = await db.info();
  assert.equal(info.doc_count, 6);
  await rejects(remote().get('never'), 404, 'not_found');
});

scenario('attachments', async () => {
  const db = remote();
  const bytes = Buffer.from(Array.from({ length: 100000 }, (_, i) => (i * 7919) % 256));
  const name = 'b\u00fcro \u6771\u4eac/plan.bin';
  const { rev } = await db.putAttachment('doc', name, bytes, 'application/octet-stream');
  assert.ok(bytes.equals(await db.getAttachment('doc', name)));
  const stub = (await db.get('doc'))._attachments[name];
  assert.equal(stub.length, bytes.length);
  assert.equal(stub.stub, true);
  assert.equal(stub.content_type, 'application/octet-stream');
  assert.match(stub.digest, /^md5-/);
  const full = await db.get('doc', { attachments: true, binary: true });
  assert.ok(bytes.equals(full._attachments[name].data));
  const edited = await db.put({ ...(await db.get('doc')), text: 'kept its attachment' });
  assert.ok(bytes.equals(await db.getAttachment('doc', name)));
  assert.ok(bytes.equals(await db.getAttachment('doc', name, { rev })));
  await db.put({ _id: 'inline', _attachments: {
    'a.txt': { content_type: 'text/plain', data: Buffer.from('hello').toString('base64') },
    'empty': { content_type: 'text/plain', data: '' },
    'buffer': { content_type: 'image/png', data: bytes },
  } });
  assert.equal((await db.getAttachment('inline', 'a.txt')).toString(), 'hello');
  assert.equal((await db.getAttachment('inline', 'empty')).length, 0);
  assert.ok(bytes.equals(await db.getAttachment('inline', 'buffer')));
  await db.removeAttachment('doc', name, edited.rev);
  await rejects(db.getAttachment('doc', name), 404);
});

scenario('bulk', async () => {
  const db = remote();
  const docs = Array.from({ length: 500 }, (_, i) => ({ _id: `doc${String(i).padStart(4, '0')}`, i }));
  const made = await db.bulkDocs(docs);
  assert.ok(made.every((row) => row.ok));
  const again = await db.bulkDocs([{ _id: 'doc0000', i: -1 }, { _id: 'new' }, { ...docs[1], _rev: made[1].rev, i: 'edited' }]);
  assert.equal(again[0].status, 409);
  assert.ok(again[1].ok && again[2].ok);
  const read = await db.bulkGet({ docs: [{ id: 'doc0001' }, { id: 'doc0001', rev: made[1].rev }, { id: 'absent' }] });
  assert.equal(read.results[0].docs[0].ok.i, 'edited');
  assert.equal(read.results[1].docs[0].ok.i, 1);
  assert.equal(read.results[2].docs[0].error.error, 'not_found');
});

scenario('all_docs', async () => {
  const db = remote();
  await db.bulkDocs(Array.from({ length: 50 }, (_, i) => ({ _id: String(i).padStart(2, '0'), i })));
  const all = await db.allDocs({ include_docs: true });
  assert.equal(all.total_rows, 50);
  assert.deepEqual(all.rows.map((row) => row.doc.i), Array.from({ length: 50 }, (_, i) => i));
  assert.deepEqual(ids(await db.allDocs({ startkey: '10', endkey: '13' })), ['10', '11', '12', '13']);
  assert.deepEqual(ids(await db.allDocs({ startkey: '10', endkey: '13', inclusive_end: false })), ['10', '11', '12']);
  assert.deepEqual(ids(await db.allDocs({ descending: true, limit: 2, skip: 1 })), ['48', '47']);
  const some = await db.allDocs({ keys: ['07', 'absent', '03'] });
  assert.equal(some.rows[0].id, '07');
  assert.equal(some.rows[1].error, 'not_found');
  assert.equal(some.rows[2].id, '03');
});

// PouchDB's mapreduce API: views of the server by their names, and the same ones of a replica.
scenario('views', async () => {
  const server = remote(), replica = local('views');
  await server.bulkDocs(Array.from({ length: 30 }, (_, i) => ({
    _id: `d${String(i).padStart(2, '0')}`, kind: ['a', 'b', 'c'][i % 3], n: i, friend: `d${String(29 - i).padStart(2, '0')}` })));
  await server.put({ _id: '_design/numbers', views: {
    by_kind: { map: 'function (doc) { emit([doc.kind, doc.n], doc.n); }', reduce: '_sum' },
    by_number: { map: function (doc) { emit(doc.n); }.toString() },
    stats: { map: 'function (doc) { emit(doc.kind, doc.n); }', reduce: '_stats' },
    own: { map: 'function (doc) { emit(doc.kind, 1); }',
      reduce: 'function (keys, values, rereduce) { return sum(values); }' },
    friends: { map: 'function (doc) { emit(doc.n, { _id: doc.friend }); }' },
  } });
  await server.replicate.to(replica);
  for (const db of [server, replica]) {
    const query = (view, options) => db.query(`numbers/${view}`, options);
    const sums = await query('by_kind', { group_level: 1 });
    assert.deepEqual(sums.rows, [{ key: ['a'], value: 135 }, { key: ['b'], value: 145 }, { key: ['c'], value: 155 }]);
    assert.deepEqual((await query('by_kind')).rows, [{ key: null, value: 435 }]);
    assert.deepEqual((await query('by_kind', { group: true, keys: [['c', 2], ['a', 0]] })).rows,
      [{ key: ['c', 2], value: 2 }, { key: ['a', 0], value: 0 }]);
    const some = await query('by_number', { startkey: 3, endkey: 6, inclusive_end: false });
    assert.deepEqual([some.total_rows, ids(some)], [30, ['d03', 'd04', 'd05']]);
    assert.equal(some.offset, db === server ? 3 : 0); // PouchDB itself counts skipped rows only
    assert.deepEqual(ids(await query('by_number', { descending: true, limit: 2, skip: 1 })), ['d28', 'd27']);
    assert.deepEqual(ids(await query('by_number', { keys: [7, 100, 5] })), ['d07', 'd05']);
    assert.deepEqual(ids(await query('by_number', { key: 9 })), ['d09']);
    const stats = await query('stats', { group: true, key: 'a' });
    assert.deepEqual(stats.rows[0].value, { sum: 135, count: 10, min: 0, max: 27, sumsqr: 2565 });
    assert.deepEqual((await query('own', { group: true })).rows.map((row) => row.value), [10, 10, 10]);
    const friends = await query('friends', { include_docs: true, limit: 2 });
    assert.deepEqual(friends.rows.map((row) => row.doc._id), ['d29', 'd28']);
    assert.equal((await query('by_kind', { reduce: false, include_docs: true, limit: 1 })).rows[0].doc.n, 0);
    await rejects(query('none'), 404, 'not_found');
  }
  await rejects(server.query('numbers/by_number', { reduce: true }), 400, 'query_parse_error');
  await server.put({ _id: 'late', kind: 'z', n: 99 });
  assert.deepEqual(ids(await server.query('numbers/by_number', { key: 99, stale: 'update_after' })).length < 2, true);
  assert.deepEqual(ids(await server.query('numbers/by_number', { key: 99 })), ['late']);
  await server.viewCleanup();
});

scenario('changes', async () => {
  const db = remote();
  const seen = [];
  let feed;
  const all = waitFor('all changes', () => seen.length === 31);
  feed = db.changes({ live: true, since: 0, include_docs: true });
  feed.on('change', (change) => { seen.push(change); all.changed(); });
  const failed = new Promise((_, reject) => feed.on('error', reject));
  for (let i = 0; i < 30; i++) await db.put({ _id: `doc${i}`, i });
  await db.put({ _id: '\u6771\u4eac', i: 30 });
  await Promise.race([all.promise, failed]);
  feed.cancel();
  assert.deepEqual(seen.map((change) => change.doc.i), Array.from({ length: 31 }, (_, i) => i));
  const rest = await db.changes({ since: seen[28].seq });
  assert.deepEqual(rest.results.map((row) => row.id), ['doc29', '\u6771\u4eac']);
  const chosen = await db.changes({ doc_ids: ['doc3', 'doc5'], since: 0 });
  assert.deepEqual(chosen.results.map((row) => row.id), ['doc3', 'doc5']);
  const selected = await db.changes({ selector: { i: { $gte: 28 }, _id: { $regex: '^doc' } }, since: 0, include_docs: true });
  assert.deepEqual(selected.results.map((row) => [row.id, row.doc.i]), [['doc28', 28], ['doc29', 29]]);
  await rejects(db.changes({ selector: { i: { $none: 1 } } }), 400);
  const last = await db.changes({ descending: true, limit: 1 });
  assert.equal(last.results[0].id, '\u6771\u4eac');
  assert.deepEqual((await db.changes({ since: 'now' })).results, []);
});

// A replica of a part of the documents, live.
scenario('selected', async () => {
  const server = remote(), replica = local('selected');
  await server.bulkDocs(Array.from({ length: 20 }, (_, i) => ({ _id: `d${i}`, kind: i % 2 ? 'odd' : 'even' })));
  await replica.replicate.from(server, { selector: { kind: 'odd' } });
  assert.equal((await replica.info()).doc_count, 10);
  const seen = [];
  const found = waitFor('selected changes', () => seen.length === 2);
  const feed = server.changes({ live: true, since: 'now', selector: { kind: 'odd' } });
  feed.on('change', (change) => { seen.push(change.id); found.changed(); });
  const failed = new Promise((_, reject) => feed.on('error', reject));
  for (const [id, kind] of [['a', 'even'], ['b', 'odd'], ['c', 'even'], ['d', 'odd']]) await server.put({ _id: id, kind });
  await Promise.race([found.promise, failed]);
  feed.cancel();
  assert.deepEqual(seen, ['b', 'd']);
});

scenario('find', async () => {
  const db = remote();
  await db.bulkDocs(Array.from({ length: 40 }, (_, i) => ({
    _id: `d${10 + i}`, kind: i % 2 ? 'odd' : 'even', n: i, tags: [`t${i % 3}`, 'all'],
  })));
  await assert.rejects(db.find({ selector: { n: { $gt: 3 } }, sort: ['n'] }), (error) => {
    assert.equal(error.error, 'no_usable_index');
    return true;
  });
  const index = { index: { fields: ['kind', 'n'], ddoc: 'kinds', name: 'by_kind' } };
  assert.equal((await db.createIndex(index)).result, 'created');
  assert.equal((await db.createIndex(index)).result, 'exists');
  const { indexes } = await db.getIndexes();
  assert.deepEqual(indexes.map((each) => each.name), ['_all_docs', 'by_kind']);
  const query = {
    selector: { kind: 'odd', n: { $gte: 10 } }, sort: [{ kind: 'desc' }, { n: 'desc' }], fields: ['_id', 'n'], limit: 4,
  };
  const first = await db.find(query);
  assert.deepEqual(first.docs.map((doc) => doc.n), [39, 37, 35, 33]);
  const next = await db.find({ ...query, bookmark: first.bookmark });
  assert.deepEqual(next.docs.map((doc) => doc.n), [31, 29, 27, 25]);
  assert.equal((await db.explain(query)).index.name, 'by_kind');
  const tagged = await db.find({ selector: { tags: { $all: ['t1', 'all'] }, n: { $mod: [2, 0] } }, limit: 100 });
  assert.equal(tagged.docs.length, 6);
  // A copy on this side answers the same.
  const copy = local('copy');
  await db.replicate.to(copy);
  await copy.createIndex(index);
  assert.deepEqual((await copy.find(query)).docs, first.docs);
  await db.deleteIndex(indexes[1]);
  assert.equal((await db.getIndexes()).indexes.length, 1);
});

scenario('conflicts', async () => {
  const db = remote();
  const one = `2-${'a'.repeat(32)}`, two = `2-${'b'.repeat(32)}`, root = '1'.repeat(32);
  await db.bulkDocs([
    { _id: 'doc', _rev: one, by: 'a', _revisions: { start: 2, ids: ['a'.repeat(32), root] } },
    { _id: 'doc', _rev: two, by: 'b', _revisions: { start: 2, ids: ['b'.repeat(32), root] } },
  ], { new_edits: false });
  const read = await db.get('doc', { conflicts: true });
  assert.equal(read._rev, two);
  assert.deepEqual(read._conflicts, [one]);
  const leaves = await db.get('doc', { open_revs: 'all' });
  assert.deepEqual(leaves.map((leaf) => leaf.ok.by).sort(), ['a', 'b']);
  await db.remove('doc', two);
  const rest = await db.get('doc', { conflicts: true });
  assert.equal(rest._rev, one);
  assert.equal(rest._conflicts, undefined);
});

// Two local databases change the same documents apart, then sync through the server until the
// three hold the same: edits, conflicts, deletions, attachments.
scenario('live_sync', async () => {
  const server = remote(), left = local('left'), right = local('right');
  await left.put({ _id: 'shared', by: 'left' });
  await left.sync(server);
  await right.sync(server);
  const shared = await right.get('shared');
  await left.put({ ...shared, by: 'left again' });
  await right.put({ ...shared, by: 'right again' });
  await left.put({ _id: 'gone', by: 'left' });
  await left.remove(await left.get('gone'));
  await right.put({ _id: 'file', _attachments: { 'x.bin': { content_type: 'image/png', data: Buffer.from([0, 255, 10]) } } });
  await left.bulkDocs(Array.from({ length: 150 }, (_, i) => ({ _id: `left${i}`, i })));
  await right.bulkDocs(Array.from({ length: 150 }, (_, i) => ({ _id: `right${i}`, i })));

  let same;
  const syncs = [left, right].map((db) => db.sync(server, { live: true, retry: true }));
  const failed = new Promise((_, reject) => syncs.forEach((sync) => {
    sync.on('error', reject);
    sync.on('denied', reject);
    sync.on('change', () => same && same.changed());
    sync.on('paused', () => same && same.changed());
  }));
  const converged = async (count) => {
    const infos = await Promise.all([left, right, server].map((db) => db.info()));
    if (!infos.every((info) => info.doc_count === count)) return false;
    const [a, b, c] = await Promise.all([left, right, server].map(content));
    try { assert.deepEqual(a, b); assert.deepEqual(a, c); return true; } catch (different) { return false; }
  };
  same = waitFor('the databases to be the same', () => converged(302), 60000);
  await Promise.race([same.promise, failed]);
  const winners = await Promise.all([left, right, server].map((db) => db.get('shared', { conflicts: true })));
  assert.equal(winners[0]._conflicts.length, 1);
  assert.deepEqual(winners[1], winners[0]);
  assert.deepEqual(winners[2], winners[0]);

  // What happens while they are connected arrives as well, in both directions.
  await right.remove('shared', winners[0]._conflicts[0]);
  await right.remove(await right.get('left7'));
  await left.put({ _id: 'live', by: 'left' });
  await server.put({ _id: 'from the server', by: 'server' });
  same = waitFor('the later edits to arrive', () => converged(303), 60000);
  await Promise.race([same.promise, failed]);
  syncs.forEach((sync) => sync.cancel());
  assert.equal((await left.get('shared', { conflicts: true }))._conflicts, undefined);
  await rejects(left.get('left7'), 404);
  const bytes = await left.getAttachment('file', 'x.bin');
  assert.ok(Buffer.from([0, 255, 10]).equals(bytes));
});

// A replication that ended goes on where it was: it reads only what is new.
scenario('resume', async () => {
  const server = remote(), db = local('copy');
  await server.bulkDocs(Array.from({ length: 250 }, (_, i) => ({ _id: `doc${i}`, i })));
  const first = await db.replicate.from(server, { batch_size: 50 });
  assert.equal(first.docs_written, 250);
  await server.bulkDocs(Array.from({ length: 10 }, (_, i) => ({ _id: `more${i}`, i })));
  const second = await db.replicate.from(server, { batch_size: 50 });
  assert.equal(second.docs_read, 10);
  assert.equal(second.docs_written, 10);
  assert.equal((await db.replicate.from(server)).docs_read, 0);
  await db.put({ _id: 'back', by: 'copy' });
  const back = await db.replicate.to(server);
  assert.equal(back.docs_written, 1);
  assert.equal((await server.get('back')).by, 'copy');
  const chosen = local('chosen');
  await chosen.replicate.from(server, { doc_ids: ['doc1', 'doc2'] });
  assert.deepEqual(ids(await chosen.allDocs()), ['doc1', 'doc2']);
});

main();
