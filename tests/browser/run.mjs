// node run.mjs BASE MAILS SIGN_IN_LINK OTHER_BASE ISSUER [SCREENS]: the pages of a demo in a real browser, and signing in to
// another one that expects a provider of OpenID Connect at ISSUER.
import { around } from './around.mjs';
import { Watched } from './browser.mjs';
import { office } from './office.mjs';
import { openid } from './openid.mjs';
import { owner } from './owner.mjs';

const [base, directory, link, otherBase, issuer, screens] = process.argv.slice(2);
const watched = await Watched.start(base);
const said = [await owner(watched, directory, screens)];
said.push(await around(watched, directory, screens));
said.push(await office(watched, link, screens));
await watched.end();
const other = await Watched.start(otherBase);
said.push(await openid(other, issuer, screens));
await other.end();
console.log(said.join('; '));
