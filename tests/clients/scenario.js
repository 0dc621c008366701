'use strict';
// Runs one scenario of a script: node SCRIPT NAME, or lists them: node SCRIPT --list.

const scenarios = new Map();

// Declares a scenario: an async function that throws when something is not as it should be.
function scenario(name, run) {
  scenarios.set(name, run);
}

// Resolves when `check` is true, asked anew at each call of the returned function `changed`.
function waitFor(what, check, limitMs = 20000) {
  let done, fail;
  const promise = new Promise((resolve, reject) => { done = resolve; fail = reject; });
  const timer = setTimeout(() => fail(new Error(`waited ${limitMs} ms for ${what}`)), limitMs);
  const changed = async () => {
    try {
      if (await check()) { clearTimeout(timer); done(); }
    } catch (error) { clearTimeout(timer); fail(error); }
  };
  changed();
  return { promise, changed };
}

function main() {
  const name = process.argv[2];
  if (name === '--list') {
    console.log([...scenarios.keys()].join('\n'));
    return;
  }
  if (!scenarios.has(name)) {
    console.error(`no scenario ${name}`);
    process.exit(2);
  }
  scenarios.get(name)().then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
  });
}

const place = {
  url: process.env.DIVAN_URL,
  origin: process.env.DIVAN_ORIGIN,
  user: process.env.DIVAN_USER,
  password: process.env.DIVAN_PASSWORD,
  database: process.env.DIVAN_DATABASE,
  scratch: process.env.DIVAN_SCRATCH,
};

module.exports = { scenario, waitFor, main, place };
