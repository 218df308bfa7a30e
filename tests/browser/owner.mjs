// The owner's minute: from a mail that the demo really sent to the receipt, without scripts; what a scanner of mails can
// not do; and how many steps it takes.
import { mails } from './mails.mjs';

// The links of the mails to answer by, with their readers.
export function links(directory) {
  return mails(directory).flatMap(({ to, text }) => {
    const link = /https?:\/\/\S+\/r\/[a-z2-7]{26}/.exec(text)?.[0];
    return link ? [{ to, link, text }] : [];
  });
}

async function expectText(page, text) {
  const said = await page.locator('main').innerText();
  if (!said.includes(text)) throw new Error(`${page.url()} does not say ${text}:\n${said}`);
}

export async function owner(watched, directory, screens) {
  // Whoever is asked about the most clauses of one entry: the longest minute that the demo has.
  const page = await watched.window({ width: 360 });
  const sheets = page.locator('section.card', { has: page.locator('input[value=met]') });
  let [chosen, most] = [undefined, 0];
  for (const { link } of links(directory)) {
    await page.goto(link);
    const first = (await sheets.count()) > 0 ? await sheets.first().locator('fieldset:has(input[value=met])').count() : 0;
    if (first > most) [chosen, most] = [link, first];
  }
  if (!chosen) throw new Error('no mail of the demo asks about a clause');

  const looked = await watched.window({ scripts: true });
  await looked.goto(chosen);
  await watched.look(looked, 'owner', screens);
  await looked.context().close();

  // A scanner opens the link, runs what runs there, and presses the button: nothing was answered.
  const scanner = await watched.window({ scripts: true });
  await scanner.goto(chosen);
  const [refused] = await Promise.all([
    scanner.waitForResponse((response) => response.request().method() === 'POST'),
    scanner.locator('main form button[type=submit]').click(),
  ]);
  if (refused.status() !== 422) throw new Error(`a button without answers was answered ${refused.status()}`);
  await scanner.context().close();

  const began = Date.now();
  let steps = 1;
  await page.goto(chosen);
  const sheet = sheets.first();
  for (const question of await sheet.locator('fieldset:has(input[value=met])').all()) {
    await question.locator('label:has(input[value=met])').click();
    steps += 1;
  }
  const methods = sheet.locator('fieldset:has(input[value=on_site])');
  if ((await methods.count()) > 0) {
    await methods.locator('label:has(input[value=on_site])').click();
    steps += 1;
  }
  const whom = (await page.locator('main p strong').first().innerText()).trim();
  const hint = (await page.locator('small').last().innerText()).trim();
  await page.fill('input[name=name]', hint || whom);
  steps += 1;
  await page.locator('main form button[type=submit]').last().click();
  steps += 1;
  await expectText(page, '回答を受け付けました');
  const receipt = page.url();
  const seconds = (Date.now() - began) / 1000;

  // The first answer stays, whatever is sent again.
  await page.goto(receipt);
  await expectText(page, '回答を受け付けました');
  const shown = await watched.window({ scripts: true });
  await shown.goto(receipt);
  await watched.look(shown, 'receipt', screens);
  await shown.goto(`${watched.base}/r`);
  await watched.look(shown, 'code', screens);
  await shown.context().close();
  await page.context().close();
  return `${steps} steps, ${seconds.toFixed(1)} s by a machine`;
}
