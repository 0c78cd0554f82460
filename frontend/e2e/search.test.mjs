import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clean, PHONE, violations } from './checks.mjs';
import { browse, open, sarhad, serve, settle } from './server.mjs';

let server;
let browser;
before(async () => {
  server = await serve();
  // What only the unit of its day is known of: one known area then, two districts today.
  const rows = ['id,event_date,adm_1,adm_2,fatalities,country'];
  for (let i = 0; i < 39; i++)
    rows.push(`s${i},2009-05-${String(1 + (i % 28)).padStart(2, '0')},FATA,South Waziristan,1,Pakistan`);
  const file = join(server.dir, 'then.csv');
  writeFileSync(file, rows.join('\n'));
  await sarhad('import', '--store', server.store, '--quiet', file);
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const view = async (page) => {
  await settle(page);
  await page.waitForURL(/map=/, { timeout: 5000 });
  return new URL(page.url()).searchParams.get('map').split(',').map(Number);
};
const type = async (page, text) => {
  await page.locator('#search').fill(text);
  await page.locator('#found [role=option]').first().waitFor();
};

test('Torkham and طورخم fly to the same place', async () => {
  const seen = [];
  for (const name of ['Torkham', 'طورخم']) {
    const { page, bad, context } = await open(browser, `${server.url}/`);
    await type(page, name);
    const first = page.locator('#found [role=option]').first();
    assert.match(await first.textContent(), /Torkham/);
    assert.match(await first.textContent(), /Border crossing/);
    if (name !== 'Torkham') assert.match(await first.textContent(), /طورخم/);
    await first.click();
    await page.locator('.fm:not([hidden])').waitFor();
    seen.push(await view(page));
    assert.match(await page.locator('.found').textContent(), /Search result, no incident/);
    // The mark stands where the map's middle is.
    const m = await page.locator('.fm').boundingBox();
    const box = await page.locator('#map').boundingBox();
    assert.ok(Math.abs(m.x + m.width / 2 - box.x - box.width / 2) < 4, 'in the middle');
    assert.ok(Math.abs(m.y + m.height / 2 - box.y - box.height / 2) < 4, 'in the middle');
    clean(bad);
    await context.close();
  }
  assert.deepEqual(seen[0], seen[1]);
  const [lat, lon] = seen[0];
  assert.ok(Math.abs(lat - 34.12) < 0.05 && Math.abs(lon - 71.09) < 0.05, `${lat}, ${lon}`);
});

test('by keys alone: slash, arrows, Home, End, Enter, Escape', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
  await page.keyboard.type('Dir');
  await page.locator('#found [role=option]').nth(1).waitFor();
  const box = page.locator('#search');
  assert.equal(await box.getAttribute('aria-expanded'), 'true');
  assert.equal(await box.getAttribute('aria-activedescendant'), null);
  const n = await page.locator('#found [role=option]').count();
  assert.match(await page.locator('[data-search-status]').textContent(), /of this name/);
  // Enter decides nothing where there is a doubt.
  await page.keyboard.press('Enter');
  assert.equal(await box.getAttribute('aria-activedescendant'), 'found-0');
  assert.equal(await page.locator('.found').count(), 0);
  await page.keyboard.press('End');
  assert.equal(await box.getAttribute('aria-activedescendant'), `found-${n - 1}`);
  await page.keyboard.press('ArrowDown');
  assert.equal(await box.getAttribute('aria-activedescendant'), 'found-0');
  await page.keyboard.press('ArrowUp');
  assert.equal(await box.getAttribute('aria-activedescendant'), `found-${n - 1}`);
  await page.keyboard.press('Home');
  const chosen = page.locator('#found [aria-selected=true]');
  assert.equal(await chosen.count(), 1);
  const name = await chosen.locator('bdi').first().textContent();
  await page.keyboard.press('Enter');
  await page.locator('.found').waitFor();
  assert.equal(await page.locator('.found bdi').textContent(), name);
  assert.ok(await page.locator('path.fnd').count(), 'its outline is drawn');
  assert.ok(await page.locator('.fm').isHidden(), 'a district is no position');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'search', 'the focus stays');
  await page.keyboard.press('Escape');
  await page.locator('.found').waitFor({ state: 'detached' });
  assert.equal(await box.inputValue(), '');
  assert.equal(await page.locator('path.fnd').count(), 0);
  clean(bad);
  await context.close();
});

test('Enter before the answer takes the one that comes', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await page.locator('#search').focus();
  await page.keyboard.type('Torkham');
  await page.keyboard.press('Enter');
  await page.locator('.fm:not([hidden])').waitFor();
  clean(bad);
  await context.close();
});

