// A SAML identity provider of npm (samlp) for the tests, with a page to log in. Says its port when it listens.
//   SAML_SERVICE   URL of the service's metadata: it answers nobody else
//   SAML_ACCOUNTS  JSON: of each login name the NameID, its format, and attributes
//   SAML_KEY, SAML_CERTIFICATE  PEM files
//   SAML_OPTIONS   JSON: more options of samlp, as signResponse
const fs = require('node:fs');
const http = require('node:http');
const samlp = require('samlp');

const accounts = JSON.parse(process.env.SAML_ACCOUNTS);
const cert = fs.readFileSync(process.env.SAML_CERTIFICATE, 'utf8');
const key = fs.readFileSync(process.env.SAML_KEY, 'utf8');

function ProfileMapper(user) {
  return { getClaims: () => user.attributes, getNameIdentifier: () => user.name };
}
ProfileMapper.prototype.metadata = [];

// What the service says of itself, read at each login.
async function service() {
  const text = await (await fetch(process.env.SAML_SERVICE)).text();
  const find = (pattern) => (text.match(pattern) ?? [])[1];
  const certificate = find(/X509Certificate>([^<]*)</);
  return {
    id: find(/entityID="([^"]*)"/),
    url: find(/<md:AssertionConsumerService [^>]*Location="([^"]*)"/),
    certificate: find(/AuthnRequestsSigned="([^"]*)"/) === 'true'
      ? `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n` : undefined,
  };
}

// The little of express that samlp uses.
function expressed(response) {
  response.set = (name, value) => response.setHeader(name, value);
  response.send = (first, second) => {
    if (typeof first === 'number') {
      response.statusCode = first;
      response.end(String(second));
    } else {
      response.end(first);
    }
  };
  return response;
}

async function read(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
}

async function log_in(origin, url, request, response) {
  const registered = await service();
  const auth = samlp.auth({
    issuer: `${origin}/metadata`,
    cert,
    key,
    signingCert: registered.certificate,
    recipient: registered.url,
    destination: registered.url,
    profileMapper: ProfileMapper,
    getPostURL: (audience, dom, asked, callback) => {
      const known = audience === registered.id &&
        dom.documentElement.getAttribute('AssertionConsumerServiceURL') === registered.url;
      callback(known ? null : 'an unknown service', registered.url);
    },
    ...JSON.parse(process.env.SAML_OPTIONS),
  });
  const form = await read(request);
  const asked = {
    method: 'GET', // what samlp looks at was asked for so
    headers: request.headers,
    query: Object.fromEntries(url.searchParams),
    user: accounts[form.get('login')],
  };
  auth(asked, expressed(response), (error) => {
    response.statusCode = 400;
    response.end(String(error));
  });
}

async function main() {
  const server = http.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const origin = `http://127.0.0.1:${port}`;
  const metadata = samlp.metadata({
    issuer: `${origin}/metadata`,
    cert,
    profileMapper: ProfileMapper,
    redirectEndpointPath: '/login',
    postEndpointPath: '/login',
  });
  server.on('request', (request, response) => {
    const url = new URL(request.url, origin);
    if (url.pathname === '/metadata') {
      metadata(Object.assign(request, { protocol: 'http', originalUrl: request.url }), expressed(response));
    } else if (request.method === 'GET') {
      response.setHeader('Content-Type', 'text/html');
      const action = request.url.replaceAll('&', '&amp;');
      response.end(`<form method="post" action="${action}"><input name="login"><input type="submit"></form>`);
    } else {
      log_in(origin, url, request, response).catch((error) => {
        response.statusCode = 500;
        response.end(String(error));
      });
    }
  });
  console.log(`listening on ${port}`);
}

main();
