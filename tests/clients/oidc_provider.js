// An OpenID provider of npm for the tests. Says its port when it listens; each start has a new key.
//   OIDC_PORT      0: any free one
//   OIDC_CLIENT    the metadata of the one client, as JSON
//   OIDC_ACCOUNTS  JSON: the claims of each login name
const crypto = require('node:crypto');
const http = require('node:http');

async function main() {
  const { default: Provider } = await import('oidc-provider');
  const accounts = JSON.parse(process.env.OIDC_ACCOUNTS);
  const server = http.createServer();
  await new Promise((resolve) => server.listen(Number(process.env.OIDC_PORT), '127.0.0.1', resolve));
  const { port } = server.address();
  const kid = crypto.randomUUID();
  const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [JSON.parse(process.env.OIDC_CLIENT)],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['only of tests'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email'] },
    findAccount: (context, sub) => accounts[sub] && {
      accountId: sub,
      claims: () => ({ sub, ...accounts[sub] }),
    },
  });
  server.on('request', provider.callback());
  console.log(`listening on ${port} with key ${kid}`);
}

main();
