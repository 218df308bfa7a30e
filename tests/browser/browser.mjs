// A browser that watches what a page does: no request elsewhere, no word on the console, nothing that the page's own
// policy refuses, nothing wider than the window.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// A phone, a small window of an office PC, and the whole of it.
export const WIDTHS = [360, 768, 1280];

export class Watched {
  #browser;
  #faults = [];

  static async start(base) {
    const watched = new Watched();
    watched.base = base;
    // A server started for the test has nothing to hide from itself; the rest keeps the browser from calling home.
    watched.#browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    });
    return watched;
  }

  // A window of its own, as another person's; without scripts unless axe is to look at it. `also` is an origin beside
  // ours that it may go to.
  async window({ scripts = false, width = 1280, also } = {}) {
    const context = await this.#browser.newContext({
      baseURL: this.base,
      javaScriptEnabled: scripts,
      locale: 'ja-JP',
      viewport: { width, height: 900 },
    });
    const page = await context.newPage();
    page.on('request', (request) => {
      const url = request.url();
      const known = [this.base, also].some((origin) => origin && url.startsWith(`${origin}/`));
      if (!known) this.#fault(page, `asks ${url}`);
    });
    page.on('console', (message) => {
      // A page that was refused is no fault of a page.
      if (!/Failed to load resource: the server responded with a status of (403|404|409|422|429)/.test(message.text())) {
        this.#fault(page, `says ${message.text()}`);
      }
    });
    page.on('pageerror', (error) => this.#fault(page, String(error)));
    return page;
  }

  #fault(page, what) {
    this.#faults.push(`${page.url()} ${what}`);
  }

  // What axe finds (WCAG 2.2 A and AA), and whether the page is wider than its window, at each width.
  async look(page, name, screens) {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
      if (wide > 0) this.#fault(page, `is ${wide} px wider than ${width} px`);
      // Tables that stack on a phone scroll nowhere there.
      const scrolls = await page.evaluate(() =>
        [...document.querySelectorAll('.scroll:has(> .stacks)')].filter((one) => one.scrollWidth > one.clientWidth).length);
      if (width === WIDTHS[0] && scrolls > 0) this.#fault(page, `has a stacked table that scrolls at ${width} px`);
      await page.evaluate(axe);
      const found = await page.evaluate(() =>
        window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      for (const violation of found.violations) {
        const where = violation.nodes.map((node) => node.html).slice(0, 3).join(' | ');
        this.#fault(page, `breaks ${violation.id} at ${width} px: ${where}`);
      }
      if (screens) await page.screenshot({ path: `${screens}/${name}-${width}.png`, fullPage: width === 360 });
    }
  }

  async end() {
    await this.#browser.close();
    if (this.#faults.length > 0) throw new Error([...new Set(this.#faults)].join('\n'));
  }
}
