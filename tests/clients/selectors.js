'use strict';
// Reads lines {"selector": ..., "doc": ...} and answers each as PouchDB matches: true, false or error.

const readline = require('node:readline');
const { matchesSelector } = require('pouchdb-selector-core');

function answer(line) {
  const { selector, doc } = JSON.parse(line);
  try {
    return String(matchesSelector(doc, selector));
  } catch {
    return 'error';
  }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => console.log(answer(line)));
