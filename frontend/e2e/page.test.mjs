import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clean, getJson, HOSTILE, PHONE, violations } from './checks.mjs';
import { browse, count, number, open, ready, sarhad, serve, settle } from './server.mjs';

let server;
let browser;

before(async () => {
  server = await serve();
  // Incidents beside the demo: some to filter, and one whose every word is hostile.
  const rows = ['id,event_date,latitude,longitude,event_type,actor1,fatalities,location,notes'];
  for (let i = 0; i < 40; i++)
    rows.push(
      `t${i},2025-${i % 2 ? '09' : '10'}-${String(1 + (i % 28)).padStart(2, '0')},${(33.5 + (i % 7) * 0.05).toFixed(3)},${(70.1 + (i % 5) * 0.05).toFixed(3)},${['Battles', 'Protests', 'Riots'][i % 3]},Actor ${i},${i % 6},Place ${i},Words ${i}`,
    );
  const h = `"${HOSTILE.replace(/"/g, '""')}"`;
  rows.push(`${h},2025-10-30,33.7,70.2,${h},${h},3,${h},${h}`);
  const file = join(server.dir, 'more.csv');
  writeFileSync(file, rows.join('\n'));
  await sarhad('import', '--store', server.store, '--quiet', file);
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const get = (path) => getJson(server.url + path);

/** agree waits until the page shows what the server counts for the same filters, and fails with what differs. */
async function agree(page, query) {
  for (const end = Date.now() + 10_000; ; await page.waitForTimeout(100)) {
    try {
      return await compare(page, query);
    } catch (e) {
      if (Date.now() > end) throw e;
    }
  }
}

/** compare holds counts, shading and list against what the server counts for the same filters. */
async function compare(page, query) {
  const agg = await get(`/aggregates?by=unit&${query}`);
  const items = await get(`/collections/incidents/items?limit=1&${query}`);
  const best = agg.rows.reduce((s, r) => s + (r.fatalities_best ?? 0), 0);
  assert.equal(await count(page, 'incidents'), items.numberMatched, `incidents for ${query}`);
  assert.equal(await count(page, 'list'), items.numberMatched, `list for ${query}`);
  const shown = await page.locator('[data-count="best"]').textContent();
  if (agg.rows.every((r) => r.fatalities_best === null))
    assert.ok(shown === '–' || agg.rows.length === 0, `best ${shown}`);
  else assert.equal(number(shown), best, `killed for ${query}`);
  const want = Object.fromEntries(agg.rows.filter((r) => r.unit).map((r) => [r.unit, r.count]));
  const have = await page.$$eval('[data-unit]', (els) =>
    Object.fromEntries(els.filter((e) => e.dataset.n !== '0').map((e) => [e.dataset.unit, Number(e.dataset.n)])),
  );
  assert.deepEqual(have, want, `units for ${query}`);
}

test('the whole range, with no request to another host', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  const all = await get('/collections/incidents/items?limit=1');
  assert.equal(await count(page, 'incidents'), all.numberMatched);
  assert.ok(await page.evaluate(() => performance.getEntriesByName('sarhad:data').length === 1));
  await agree(page, '');
  assert.match(await page.locator('.att').textContent(), /do not imply endorsement/);
  clean(bad);
  await context.close();
});

test('the brush, dragged and keyed to October 2025, says what the aggregates say', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?bars=month`);
  // Where October lies: the page's axis is linear, its ends are in the sliders.
  const box = await page.locator('.tb0').boundingBox();
  const [a, z] = await page
    .locator('[data-handle=start]:not([data-other])')
    .evaluate((e) => [Number(e.getAttribute('aria-valuemin')), Number(e.getAttribute('aria-valuemax'))]);
  const x = (iso) => box.x + 16 + ((Date.parse(iso) / 864e5 - a) / (z + 1 - a)) * (box.width - 32);
  const y = box.y + 95;
  await page.mouse.move(x('2025-10-01'), y);
  await page.mouse.down();
  for (let k = 1; k <= 12; k++)
    await page.mouse.move(x('2025-10-01') + ((x('2025-11-01') - x('2025-10-01')) * k) / 12, y);
  await page.mouse.up();
  await settle(page);
  assert.equal(await page.locator('[data-date=from]').inputValue(), '1 Oct 2025');
  assert.equal(await page.locator('[data-date=to]').inputValue(), '31 Oct 2025');
  await agree(page, 'datetime=2025-10-01/2025-10-31');
  await page.waitForURL(/datetime=2025-10-01\/2025-10-31/, { timeout: 5000 });
  const dragged = page.url();
  assert.match(dragged, /datetime=2025-10-01\/2025-10-31/);

  // The link, opened in a new browser, shows the same.
  const other = await browse();
  const second = await open(other, dragged);
  await agree(second.page, 'datetime=2025-10-01/2025-10-31');
  clean(second.bad);
  await other.close();

  // By keys: one month back with the window, then its end one month on.
  await page.locator('[data-handle=window]:not([data-other])').focus();
  await page.keyboard.press('ArrowLeft');
  await settle(page);
  await agree(page, 'datetime=2025-09-01/2025-09-30');
  await page.locator('[data-handle=end]:not([data-other])').focus();
  await page.keyboard.press('ArrowRight');
  await settle(page);
  assert.equal(await page.locator('[data-handle=end]:not([data-other])').getAttribute('aria-valuetext'), '31 Oct 2025');
  await agree(page, 'datetime=2025-09-01/2025-10-31');
  // By dates typed in.
  await page.locator('[data-date=from]').fill('2025-10-12');
  await page.locator('[data-date=from]').press('Enter');
  await settle(page);
  await agree(page, 'datetime=2025-10-12/2025-10-31');
  clean(bad);
  await context.close();
});

test('month by month, each window agrees', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?bars=month&datetime=2025-08-01/2025-08-31`);
  for (const month of ['2025-09-01/2025-09-30', '2025-10-01/2025-10-31', '2025-11-01/2025-11-30']) {
    await page.getByRole('button', { name: 'Step forward' }).click();
    await settle(page);
    await agree(page, `datetime=${month}`);
  }
  clean(bad);
  await context.close();
});

