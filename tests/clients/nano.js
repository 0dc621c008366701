'use strict';
// nano, the client library of the CouchDB project, against the server.

const assert = require('node:assert/strict');
const Nano = require('nano');
const { scenario, waitFor, main, place } = require('./scenario');

const server = Nano(place.url);
const database = () => server.use(place.database);

async function fails(promise, status, word) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.statusCode, status, error.stack);
    if (word) assert.equal(error.error, word);
    return true;
  });
}

scenario('databases', async () => {
  const name = `${place.database}_made`;
  assert.deepEqual(await server.db.create(name), { ok: true });
  await fails(server.db.create(name), 412, 'file_exists');
  assert.ok((await server.db.list()).includes(name));
  const info = await server.db.get(name);
  assert.equal(info.db_name, name);
  assert.equal(info.doc_count, 0);
  assert.deepEqual(await server.db.compact(name), { ok: true });
  assert.deepEqual(await server.db.destroy(name), { ok: true });
  await fails(server.db.get(name), 404, 'not_found');
  await fails(server.db.create('Not A Name'), 400, 'illegal_database_name');
});

scenario('documents', async () => {
  const db = database();
  const made = await db.insert({ text: 'first' }, 'one');
  assert.ok(made.ok);
  assert.equal((await db.get('one')).text, 'first');
  const headers = await db.head('one');
  assert.equal(headers.etag, `"${made.rev}"`);
  await fails(db.insert({ text: 'late' }, 'one'), 409, 'conflict');
  const second = await db.insert({ _id: 'one', _rev: made.rev, text: 'second' });
  const copied = await server.request({ db: place.database, doc: 'one', method: 'COPY', headers: { Destination: 'two' } });
  assert.equal(copied.id, 'two');
  assert.equal((await db.get('two')).text, 'second');
  const withRevisions = await db.get('one', { revs_info: true });
  assert.deepEqual(withRevisions._revs_info.map((info) => info.rev), [second.rev, made.rev]);
  await db.destroy('one', second.rev);
  await fails(db.get('one'), 404, 'not_found');
});

scenario('bulk', async () => {
  const db = database();
  const rows = await db.bulk({ docs: Array.from({ length: 200 }, (_, i) => ({ _id: `d${String(i).padStart(3, '0')}`, i })) });
  assert.equal(rows.length, 200);
  const listed = await db.list({ include_docs: true, limit: 3, startkey: 'd010' });
  assert.deepEqual(listed.rows.map((row) => row.doc.i), [10, 11, 12]);
  const fetched = await db.fetch({ keys: ['d005', 'absent'] });
  assert.equal(fetched.rows[0].doc.i, 5);
  assert.equal(fetched.rows[1].error, 'not_found');
  const revisions = await db.fetchRevs({ keys: ['d007'] });
  assert.equal(revisions.rows[0].value.rev, rows[7].rev);
  let text = '';
  for await (const chunk of db.listAsStream({ limit: 10 })) text += chunk;
  assert.equal(JSON.parse(text).rows.length, 10);
});

