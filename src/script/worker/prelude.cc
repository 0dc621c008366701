#include "script/worker/prelude.h"

namespace divan::script {
namespace {

// Source of the rules: share/server of CouchDB 3.5 (util.js, views.js, render.js, mimeparse.js).
constexpr std::string_view kPrelude = R"js((function (global, host, renders) {
  'use strict';
  const stringify = JSON.stringify;
  const describe = e => String(e !== null && e !== undefined && e.toSource ? e.toSource() : e);
  const fail = (word, reason) => { throw ['error', word, reason]; };

  // ---- require(): modules are strings in the library, found by walking it
  const loaded = new Map();

  // A place is {id, current, parent}: the value, the name of the way to it, and the place that holds it.
  function resolve(steps, from) {
    let place = from;
    steps.forEach((step, index) => {
      if (step === '..') {
        if (!place || !place.parent || !place.parent.parent)
          fail('invalid_require_path', 'Object has no parent ' + stringify(place && place.current));
        place = {
          id: place.id.slice(0, place.id.lastIndexOf('/')),
          current: place.parent.current,
          parent: place.parent.parent,
        };
      } else if (step === '.') {
        if (!place || !place.parent)
          fail('invalid_require_path', 'Object has no parent ' + stringify(place && place.current));
      } else {
        if (index === 0)
          place = { id: '', current: host.library(), parent: undefined };
        const holder = place.current;
        const found = holder === undefined || holder === null ? undefined : holder[step];
        if (found === undefined)
          fail('invalid_require_path', 'Object has no property "' + step + '". ' + stringify(holder));
        place = { id: place.id ? place.id + '/' + step : step, current: found, parent: place };
      }
    });
    if (typeof place.current !== 'string')
      fail('invalid_require_path', 'Must require a JavaScript string, not: ' + typeof place.current);
    return { id: place.id, current: place.current, parent: place.parent, exports: {} };
  }

  function load(name, from) {
    const module = resolve(String(name).split('/'), from);
    if (loaded.has(module.id))
      return loaded.get(module.id).exports;
    loaded.set(module.id, module); // a circle of modules sees what is there so far
    try {
      const run = host.compileModule(module.current, module.id);
      run.call(global, module, module.exports, other => load(other, module.parent));
    } catch (e) {
      loaded.delete(module.id);
      fail('compilation_error', "Module require('" + name + "') raised error " + describe(e));
    }
    return module.exports;
  }

  global.require = name => load(name, undefined);
  global.toJSON = stringify;
  global.isArray = Array.isArray;
  global.sum = function sum(values) {
    let total = 0;
    if (Array.isArray(values))
      for (let i = 0; i < values.length; ++i)
        total += values[i];
    else
      for (const name in values)
        total += values[name];
    return total;
  };
  if (!renders)
    return {};

  // ---- shows and lists
  const mimes = new Map(); // name: content types
  const names = new Map(); // content type: name

  global.registerType = function registerType(name, ...types) {
    mimes.set(String(name), types);
    types.forEach(type => names.set(type, String(name)));
  };
  [
    ['all', '*/*'],
    ['text', 'text/plain; charset=utf-8', 'txt'],
    ['html', 'text/html; charset=utf-8'],
    ['xhtml', 'application/xhtml+xml', 'xhtml'],
    ['xml', 'application/xml', 'text/xml', 'application/x-xml'],
    ['js', 'text/javascript', 'application/javascript', 'application/x-javascript'],
    ['css', 'text/css'],
    ['ics', 'text/calendar'],
    ['csv', 'text/csv'],
    ['rss', 'application/rss+xml'],
    ['atom', 'application/atom+xml'],
    ['yaml', 'application/x-yaml', 'text/yaml'],
    ['multipart_form', 'multipart/form-data'],
    ['url_encoded_form', 'application/x-www-form-urlencoded'],
    ['json', 'application/json', 'text/x-json'],
  ].forEach(entry => global.registerType(...entry));

  function parseRange(text) {
    const parts = text.split(';');
    const parameters = new Map();
    parts.forEach(part => {
      const pair = part.split('=');
      if (pair.length === 2)
        parameters.set(pair[0].trim(), pair[1].trim());
    });
    const full = parts[0].trim();
    const [type, subtype] = (full === '*' ? '*/*' : full).split('/');
    const quality = parseFloat(parameters.get('q'));
    return { type, subtype, parameters, quality: quality >= 0 && quality <= 1 ? quality : 1 };
  }