test('play moves the window and stops at the end', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?bars=month&datetime=2025-09-01/2025-09-30&speed=16`,
  );
  await page.locator('[data-play]').click();
  // The label alone would not do: it reads Play until the first frame after the click, too.
  await page.waitForFunction(
    () =>
      document.querySelector('[data-date=to]').value === '31 Dec 2025' &&
      document.querySelector('[data-play]').getAttribute('aria-label') === 'Play',
    null,
    { timeout: 15000 },
  );
  clean(bad);
  await context.close();
});

test('filters, alone and together, agree and go into the link', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2025-09-01/2025-10-31`);
  await page.locator('[data-key="type-0"]').check();
  await settle(page);
  await agree(page, 'datetime=2025-09-01/2025-10-31&event_type=Battles');
  const kurram = page.locator('[data-key="unit-pk-kp-kurram"]');
  await kurram.check();
  await settle(page);
  await agree(page, 'datetime=2025-09-01/2025-10-31&event_type=Battles&unit=pk-kp-kurram');
  await page.locator('#min').fill('2');
  await page.locator('#min').press('Enter');
  await settle(page);
  await agree(page, 'datetime=2025-09-01/2025-10-31&event_type=Battles&unit=pk-kp-kurram&min_fatalities=2');
  const link = page.url();
  const second = await open(browser, link);
  await agree(second.page, 'datetime=2025-09-01/2025-10-31&event_type=Battles&unit=pk-kp-kurram&min_fatalities=2');
  await second.context.close();
  await page.getByRole('button', { name: 'Clear all filters' }).first().click();
  await settle(page);
  await agree(page, 'datetime=2025-09-01/2025-10-31');
  clean(bad);
  await context.close();
});