scenario('views', async () => {
  const db = database();
  await db.bulk({ docs: Array.from({ length: 20 }, (_, i) => ({
    _id: `d${String(i).padStart(2, '0')}`, kind: i % 2 ? 'odd' : 'even', n: i })) });
  await db.insert({ views: {
    by_kind: { map: 'function (doc) { emit(doc.kind, doc.n) }', reduce: '_count' },
    by_number: { map: 'function (doc) { emit(doc.n, null) }' },
  }, lists: {
    csv: 'function (head, req) { start({ headers: { "Content-Type": "text/csv" } }); var row; ' +
      'while ((row = getRow())) send(row.key + ";" + row.id + "\\n") }',
  } }, '_design/d');
  const groups = await db.view('d', 'by_kind', { group: true });
  assert.deepEqual(groups.rows, [{ key: 'even', value: 10 }, { key: 'odd', value: 10 }]);
  const rows = await db.view('d', 'by_number', { startkey: 5, endkey: 7, include_docs: true });
  assert.deepEqual([rows.total_rows, rows.offset, rows.rows.map((row) => row.doc.n)], [20, 5, [5, 6, 7]]);
  const picked = await db.view('d', 'by_number', { keys: [9, 2] });
  assert.deepEqual(picked.rows.map((row) => row.id), ['d09', 'd02']);
  const odd = await db.view('d', 'by_kind', { key: 'odd', reduce: false, limit: 2, descending: true });
  assert.deepEqual(odd.rows.map((row) => row.value), [19, 17]);
  const several = await server.request({ db: place.database, method: 'POST', path: '_design/d/_view/by_kind/queries',
    body: { queries: [{ key: 'odd' }, { reduce: false, limit: 1 }] } });
  assert.deepEqual(several.results.map((result) => result.rows.length), [1, 1]);
  assert.equal(await db.viewWithList('d', 'by_number', 'csv', { limit: 2 }), '0;d00\n1;d01\n');
  await fails(db.view('d', 'none'), 404, 'not_found');
  await fails(db.view('d', 'by_number', { group: true }), 400, 'query_parse_error');
  const stream = db.viewAsStream('d', 'by_number');
  let text = '';
  for await (const part of stream) text += part;
  assert.equal(JSON.parse(text).rows.length, 20);
  assert.deepEqual(await server.db.compact(place.database, 'd'), { ok: true });
});

scenario('partitions', async () => {
  const name = `${place.database}_partitioned`;
  await server.db.create(name, { partitioned: true });
  const db = server.use(name);
  await db.bulk({ docs: Array.from({ length: 12 }, (_, i) => ({ _id: `p ${i % 3}:d${10 + i}`, n: i })) });
  await fails(db.insert({}, 'plain'), 400, 'illegal_docid');
  const info = await db.partitionInfo('p 1');
  assert.deepEqual([info.partition, info.doc_count, info.doc_del_count], ['p 1', 4, 0]);
  const listed = await db.partitionedList('p 1', { include_docs: true, limit: 3 });
  assert.deepEqual(listed.rows.map((row) => row.doc.n), [1, 4, 7]);
  await db.insert({ views: { by_number: { map: 'function (doc) { emit(doc.n, doc.n) }', reduce: '_sum' } } }, '_design/d');
  const rows = await db.partitionedView('p 1', 'd', 'by_number', { reduce: false, startkey: 5, descending: true });
  assert.deepEqual(rows.rows.map((row) => row.key), [4, 1]);
  assert.equal((await db.partitionedView('p 1', 'd', 'by_number')).rows[0].value, 22);
  await fails(db.view('d', 'by_number'), 400, 'query_parse_error');
  await db.createIndex({ index: { fields: ['n'] }, partitioned: true });
  const found = await db.partitionedFind('p 1', { selector: { n: { $gt: 4 } }, fields: ['n'] });
  assert.deepEqual(found.docs, [{ n: 7 }, { n: 10 }]);
  await server.db.destroy(name);
});

scenario('find', async () => {
  const db = database();
  await db.bulk({ docs: Array.from({ length: 30 }, (_, i) => ({ _id: `d${10 + i}`, n: i, s: `s${i % 4}` })) });
  const query = { selector: { s: 's1', n: { $gt: 5 } }, sort: [{ n: 'desc' }], fields: ['_id', 'n'], limit: 3 };
  await fails(db.find(query), 400, 'no_usable_index');
  const made = await db.createIndex({ index: { fields: ['s', 'n'] }, ddoc: 'by', name: 'sn', type: 'json' });
  assert.deepEqual([made.result, made.id, made.name], ['created', '_design/by', 'sn']);
  const found = await db.find({ ...query, execution_stats: true });
  assert.deepEqual(found.docs.map((doc) => doc.n), [29, 25, 21]);
  assert.equal(found.execution_stats.total_docs_examined, 0);
  const rest = await db.find({ ...query, bookmark: found.bookmark });
  assert.deepEqual(rest.docs.map((doc) => doc.n), [17, 13, 9]);
  const all = db.findAsStream({ selector: { n: { $lt: 5 } }, fields: ['n'] });
  let text = '';
  for await (const part of all) text += part;
  assert.equal(JSON.parse(text).docs.length, 5);
});