  // How well a content type fits what the client accepts: [fitness, quality].
  function fit(mime, ranges) {
    const target = parseRange(mime);
    let best = [-1, 0];
    for (const range of ranges) {
      const same = (a, b) => a === b || a === '*' || b === '*';
      if (!same(range.type, target.type) || !same(range.subtype, target.subtype))
        continue;
      let fitness = (range.type === target.type ? 100 : 0) + (range.subtype === target.subtype ? 10 : 0);
      for (const [name, value] of target.parameters)
        if (name !== 'q' && range.parameters.get(name) === value)
          fitness += 1;
      if (fitness > best[0])
        best = [fitness, range.quality];
    }
    return best;
  }

  // CouchDB orders the candidates as texts.
  function bestMatch(supported, accept) {
    const ranges = accept.split(',').map(parseRange);
    const weighted = supported.map((mime, index) => ({ mime, fit: fit(mime, ranges), index }));
    const text = entry => entry.fit[0] + ',' + entry.fit[1] + ',' + entry.index + ',' + entry.mime;
    weighted.sort((a, b) => (text(a) < text(b) ? -1 : 1));
    const last = weighted[weighted.length - 1];
    return last && last.fit[1] ? last.mime : '';
  }

  // ---- the response under way
  let provided, contentType, chunks, response, sawRow, lists;

  function reset(isList) {
    provided = [];
    contentType = undefined;
    chunks = [];
    response = {};
    sawRow = false;
    lists = isList;
  }
  reset(false);

  function withContentType(target) {
    target.headers = target.headers || {};
    if (contentType)
      target.headers['Content-Type'] = target.headers['Content-Type'] || contentType;
    return target;
  }

  const wrap = answer => (typeof answer === 'string' ? { body: answer } : answer);

  global.provides = function provides(type, fun) {
    provided.push([type, fun]);
  };
  global.start = function start(answer) {
    response = answer || {};
  };
  global.send = function send(chunk) {
    const text = String(chunk);
    if (lists)
      host.write(text);
    else
      chunks.push(text);
  };
  function begin() {
    if (sawRow)
      return;
    sawRow = true;
    host.start(withContentType(response || {}));
  }
  global.getRow = function getRow() {
    begin();
    return host.row();
  };

  function runProvided(request, self) {
    const accept = request.headers && request.headers.Accept;
    const typesOf = name => mimes.get(String(name)) || [];
    let name;
    if (request.query && request.query.format) {
      name = request.query.format;
      contentType = typesOf(name)[0];
    } else if (accept) {
      provided.reverse();
      contentType = bestMatch(provided.flatMap(entry => typesOf(entry[0])), accept);
      name = names.get(contentType);
    } else {
      name = provided[0][0];
      contentType = typesOf(name)[0];
    }
    const chosen = name && provided.find(entry => entry[0] == name);
    if (!chosen) {
      const possible = provided.map(entry => typesOf(entry[0]).join(', ') || entry[0]);
      fail('not_acceptable', 'Content-Type ' + (accept || name) + ' not supported, try one of: ' +
           possible.join(', '));
    }
    return chosen[1].call(self);
  }

  // What is thrown on purpose goes on; anything else is a fault of the function.
  function renderError(e) {
    if (e !== null && e !== undefined && ((e.error && e.reason) || e[0] === 'error' || e[0] === 'fatal'))
      throw e;
    const message = 'function raised error: ' + describe(e) + ' \nstacktrace: ' +
                    (e === null || e === undefined ? undefined : e.stack);
    global.log(message);
    fail('render_error', message);
  }

  function show(fun, self, doc, request) {
    reset(false);
    try {
      let answer = wrap(fun.call(self, doc, request) || {});
      if (chunks.length > 0) {
        answer.headers = Object.assign(answer.headers || {}, response);
        answer.body = chunks.join('') + (answer.body || '');
        chunks = [];
      }
      if (provided.length > 0) {
        const more = wrap(runProvided(request, self) || {});
        answer.body = (answer.body || '') + chunks.join('') + (more.body || '');
        answer = withContentType(answer);
      }
      if (typeof answer !== 'object' || Array.isArray(answer))
        fail('render_error', 'undefined response from show function');
      return answer;
    } catch (e) {
      if (doc === null && request.path && request.path.length > 5)
        fail('not_found', 'document not found');
      renderError(e);
    }
  }

  function list(fun, self, head, request) {
    reset(true);
    try {
      let tail = fun.call(self, head, request);
      if (provided.length > 0)
        tail = runProvided(request, self);
      begin();
      if (tail !== undefined)
        host.write(String(tail));
      return null;
    } catch (e) {
      renderError(e);
    }
  }

  return { show, list };
}))js";

} // namespace

std::string_view prelude_source() {
    return kPrelude;
}

} // namespace divan::script