test('every value of a facet agrees with the server', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2025-10-01/2025-10-31`);
  const agg = await get('/aggregates?by=event_type&datetime=2025-10-01/2025-10-31');
  const names = [
    'Battles',
    'Explosions/Remote violence',
    'Violence against civilians',
    'Protests',
    'Riots',
    'Strategic developments',
    null,
  ];
  for (const [k, name] of names.entries()) {
    const row = page.locator('label', { has: page.locator(`[data-key="type-${k}"]`) });
    const want = agg.rows.find((r) => r.event_type === name)?.count ?? 0;
    assert.equal(number(await row.locator('.n').textContent()), want, String(name));
  }
  clean(bad);
  await context.close();
});

test('the list holds what is counted, newest first, and opens an incident', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2025-10-01/2025-10-31&tab=list`, {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const n = await count(page, 'incidents');
  assert.equal(Number(await page.locator('.rows li[aria-setsize]').first().getAttribute('aria-setsize')), n);
  // A page of texts has come.
  await page.waitForFunction(() => document.querySelector('.row .s') && !document.querySelector('.row .s.wait'), null, {
    timeout: 5000,
  });
  const items = await get('/collections/incidents/items?limit=200&datetime=2025-10-01/2025-10-31&sortby=-start_date');
  const fids = new Set(items.features.map((f) => String(f.properties.fid)));
  const shown = await page.$$eval('[data-fid]', (els) => els.map((e) => e.dataset.fid));
  assert.ok(shown.length > 5 && shown.every((f) => fids.has(f)));
  await page.locator('[data-fid]').first().click();
  await page.locator('[data-incident]').waitFor();
  await settle(page);
  assert.match(page.url(), /incident=/);
  // Its buttons: the same incident as GeoJSON, and a link that opens it again.
  const id = new URL(page.url()).searchParams.get('incident');
  const feature = await (await fetch(await page.locator('.acts a.btn').evaluate((a) => a.href))).json();
  assert.equal(feature.type, 'Feature');
  assert.equal(String(feature.id), id);
  await page.locator('.acts .btn.pri').click();
  await page.waitForSelector('#toast.on');
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const again = await open(browser, link);
  await again.page.locator(`[data-incident]`).waitFor();
  assert.equal(await again.page.locator('.d-h').textContent(), await page.locator('.d-h').textContent());
  await again.context.close();
  clean(bad);
  await context.close();
});

test('the disputed incident shows both claims, added up nowhere', async () => {
  const all = await get('/collections/incidents/items?limit=1000&datetime=2025-10-11/2025-10-12');
  const f = all.features.find((x) => new Set((x.properties.claims ?? []).map((c) => c.claimant)).size > 1);
  assert.ok(f, 'the demo has an incident with claims of two sides');
  const { page, bad, context } = await open(browser, `${server.url}/?incident=${f.id}`);
  await page.locator('table.cl').waitFor();
  const heads = await page.locator('table.cl th').allInnerTexts();
  for (const name of new Set(f.properties.claims.map((c) => c.claimant)))
    assert.ok(
      heads.some((h) => h.includes(name)),
      name,
    );
  const text = await page.locator('[data-incident]').textContent();
  for (const c of f.properties.claims) {
    const v = c.best ?? c.low ?? c.high;
    if (v !== null) assert.ok(text.includes(String(v)), `${v} is shown`);
  }
  assert.match(text, /Figures stand as each side gave them/);
  assert.match(text, /Disputed/);
  assert.match(text, /Sample/);
  clean(bad);
  await context.close();
});

test('hostile text is shown as text', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2025-10-30&tab=list&map=33.7,70.2,10`);
  await page.waitForFunction(() => document.querySelector('.row .s') && !document.querySelector('.row .s.wait'), null, {
    timeout: 5000,
  });
  const rows = page.locator('[data-fid]');
  const n = await rows.count();
  let found = false;
  for (let k = 0; k < n && !found; k++) {
    await rows.nth(k).click();
    await page.locator('[data-incident]').waitFor();
    found = (await page.locator('[data-incident]').textContent()).includes('<img src=x');
    if (!found) await page.locator('[data-back]').click();
  }
  assert.ok(found, 'the hostile words are on the page as words');
  await page.mouse.move(800, 300);
  assert.equal(await page.evaluate(() => window.__pwned), undefined);
  assert.equal(await page.locator('img').count(), 0);
  clean(bad);
  await context.close();
});

test('a link that cannot be met: the part is named, the rest is shown', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?event_type=Batles&unit=pk-kp-nowhere&datetime=2025-10-01/2025-10-31`,
  );
  const text = await page.locator('[data-problems]').textContent();
  assert.match(text, /event_type=Batles/);
  assert.match(text, /unit=pk-kp-nowhere/);
  assert.match(text, /Battles/);
  await agree(page, 'datetime=2025-10-01/2025-10-31');
  clean(bad);
  await context.close();
});

test('nothing loaded is not zero', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?datetime=2023-01-01/2023-03-31&dataset=demo&tab=list`,
  );
  assert.ok((await page.locator('[data-unit][data-class=none]').count()) > 80);
  clean(bad);
  await context.close();
});

test('keyboard: tabs, list, detail and back', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2025-10-01/2025-10-31`);
  await page.locator('#tab-filters').focus();
  await page.keyboard.press('ArrowRight');
  await page.locator('[data-fid]').first().waitFor();
  await page.locator('[data-fid]').first().focus();
  await page.keyboard.press('ArrowDown');
  await settle(page);
  const fid = await page.evaluate(() => document.activeElement?.dataset.fid);
  assert.ok(fid);
  await page.keyboard.press('Enter');
  await page.locator('[data-incident]').waitFor();
  await page.locator('[data-back]').focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction((f) => document.activeElement?.dataset.fid === f, fid, { timeout: 5000 });
  clean(bad);
  await context.close();
});

