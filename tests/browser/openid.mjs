// Whoever signs in at a provider of OpenID Connect: cancelled, then done, without a script on our side.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ADDRESS = 'p001@motosu.example.lg.jp';

async function start(issuer, base) {
  const file = fileURLToPath(new URL('./provider.mjs', import.meta.url));
  const provider = spawn(process.execPath, [file, issuer, base, ADDRESS], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(provider, 'exit').then(() => { throw new Error('the provider has ended'); });
  ended.catch(() => {});
  const ready = (async () => {
    for await (const line of createInterface(provider.stdout)) if (line === 'ready') return;
  })();
  await Promise.race([ready, ended]);
  provider.stdout.resume();
  return provider;
}

export async function openid(watched, issuer, screens) {
  const provider = await start(issuer, watched.base);
  try {
    const page = await watched.window({ also: issuer });
    await page.goto('/overview');
    await page.getByRole('link', { name: '庁内認証でサインイン' }).click();
    if (new URL(page.url()).origin !== issuer) throw new Error(`not at the provider: ${page.url()}`);
    await page.getByRole('button', { name: '取り消す' }).click();
    await page.getByRole('alert').filter({ hasText: '取り消されたか' }).waitFor();

    // What was asked for is not forgotten on the way.
    await page.getByRole('link', { name: '庁内認証でサインイン' }).click();
    await page.getByRole('button', { name: '認証する' }).click();
    const reached = page.url();
    if (reached !== `${watched.base}/overview`) throw new Error(`not signed in: ${reached}`);
    const kept = (await page.context().cookies(watched.base)).map((cookie) => cookie.name);
    if (!kept.includes('session') || kept.includes('openid')) throw new Error(`cookies: ${kept}`);
    await page.context().close();

    const looked = await watched.window({ scripts: true });
    await looked.goto('/sign-in?openid=refused');
    await watched.look(looked, 'sign-in-openid', screens);
    return 'signed in at a provider';
  } finally {
    provider.kill();
  }
}
