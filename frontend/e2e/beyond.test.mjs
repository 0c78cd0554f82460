// More incidents than the page can hold: the server counts. The limit is lowered, and everything is held against the
// page that has all incidents itself.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { browse, open, ready, sarhad, serve } from './server.mjs';

const DAY = 864e5;
const HOSTILE = '<img src=x onerror="document.title=1">';
let server;
let browser;

before(async () => {
  server = await serve();
  const rows = ['id,event_date,country,admin1,admin2,latitude,longitude,event_type,fatalities,notes'];
  const units = ['Kurram', 'Bajaur', 'Khyber', 'Swat'];
  const types = ['Battles', 'Protests', 'Riots', 'Explosions/Remote violence', ''];
  for (let i = 0; i < 3000; i++) {
    const day = new Date(Date.UTC(2024, 0, 1) + ((i * 7) % 690) * DAY).toISOString().slice(0, 10);
    const where =
      i % 23 === 0
        ? 'Pakistan,Khyber Pakhtunkhwa,,,'
        : i % 29 === 0
          ? 'Afghanistan,,,,'
          : i % 31 === 0
            ? ',,,,'
            : i % 3
              ? `Pakistan,Khyber Pakhtunkhwa,,${(33 + ((i * 37) % 200) / 100).toFixed(4)},${(70.2 + ((i * 53) % 150) / 100).toFixed(4)}`
              : `Pakistan,Khyber Pakhtunkhwa,${units[i % 4]},,`;
    rows.push(
      `b${i},${day},${where},${types[i % 5]},${i % 4 ? i % 9 : ''},${i % 50 ? `Words of ${i}` : `"${HOSTILE.replace(/"/g, '""')} ${i}"`}`,
    );
  }
  const file = join(server.dir, 'many.csv');
  writeFileSync(file, rows.join('\n'));
  await sarhad('import', '--store', server.store, '--quiet', '--dataset', 'many', file);
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** beyond opens the page as if there were more incidents than it can hold. */
async function beyond(query) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
  await context.addInitScript(() => {
    globalThis.sarhadMostHeld = 100;
  });
  const page = await context.newPage();
  const bad = [];
  page.on('console', (m) => m.type() === 'error' && bad.push(`console: ${m.text()}`));
  page.on('pageerror', (e) => bad.push(`exception: ${e.message}`));
  await page.goto(`${server.url}/${query}`);
  await ready(page);
  return { context, page, bad };
}
/** until repeats what is asserted, till it holds or ten seconds are over. */
async function until(page, check) {
  for (const end = Date.now() + 10_000; ; await page.waitForTimeout(100)) {
    try {
      return await check();
    } catch (e) {
      if (Date.now() > end) throw e;
    }
  }
}
const clean = (bad) => assert.deepEqual(bad, []);

/** shown is what a page says in numbers, wherever they are counted. */
const shown = (page) =>
  page.evaluate(() => {
    const text = (sel) => [...document.querySelectorAll(sel)].map((e) => e.textContent.replace(/\s+/g, ' ').trim());
    return {
      counts: ['incidents', 'best', 'low-high', 'unknown', 'list'].map((k) => text(`[data-count="${k}"]`)),
      table: text('#table tr[data-place]'),
      compared: text('#compare tr[data-compared], #compare tr[data-total]'),
      badges: text('.bdg .num').sort(),
      none: text('.noplace'),
      facets: text('#filters [data-n], #filters .fc .num'),
    };
  });

const STATES = [
  '?map=33.6,70.9,7.75',
  '?datetime=2024-05-03/2024-11-20&map=33.6,70.9,8',
  '?unit=pk-kp-kurram,pk-kp-khyber&datetime=2024-02-01/2025-02-01&map=33.6,70.9,9.5',
  '?event_type=Battles,none&province=Khyber%20Pakhtunkhwa&min_fatalities=2&show=table',
  '?datetime=2024-05-03/2024-11-20&show=table',
  '?datetime=2024-06-01/2024-08-31&compare=2025-06-01/2025-08-31&tab=compare',
];

for (const query of STATES)
  test(`the same numbers from the server: ${query}`, async () => {
    const own = await open(browser, `${server.url}/${query}`);
    const far = await beyond(query);
    try {
      assert.equal(await own.page.locator('[data-served]').count(), 0);
      assert.equal(await far.page.locator('[data-served]').count(), query.includes('tab=') ? 1 : 1);
      await until(far.page, async () => assert.deepEqual(await shown(far.page), await shown(own.page)));
      clean(far.bad);
    } finally {
      await own.context.close();
      await far.context.close();
    }
  });
