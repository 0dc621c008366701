'use strict';
// The ways in which nano and PouchDB log in, as a user of _users who is a member of the database and no admin.
// DIVAN_TOKEN is a JSON Web Token of that user.

const assert = require('node:assert/strict');
const path = require('node:path');
const Nano = require('nano');
const PouchDB = require('pouchdb');
const { scenario, main, place } = require('./scenario');

const token = process.env.DIVAN_TOKEN;
const databaseUrl = `${place.origin}/${place.database}`;

// Writes, reads and reads the feed as the user; what is for admins stays refused.
async function nanoWorks(server, how) {
  assert.deepEqual((await server.session()).userCtx, { name: place.user, roles: [] });
  const db = server.use(place.database);
  await db.insert({ by: how }, how);
  assert.equal((await db.get(how)).by, how);
  assert.equal((await db.changes({ since: '0' })).results.length, 1);
  await assert.rejects(server.db.create(`${place.database}_more`), (error) => error.statusCode === 401);
}

async function pouchWorks(db, how) {
  await db.put({ _id: how, by: how });
  assert.equal((await db.get(how)).by, how);
  const copy = new PouchDB(path.join(place.scratch, 'copy'));
  await copy.put({ _id: 'from the copy' });
  const done = await copy.sync(db);
  assert.deepEqual([done.push.docs_written, done.pull.docs_written], [1, 1]);
}

async function pouchRefused(options, url = databaseUrl) {
  const db = new PouchDB(url, options);
  await assert.rejects(db.get('x'), (error) => error.status === 401);
}

scenario('nano_cookie', async () => {
  const server = Nano(place.origin);
  await assert.rejects(server.use(place.database).get('x'), (error) => error.statusCode === 401);
  await assert.rejects(server.auth(place.user, 'wrong'), (error) => error.statusCode === 401);
  await server.auth(place.user, place.password);
  await nanoWorks(server, 'nano_cookie');
});

scenario('nano_url', async () => {
  await nanoWorks(Nano(place.url), 'nano_url');
});

scenario('nano_token', async () => {
  const options = (bearer) => ({ url: place.origin, requestDefaults: { headers: { authorization: `Bearer ${bearer}` } } });
  await nanoWorks(Nano(options(token)), 'nano_token');
  const forged = Nano(options(`${token.slice(0, -8)}AAAAAAAA`));
  await assert.rejects(forged.use(place.database).get('x'), (error) => error.statusCode === 400);
});

scenario('pouchdb_auth', async () => {
  await pouchRefused({ auth: { username: place.user, password: 'wrong' } });
  const db = new PouchDB(databaseUrl, { auth: { username: place.user, password: place.password } });
  await pouchWorks(db, 'pouchdb_auth');
});

scenario('pouchdb_url', async () => {
  await pouchWorks(new PouchDB(`${place.url}/${place.database}`), 'pouchdb_url');
});

scenario('pouchdb_cookie', async () => {
  await pouchRefused({});
  const answer = await PouchDB.fetch(`${place.origin}/_session`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: place.user, password: place.password }) });
  assert.equal(answer.status, 200);
  const cookie = answer.headers.get('set-cookie').split(';')[0];
  assert.match(cookie, /^AuthSession=/);
  const withCookie = (url, options) => {
    options.headers.set('Cookie', cookie);
    return PouchDB.fetch(url, options);
  };
  await pouchWorks(new PouchDB(databaseUrl, { fetch: withCookie }), 'pouchdb_cookie');
});

scenario('pouchdb_token', async () => {
  const withToken = (url, options) => {
    options.headers.set('Authorization', `Bearer ${token}`);
    return PouchDB.fetch(url, options);
  };
  await pouchWorks(new PouchDB(databaseUrl, { fetch: withToken }), 'pouchdb_token');
});

main();
