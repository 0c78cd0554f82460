// The history of an incident: a file is loaded, then again with other figures and hostile text in every field.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clean, PHONE, violations } from './checks.mjs';
import { browse, open, sarhad, serve, settle } from './server.mjs';

const EVIL = '<img src=x onerror=alert(1)>';
const HEAD = 'id,event_date,country,admin1,admin2,location,fatalities,actor1,notes\n';
const row = (id, n, actor, notes) =>
  `${id},2025-10-12,Pakistan,Khyber Pakhtunkhwa,Khyber,Torkham,${n},${actor},"${notes}"\n`;

let server;
let browser;
const load = async (folder, name, text) => {
  mkdirSync(join(server.dir, folder), { recursive: true });
  const file = join(server.dir, folder, name);
  writeFileSync(file, text);
  await sarhad('import', '--store', server.store, '--quiet', '--dataset', 'list', file);
};
before(async () => {
  server = await serve('--no-demo');
  await load(
    '1',
    'first.csv',
    HEAD +
      row('a', 2, 'Frontier Corps', 'An exchange of fire was reported.') +
      row('b', 1, 'Police', 'A blast was reported.'),
  );
  await load(
    '2',
    `${EVIL.replaceAll('/', '')}.csv`,
    HEAD + row('a', 5, EVIL, `${EVIL} An exchange of fire.`) + row('b', 1, 'Police', 'A blast was reported.'),
  );
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const idOf = async (source) => {
  const r = await fetch(`${server.url}/collections/incidents/items?filter=source_id='${source}'`);
  return (await r.json()).features[0].id;
};
/** watch counts what is asked of a history. */
const watch = (page) => {
  const asked = [];
  page.on('request', (r) => {
    if (r.url().endsWith('/versions')) asked.push(r.url());
  });
  return asked;
};
const text = async (l) => (await l.textContent()).replace(/\s+/g, ' ').trim();

test('what changed is told once the history is opened, newest first; text from files stays text', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?incident=${await idOf('a')}`);
  const asked = watch(page);
  await page.locator('[data-history] summary').waitFor();
  await settle(page);
  assert.deepEqual(asked, [], 'nothing is asked for what is closed');
  await page.locator('[data-history] summary').click();
  await page.locator('[data-version]').first().waitFor();
  const versions = page.locator('[data-version]');
  assert.equal(await versions.count(), 2);
  const now = await text(versions.first());
  const today = new Date().getUTCFullYear();
  assert.match(now, new RegExp(`^Changed ?\\d{1,2} \\w{3} ${today}, <img src=x onerror=alert\\(1\\)>\\.csv`));
  assert.match(now, /Killed, best: was 2, now 5/);
  assert.match(now, /Actors: was Frontier Corps, now <img src=x onerror=alert\(1\)>/);
  assert.match(
    now,
    /Notes: was “An exchange of fire was reported\.”, now “<img src=x onerror=alert\(1\)> An exchange of fire\.”/,
  );
  assert.match(await text(versions.nth(1)), new RegExp(`^Loaded ?\\d{1,2} \\w{3} ${today}, first\\.csv$`));
  assert.equal(await page.locator('[data-incident] img').count(), 0);
  assert.equal(asked.length, 1);
  // It stays open for the next incident, of which there is one version.
  await page
    .locator('.d-bar button[aria-label="Next incident"]:enabled, .d-bar button[aria-label="Previous incident"]:enabled')
    .first()
    .click();
  await page.locator('[data-history] .note', { hasText: 'Loaded once, never changed' }).waitFor();
  assert.match(
    await text(page.locator('[data-history] .note')),
    new RegExp(`^Loaded once, never changed: \\d{1,2} \\w{3} ${today}, first\\.csv$`),
  );
  assert.equal(await versions.count(), 0);
  clean(bad);
  await context.close();
});

test('a load while it is open is told', async () => {
  const id = await idOf('b');
  const { page, bad, context } = await open(browser, `${server.url}/?incident=${id}`);
  await page.locator('[data-history] summary').click();
  await page.locator('[data-history] .note', { hasText: 'never changed' }).waitFor();
  await load('3', 'third.csv', `${HEAD}${row('b', 3, 'Police', 'A blast was reported.')}`);
  await page.locator('[data-version="2"]', { hasText: 'was 1, now 3' }).waitFor({ timeout: 20000 });
  clean(bad);
  await context.close();
});

test('without an answer it says so, and asks again', async () => {
  const { page, context } = await open(browser, `${server.url}/?incident=${await idOf('a')}`);
  await page.route('**/versions', (r) => r.abort());
  const summary = page.locator('[data-history] summary');
  await summary.click();
  await page.locator('[data-history] [role=alert]').waitFor();
  await page.unroute('**/versions');
  await summary.click();
  await summary.click();
  await page.locator('[data-version]').first().waitFor();
  await context.close();
});

for (const [name, options, query] of [
  ['light', {}, ''],
  ['dark', { colorScheme: 'dark' }, ''],
  ['Urdu', {}, '&lang=ur'],
  ['phone', PHONE, ''],
])
  test(`by keys, and axe finds nothing: ${name}`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/?incident=${await idOf('a')}${query}`, options);
    await page.locator('[data-history] summary').focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-version]').first().waitFor();
    if (query) assert.match(await text(page.locator('[data-version]').first()), /پہلے 2، اب 5/);
    const h = (await page.locator('[data-history] summary').boundingBox()).height;
    assert.ok(h >= (options.isMobile ? 44 : 24), `the summary is ${h} px high`);
    assert.deepEqual(await violations(page), []);
    if (process.env.SHOTS) {
      await page.locator('[data-version]').last().scrollIntoViewIfNeeded();
      await page.screenshot({ path: join(process.env.SHOTS, `history-${name}.png`) });
    }
    clean(bad);
    await context.close();
  });
