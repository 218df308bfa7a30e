// node run.mjs BASE MAILS SIGN_IN_LINK [SCREENS]: the pages of a demo in a real browser.
import { Watched } from './browser.mjs';
import { office } from './office.mjs';
import { owner } from './owner.mjs';

const [base, directory, link, screens] = process.argv.slice(2);
const watched = await Watched.start(base);
const said = [await owner(watched, directory, screens), await office(watched, link, screens)];
await watched.end();
console.log(said.join('; '));