test('what cannot be placed is said, and nothing moves', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?map=33.5,70.5,7`);
  await page.locator('#search').fill('Xyzzyqwrt');
  await page.locator('.res .rs').filter({ hasText: 'cannot be placed' }).waitFor();
  assert.match(await page.locator('[data-search-status]').textContent(), /“Xyzzyqwrt” cannot be placed/);
  // Only its words can be looked for, and Enter does not do so unasked.
  assert.equal(await page.locator('#found [role=option]').count(), 1);
  assert.match(await page.locator('#found [role=option]').textContent(), /Incidents with these words/);
  await page.keyboard.press('Enter');
  await settle(page);
  assert.equal(await page.locator('.found').count(), 0);
  const [lat, lon, zoom] = await view(page);
  assert.ok(Math.abs(lat - 33.5) < 0.01 && Math.abs(lon - 70.5) < 0.01 && zoom === 7, page.url());
  clean(bad);
  await context.close();
});

test('only the answer to what stands in the box is shown', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  // The first question is answered late.
  await page.route(/\/geocode\?q=Kurram/, async (route) => {
    await new Promise((ok) => setTimeout(ok, 1200));
    await route.continue().catch(() => {});
  });
  await page.locator('#search').fill('Kurram');
  await page.waitForTimeout(400);
  await type(page, 'Torkham');
  await page.waitForTimeout(1500);
  assert.match(await page.locator('#found [role=option]').first().textContent(), /Torkham/);
  clean(bad);
  await context.close();
});

test('a former unit is shown as its units of today, and its incidents are in none of them', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2009-05-01/2009-05-31&map=32.3,69.8,9`);
  const badge = page.locator('[data-badge="unit:pk-kp-south-waziristan"]');
  await badge.waitFor();
  assert.equal(await badge.getAttribute('aria-label'), '39 somewhere in South Waziristan (until 2022)');
  assert.match(await badge.textContent(), /39\s*somewhere in South Waziristan \(until 2022\)/);
  for (const id of ['pk-kp-lower-south-waziristan', 'pk-kp-upper-south-waziristan'])
    assert.equal(await page.locator(`[data-unit="${id}"]`).getAttribute('data-n'), '0');
  // It has no ring and no tip of its own: the badge gives the figures.
  await badge.hover();
  await page.locator('.tip', { hasText: '39 reported killed' }).waitFor();
  await badge.click();
  await page.locator('[data-fid]').first().waitFor();
  assert.match(await page.locator('.only').textContent(), /South Waziristan \(until 2022\)/);
  await page.locator('[data-fid]').first().click();
  await page.locator('[data-incident]').waitFor();
  assert.match(await page.locator('.facts').textContent(), /Today: .*South Waziristan/);
  assert.equal(await page.locator('.hlu').count(), 2, 'both are outlined');
  clean(bad);
  await context.close();
});

test('what is known to the tehsil is no point: the panel says so, the map draws the tehsil', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2009-05-01/2009-05-31&tab=list`);
  await page.route(/\/collections\/incidents\/items\/\d+$/, async (route) => {
    const r = await route.fetch();
    const f = await r.json();
    Object.assign(f.properties, {
      place_kind: 'subunit',
      place_units: [],
      subunit_id: 'pk-kp-khyber-landi-kotal',
      unit_id: 'pk-kp-khyber',
      district: 'Khyber',
      location_precision: 'tehsil',
      location_name: null,
      location_text: null,
    });
    await route.fulfill({ response: r, json: f });
  });
  await page.locator('[data-fid]').first().click();
  await page.locator('[data-incident]').waitFor();
  await page.locator('.facts').filter({ hasText: 'somewhere in the tehsil Landi Kotal' }).waitFor();
  await page.locator('path.hlu').waitFor();
  assert.equal(await page.locator('path.hlu').count(), 1);
  assert.equal(await page.locator('.leaflet-selected-pane svg').count(), 0, 'no symbol');
  clean(bad);
  await context.close();
});

test('names are credited at once, boundaries when it is known whose they are', async () => {
  let answer;
  const wait = new Promise((ok) => {
    answer = ok;
  });
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await page.route('**/datasets', async (route) => {
    await wait;
    await route.continue();
  });
  await page.reload();
  const by = page.locator('.att');
  await by.filter({ hasText: 'Places © GeoNames, CC BY 4.0' }).waitFor();
  assert.doesNotMatch(await by.textContent(), /geoBoundaries/);
  answer();
  await by.filter({ hasText: 'geoBoundaries' }).waitFor();
  await type(page, 'Torkham');
  assert.match(await by.textContent(), /Places © GeoNames, CC BY 4\.0/);
  assert.match(await page.locator('.res .by').textContent(), /Places © GeoNames, CC BY 4\.0/);
  clean(bad);
  await context.close();
});

for (const [name, options] of [
  ['desktop', {}],
  ['dark', { colorScheme: 'dark' }],
  ['phone', PHONE],
])
  test(`axe finds nothing with the list open: ${name}`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/`, options);
    if (options.isMobile) await page.locator('[data-search-button]').tap();
    await type(page, 'Dir');
    await page.keyboard.press('ArrowDown');
    const run = () => violations(page);
    assert.deepEqual(await run(), []);
    await page.keyboard.press('Enter');
    await page.locator('.found').waitFor();
    assert.deepEqual(await run(), []);
    clean(bad);
    await context.close();
  });

test('phone: the box opens over the bar, and what was found lies above the sheet', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`, PHONE);
  assert.ok(await page.locator('#search').isHidden());
  await page.locator('[data-search-button]').tap();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
  await type(page, 'طورخم');
  for (const o of await page.locator('#found [role=option]').all())
    assert.ok((await o.boundingBox()).height >= 44, 'large enough for a finger');
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, 'nothing sticks out');
  await page.locator('#found [role=option]').first().tap();
  const mark = page.locator('.fm:not([hidden])');
  await mark.waitFor();
  assert.ok(await page.locator('#search').isHidden(), 'the bar is back');
  await settle(page);
  const m = await mark.boundingBox();
  const sheet = await page.locator('#panel').boundingBox();
  assert.ok(m.y > 48 && m.y + m.height < sheet.y, `${m.y} above ${sheet.y}`);
  await page.locator('.found button').tap();
  await page.locator('.fm').waitFor({ state: 'hidden' });
  clean(bad);
  await context.close();
});
