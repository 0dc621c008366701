'use strict';
// Replicates once in both directions between the server and a local database that is kept, and
// prints what the local database holds then: {id: rev}. Before that it writes the documents that
// REPLICATE_WRITE names (ids in a JSON array) locally.

const PouchDB = require('pouchdb');

async function main() {
  const local = new PouchDB(process.env.REPLICATE_LOCAL);
  const remote = new PouchDB(`${process.env.DIVAN_URL}/${process.env.DIVAN_DATABASE}`);
  for (const id of JSON.parse(process.env.REPLICATE_WRITE || '[]')) await local.put({ _id: id, from: 'pouchdb' });
  const pulled = await local.replicate.from(remote);
  const pushed = await local.replicate.to(remote);
  if (!pulled.ok || !pushed.ok) throw new Error(JSON.stringify([pulled, pushed]));
  const all = await local.allDocs();
  console.log(JSON.stringify(Object.fromEntries(all.rows.map((row) => [row.id, row.value.rev]))));
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
