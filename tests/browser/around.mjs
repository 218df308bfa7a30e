// What an owner does besides answering, without scripts, each from a mail that the demo really sent: more time, which
// the superior grants from a mail; changed facts, whose effect is shown before they are saved; a hand-over.
import { mails } from './mails.mjs';
import { links } from './owner.mjs';

async function expectText(page, text) {
  const said = await page.locator('main').innerText();
  if (!said.includes(text)) throw new Error(`${page.url()} does not say ${text}:\n${said}`);
}

// The first sheet with this way out, on the page behind it.
async function way(watched, directory, part, usable) {
  const page = await watched.window({ width: 360 });
  for (const { link } of links(directory)) {
    await page.goto(link);
    const hrefs = await page.locator(`section.card a[href*="/${part}/"]`).evaluateAll((found) => found.map((one) => one.href));
    for (const href of hrefs) {
      await page.goto(href);
      if ((await page.locator(usable).count()) > 0) return page;
    }
  }
  throw new Error(`no mail of the demo leads to ${part}`);
}

async function sign(page) {
  const hint = page.locator('input[name=name] ~ small, p:has(input[name=name]) small').first();
  await page.fill('input[name=name]', (await hint.innerText()).trim());
}

// The link of the first mail that came since, in which this is found; the worker is woken by what was written.
async function mailed(directory, known, text) {
  for (let tries = 0; tries < 300; tries += 1) {
    const fresh = mails(directory).find((mail) => !known.has(mail.name) && mail.text.includes(text));
    const link = fresh && /https?:\/\/\S+\/[a-z]+\/[a-z2-7]{26}/.exec(fresh.text)?.[0];
    if (link) return link;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`no mail says ${text}`);
}

async function moreTime(watched, directory, screens) {
  const page = await way(watched, directory, 'more-time', 'input[name=until]');
  const known = new Set(mails(directory).map((mail) => mail.name));
  await page.fill('input[name=until]', await page.locator('input[name=until]').getAttribute('max'));
  await page.locator('form[method=post] textarea').fill('契約先の回答を待っています。');
  await sign(page);
  await page.locator('form[method=post] button[type=submit]').click();
  await page.waitForLoadState();
  const decides = await watched.window({ width: 360 });
  await decides.goto(await mailed(directory, known, '猶予'));
  await expectText(decides, '契約先の回答を待っています。');
  const shown = await watched.window({ scripts: true });
  await shown.goto(decides.url());
  await watched.look(shown, 'more-time', screens);
  await shown.context().close();
  await decides.locator('input[name=granted]').first().check();
  await sign(decides);
  await decides.locator('form[method=post] button[type=submit]').click();
  await decides.waitForLoadState();
  await expectText(decides, '認め');
  await decides.context().close();
  await page.context().close();
}

async function changes(watched, directory, screens) {
  const page = await way(watched, directory, 'changes', 'form[method=post] select');
  const select = page.locator('form[method=post] select').first();
  const [before, codes] = [await select.inputValue(), await select.locator('option').evaluateAll((all) => all.map((one) => one.value))];
  await select.selectOption(codes.filter((code) => code !== '' && code !== before).at(-1));
  await page.locator('button[value=preview]').click();
  await expectText(page, 'この変更で変わること');
  await sign(page);
  await page.locator('button[value=save]').click();
  await page.waitForLoadState();
  if ((await page.locator('main .note.good').count()) === 0) throw new Error(`${page.url()}: the change was not saved`);
  const shown = await watched.window({ scripts: true });
  await shown.goto(page.url());
  await watched.look(shown, 'changes', screens);
  await shown.context().close();
  await page.context().close();
}

async function handOver(watched, directory, screens) {
  const page = await way(watched, directory, 'hand-over', 'input[name=q]');
  const path = page.url();
  await page.fill('input[name=q]', '業務課');
  await page.locator('form[role=search] button').click();
  const shown = await watched.window({ scripts: true });
  await shown.goto(page.url());
  await watched.look(shown, 'hand-over-by-link', screens);
  await shown.context().close();
  await page.locator('input[name=to]').first().check();
  await page.locator('form[method=post] textarea').fill('担当が替わりました。');
  await sign(page);
  await page.locator('form[method=post] button[type=submit]').click();
  await page.waitForLoadState();
  await expectText(page, '引き受け');
  // The old link does not answer for it any more.
  const late = await watched.window();
  const refused = await late.goto(path);
  if (refused.ok() && (await late.locator('input[name=q]').count()) > 0) throw new Error('what was handed over is handed over again');
  await late.context().close();
  await page.context().close();
}

export async function around(watched, directory, screens) {
  await moreTime(watched, directory, screens);
  await changes(watched, directory, screens);
  await handOver(watched, directory, screens);
  return 'more time, changed facts, hand-over';
}
