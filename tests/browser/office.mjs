// Whoever signs in: by a one-time link, then every page of the navigation at three widths.
const PAGES = {
  overview: '/overview',
  'due-dates': '/due-dates',
  register: '/entries',
  engagements: '/engagements',
  clouds: '/cloud-services',
  accounts: '/social-media-accounts',
  contractors: '/contractors',
  work: '/my-work',
  'hand-over': '/hand-over',
  paper: '/paper',
  mails: '/mails',
  'mail-previews': '/mails/preview?mail=weekly_summary',
  imports: '/imports',
};

export async function office(watched, link, screens) {
  // Without scripts: the link only shows a button; pressed once, it signs in; a second time it is over.
  const page = await watched.window();
  await page.goto(link);
  await page.goto(link);
  await page.locator('main form button').click();
  if (/^\/s(ign-in)?\b/.test(new URL(page.url()).pathname)) throw new Error(`not signed in: ${page.url()}`);
  const again = await watched.window();
  const used = await again.goto(link);
  if (used.ok() && (await again.locator('main form button').count()) > 0) throw new Error('a link signed in twice');
  await again.context().close();

  const looked = await watched.window({ scripts: true });
  await looked.context().addCookies(await page.context().cookies());
  let count = 0;
  for (const [name, path] of Object.entries(PAGES)) {
    const answer = await looked.goto(path);
    if (answer.status() !== 200) throw new Error(`${path} is answered ${answer.status()}`);
    await watched.look(looked, name, screens);
    count += 1;
  }
  await looked.goto('/entries');
  await looked.locator('tbody th a').first().click();
  await watched.look(looked, 'entry', screens);
  await looked.goto('/overview');
  const open = looked.locator('a[href^="/public/"]').first();
  const anybody = await watched.window({ scripts: true });
  await anybody.goto(await open.getAttribute('href'));
  await watched.look(anybody, 'public', screens);
  await anybody.goto('/sign-in');
  await watched.look(anybody, 'sign-in', screens);
  await anybody.goto('/overview?lang=en');
  await watched.look(anybody, 'sign-in-en', screens);
  return `${count + 4} pages`;
}