scenario('changes', async () => {
  const db = database();
  await db.bulk({ docs: Array.from({ length: 120 }, (_, i) => ({ _id: `d${i}` })) });
  assert.equal((await server.db.changes(place.database, { limit: 5 })).results.length, 5);
  const seen = [];
  const all = waitFor('the changes', () => seen.length === 121);
  db.changesReader.start({ since: '0', batchSize: 50 })
    .on('change', (change) => { seen.push(change.id); all.changed(); })
    .on('error', (error) => { console.error(error); process.exit(1); });
  await db.insert({}, 'later');
  await all.promise;
  db.changesReader.stop();
  assert.equal(new Set(seen).size, 121);
  assert.equal(seen[120], 'later');

  // get() ends after an empty batch, spool() reads all in one response.
  for (const how of ['get', 'spool']) {
    const once = [];
    await new Promise((resolve, reject) => {
      Nano(place.url).use(place.database).changesReader[how]({ since: '0', batchSize: 100, timeout: 200 })
        .on('batch', (batch) => once.push(...batch)).on('end', resolve).on('error', reject);
    });
    assert.equal(once.length, 121, how);
  }
});

scenario('attachments', async () => {
  const db = database();
  const bytes = Buffer.from(Array.from({ length: 70000 }, (_, i) => (i * 31) % 256));
  const made = await db.attachment.insert('doc', 'a b.bin', bytes, 'image/png');
  assert.ok(bytes.equals(await db.attachment.get('doc', 'a b.bin')));
  const chunks = [];
  for await (const chunk of db.attachment.getAsStream('doc', 'a b.bin')) chunks.push(chunk);
  assert.ok(bytes.equals(Buffer.concat(chunks)));
  await db.attachment.destroy('doc', 'a b.bin', { rev: made.rev });
  await fails(db.attachment.get('doc', 'a b.bin'), 404);
});

scenario('multipart', async () => {
  const db = database();
  const image = Buffer.from([0, 1, 2, 13, 10, 45, 45, 255]);
  await db.multipart.insert({ text: 'with parts' }, [
    { name: 'note.txt', data: 'hello', content_type: 'text/plain' },
    { name: 'image.png', data: image, content_type: 'image/png' },
  ], 'doc');
  const read = await db.get('doc');
  assert.equal(read.text, 'with parts');
  assert.deepEqual(Object.keys(read._attachments).sort(), ['image.png', 'note.txt']);
  assert.equal((await db.attachment.get('doc', 'note.txt')).toString(), 'hello');
  assert.ok(image.equals(await db.attachment.get('doc', 'image.png')));
  const raw = await db.multipart.get('doc');
  assert.ok(raw.includes(image));
});

scenario('server', async () => {
  assert.equal((await server.info()).couchdb, 'Welcome');
  const { uuids } = await server.uuids(7);
  assert.equal(new Set(uuids).size, 7);
  for (const uuid of uuids) assert.match(uuid, /^[0-9a-f]{32}$/);
});

scenario('session', async () => {
  const other = Nano(place.origin);
  await fails(other.auth(place.user, 'wrong'), 401, 'unauthorized');
  await fails(other.use(place.database).insert({}, 'refused'), 401, 'unauthorized');
  const answer = await other.auth(place.user, place.password);
  assert.equal(answer.name, place.user);
  assert.ok(answer.roles.includes('_admin'));
  assert.equal((await other.session()).userCtx.name, place.user);
  await other.use(place.database).insert({ by: 'cookie' }, 'doc');
  assert.equal((await database().get('doc')).by, 'cookie');
});

main();