test('an incident takes the focus; Escape and Back return to the list', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2025-10-01/2025-10-31&tab=list`);
  const row = page.locator('[data-fid]').nth(1);
  const fid = await row.getAttribute('data-fid');
  await row.click();
  await page.waitForFunction(() => document.activeElement?.classList.contains('d-h'));
  await page.keyboard.press('Escape');
  await page.waitForFunction((f) => document.activeElement?.dataset.fid === f, fid, { timeout: 5000 });
  await settle(page);
  assert.doesNotMatch(page.url(), /incident=/);
  await page.locator(`[data-fid="${fid}"]`).click();
  await page.locator('[data-incident]').waitFor();
  await settle(page);
  assert.match(page.url(), /incident=/);
  await page.goBack();
  await page.locator('[data-fid]').first().waitFor();
  await settle(page);
  assert.match(page.url(), /tab=list/);
  assert.doesNotMatch(page.url(), /incident=/);
  assert.equal(await page.locator('[data-incident]').count(), 0);
  await page.goForward();
  await page.locator('[data-incident]').waitFor();
  clean(bad);
  await context.close();
});

test('many wrong parts of a link are counted, an unknown place is named', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?unit=a,b,c,d&dataset=none-such&only=unit:pk-nowhere&tab=list`,
  );
  assert.match(await page.locator('[data-more-problems]').textContent(), /and 2 more/);
  clean(bad);
  await context.close();
});

test('badges of districts lie inside their district', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?map=33.7,70.2,8.2`);
  const out = await page.evaluate(() => {
    const bad = [];
    for (const b of document.querySelectorAll('[data-badge^="unit:"]')) {
      const r = b.getBoundingClientRect();
      const map = document.getElementById('map').getBoundingClientRect();
      if (r.left < map.left || r.right > map.right || r.top < map.top || r.bottom > map.bottom) continue;
      const path = document.querySelector(`[data-unit="${b.dataset.badge.slice(5)}"]`);
      const m = path.getScreenCTM().inverse();
      for (const [x, y] of [
        [r.left, r.top],
        [r.right, r.top],
        [r.left, r.bottom],
        [r.right, r.bottom],
      ])
        if (!path.isPointInFill(new DOMPoint(x, y).matrixTransform(m))) bad.push(b.dataset.badge);
    }
    return bad;
  });
  assert.deepEqual(out, []);
  clean(bad);
  await context.close();
});

test('new incidents appear by themselves', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  const before = await count(page, 'incidents');
  const file = join(server.dir, 'later.csv');
  writeFileSync(file, 'id,event_date,latitude,longitude,fatalities\nz1,2025-10-05,33.6,70.1,1\n');
  await sarhad('import', '--store', server.store, '--quiet', file);
  await page.waitForFunction(
    (n) => Number(document.querySelector('[data-count=incidents]').textContent.replace(/\D/g, '')) === n + 1,
    before,
    { timeout: 15000 },
  );
  clean(bad);
  await context.close();
});

for (const [name, options, query] of [
  ['light', {}, ''],
  ['dark', { colorScheme: 'dark' }, 'tab=list'],
  ['detail', {}, 'datetime=2025-10-12&tab=list'],
  ['close', {}, 'map=33.7,70.2,9.5&tab=list'],
  ['phone', PHONE, ''],
])
  test(`axe finds nothing: ${name}`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/?${query}`, options);
    if (name === 'detail') {
      await page.locator('[data-fid]').first().click();
      await page.locator('[data-incident]').waitFor();
    }
    assert.deepEqual(await violations(page), []);
    clean(bad);
    await context.close();
  });

test('phone: the brush is the head of the sheet', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`, PHONE);
  const strip = await page.locator('.tb0').boundingBox();
  const sheet = await page.locator('#panel').boundingBox();
  assert.ok(strip.y >= sheet.y && strip.y + strip.height <= 844);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `nothing sticks out: ${wide}`);
  await page.locator('.tt button[aria-label="Step forward"]').tap();
  await page.locator('#tab-list').tap();
  await page.locator('[data-fid]').first().waitFor();
  clean(bad);
  await context.close();
  void ready;
});
