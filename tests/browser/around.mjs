// What an owner does besides answering, without scripts, each from a mail that the demo really sent: more time, which
// the superior grants from a mail; changed facts, whose effect is shown before they are saved; a sheet that staff
// prepares and the owner confirms; a hand-over, which its new owner accepts from a mail.
import { mails } from './mails.mjs';
import { links } from './owner.mjs';

async function expectText(page, text) {
  const said = await page.locator('main').innerText();
  if (!said.includes(text)) throw new Error(`${page.url()} does not say ${text}:\n${said}`);
}

// The first sheet with this way out, on the page behind it; `owned`: about a thing whose owner reads it.
async function way(watched, directory, part, usable, owned = false) {
  const page = await watched.window({ width: 360 });
  for (const { link } of links(directory)) {
    await page.goto(link);
    const ways = page.locator(`section.card a[href*="/${part}/"]`);
    if ((await ways.count()) === 0) continue;
    const owner = owned ? `／${(await page.locator('main p strong').first().innerText()).trim()}` : '';
    const hrefs = await ways.evaluateAll(
      (found, text) => found.filter((one) => one.closest('section').innerText.includes(text)).map((one) => one.href), owner);
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
  const looked = await watched.window({ scripts: true });
  await looked.goto(page.url());
  const other = await looked.locator('form[method=post] select').first();
  await other.selectOption(await select.inputValue());
  await looked.locator('button[value=preview]').click();
  await expectText(looked, 'この変更で変わること');
  await watched.look(looked, 'changes-preview', screens);
  await looked.context().close();
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

async function prepared(watched, directory, screens) {
  const page = await way(watched, directory, 'staff', 'input[name=q]');
  const known = new Set(mails(directory).map((mail) => mail.name));
  await page.fill('input[name=q]', '総務課');
  await page.locator('form[role=search] button').click();
  await page.locator('input[name=to]').first().check();
  await page.locator('form[method=post] textarea').fill('接続記録を見てください。');
  await sign(page);
  await page.locator('form[method=post] button[type=submit]').click();
  await page.waitForLoadState();
  await expectText(page, 'リンクをメールで送りました');

  const staff = await watched.window({ width: 360 });
  await staff.goto(await mailed(directory, known, '接続記録を見てください。'));
  await expectText(staff, '下書きのお願い');
  const shown = await watched.window({ scripts: true });
  await shown.goto(staff.url());
  await watched.look(shown, 'prepare', screens);
  for (const question of await staff.locator('fieldset:has(input[value=met])').all()) {
    await question.locator('label:has(input[value=met])').click();
  }
  await sign(staff);
  await staff.locator('main form button[type=submit]').click();
  await staff.waitForLoadState();
  await expectText(staff, '下書きができたことをメールで知らせました');
  await staff.context().close();

  // The owner finds it filled in, types a name and presses the button.
  const owner = await watched.window({ width: 360 });
  await owner.goto(await mailed(directory, known, '下書きができました'));
  await expectText(owner, 'さんの下書き');
  await shown.goto(owner.url());
  await watched.look(shown, 'prepared', screens);
  await shown.context().close();
  if ((await owner.locator('input[value=met]:checked').count()) === 0) throw new Error(`${owner.url()} is not filled in`);
  const methods = owner.locator('label:has(input[value=on_site])');
  for (const method of await methods.all()) await method.click();
  await sign(owner);
  await owner.locator('main form button[type=submit]').last().click();
  await owner.waitForLoadState();
  await expectText(owner, '回答を受け付けました');
  await owner.context().close();
  await page.context().close();
}

async function handOver(watched, directory, screens) {
  const page = await way(watched, directory, 'hand-over', 'input[name=q]', true);
  const path = page.url();
  const known = new Set(mails(directory).map((mail) => mail.name));
  // Somebody who has had no mail today: the digest of an address is one a day.
  const greeted = mails(directory).map((mail) => mail.text);
  let name;
  for (const department of ['業務課', '総務課', '広報広聴課', '情報政策課']) {
    await page.fill('input[name=q]', department);
    await page.locator('form[role=search] button').click();
    const labels = await page.locator('label:has(input[name=to])').allInnerTexts();
    const names = labels.map((label) => label.split('（')[0].trim());
    name = names.find((one) => !greeted.some((text) => text.includes(`${one} 様`)));
    if (name) break;
  }
  if (!name) throw new Error('everybody has had a mail');
  const shown = await watched.window({ scripts: true });
  await shown.goto(page.url());
  await watched.look(shown, 'hand-over-by-link', screens);
  await shown.context().close();
  await page.locator('label', { hasText: name }).locator('input[name=to]').first().check();
  await page.locator('form[method=post] textarea').fill('担当が替わりました。');
  await sign(page);
  await page.locator('form[method=post] button[type=submit]').click();
  await page.waitForLoadState();
  await expectText(page, '引き受け');
  // The old link does not answer for it any more, but for a clause that its reader confirms in a role: then the thing is
  // the new owner's.
  const late = await watched.window();
  const old = await late.goto(path.replace(/\/hand-over\/.*/, ''));
  const left = late.locator('section.card', { has: late.locator(`a[href$="${path.split('/').at(-1)}"]`) });
  if (old.ok() && (await left.count()) > 0 && !(await left.first().innerText()).includes(`／${name}`)) {
    throw new Error('what was handed over is still the owner\'s who gave it');
  }
  await late.context().close();
  await page.context().close();

  // Whoever it was handed to is asked by mail, and accepts.
  const taker = await watched.window({ width: 360 });
  await taker.goto(await mailed(directory, known, `${name} 様`));
  await expectText(taker, '引き受けますか');
  const asked = await watched.window({ scripts: true });
  await asked.goto(taker.url());
  await watched.look(asked, 'takeover', screens);
  await asked.context().close();
  await taker.locator('input[value=accept]').first().check();
  await sign(taker);
  await taker.locator('main form button[type=submit]').last().click();
  await taker.waitForLoadState();
  await expectText(taker, '回答を受け付けました');
  await taker.context().close();
}

export async function around(watched, directory, screens) {
  await moreTime(watched, directory, screens);
  await changes(watched, directory, screens);
  await prepared(watched, directory, screens);
  await handOver(watched, directory, screens);
  return 'more time, changed facts, a prepared sheet, hand-over';
}
