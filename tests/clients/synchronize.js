'use strict';
// A PouchDB in memory that does what lines on standard input say, one JSON array [command, argument...]
// each, and answers every line with a line: {"ok": result} or {"error": text}. It lives as long as its input.
//
//   sync URL            live, in both directions, until `cancel`; answers when it has begun
//   once URL OPTIONS    pulls once and pushes once
//   put DOC, remove ID, bulk DOCS OPTIONS, leaves, winners, state, cancel

const readline = require('node:readline');
const PouchDB = require('pouchdb');
PouchDB.plugin(require('pouchdb-adapter-memory'));

const CANCEL_LIMIT_MS = 2000;
const db = new PouchDB('db', { adapter: 'memory', auto_compaction: false });
const trouble = [];
let live = null;

const commands = {
  sync(url) {
    live = db.sync(url, { live: true, retry: true });
    for (const event of ['denied', 'error']) live.on(event, (about) => trouble.push(`${event}: ${JSON.stringify(about)}`));
  },
  async once(url, options) {
    const pulled = await db.replicate.from(url, options);
    const pushed = await db.replicate.to(url, options);
    return { pulled, pushed };
  },
  async put(doc) {
    const current = await db.get(doc._id).catch(() => ({}));
    return (await db.put(current._rev ? { ...doc, _rev: current._rev } : doc)).rev;
  },
  async remove(id) { return (await db.remove(await db.get(id))).rev; },
  bulk(docs, options) { return db.bulkDocs(docs, options); },
  async leaves() {
    const { results } = await db.changes({ since: 0, style: 'all_docs' });
    const found = {};
    for (const row of results) {
      const leaves = await db.get(row.id, { open_revs: row.changes.map((each) => each.rev), revs: true, attachments: true });
      found[row.id] = leaves.map((leaf) => leaf.ok);
    }
    return found;
  },
  // Not allDocs: it leaves out ids that begin with a combining mark.
  async winners() {
    const { results } = await db.changes({ since: 0 });
    return Object.fromEntries(results.filter((row) => !row.deleted).map((row) => [row.id, row.changes[0].rev]));
  },
  state() { return { live: live !== null, trouble }; },
  // PouchDB says `complete` when it has ended; not always when its requests failed.
  async cancel() {
    const ended = new Promise((resolve) => {
      live.on('complete', resolve);
      setTimeout(resolve, CANCEL_LIMIT_MS);
    });
    live.cancel();
    await ended;
    live = null;
  },
};

async function answer(line) {
  try {
    const [name, ...values] = JSON.parse(line);
    return { ok: (await commands[name](...values)) ?? null };
  } catch (error) {
    return { error: error.stack || JSON.stringify(error) };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(line)));
  }
}

main().then(() => process.exit(0));
