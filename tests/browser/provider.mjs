// node provider.mjs ISSUER BASE ADDRESS: a certified provider of OpenID Connect (oidc-provider) with one client, the demo
// at BASE, and one account. It keeps personal claims out of the ID token, as the standard has it with this flow. It says
// "ready" on a line of its own.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [issuer, base, address] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const provider = new Provider(issuer, {
  clients: [{
    client_id: 'kakunin-demo',
    client_secret: 'an invented secret',
    redirect_uris: [`${base}/sign-in/openid/back`],
  }],
  pkce: { required: () => true },
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  cookies: { keys: ['an invented key'] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: address, email_verified: true }),
  }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'demo' }] },
  // Nobody is asked whether the office may see their address.
  async loadExistingGrant(ctx) {
    const { client, session } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid email');
    await grant.save();
    return grant;
  },
});

const page = (uid) => `<!DOCTYPE html><html lang="ja"><title>庁内認証</title><h1>庁内認証</h1>
<form method="post" action="/interaction/${uid}"><button name="as" value="in">認証する</button>
<button name="as" value="out">取り消す</button></form></html>`;

const handle = provider.callback();
createServer(async (request, response) => {
  const uid = /^\/interaction\/([\w-]+)$/.exec(request.url)?.[1];
  if (!uid) return handle(request, response);
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return response.end(page(uid));
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const result = body === 'as=in' ? { login: { accountId: '4711' } } : { error: 'access_denied' };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}).listen(Number(new URL(issuer).port), '127.0.0.1', () => console.log('ready'));
