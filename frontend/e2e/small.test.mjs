// Little room: narrow frames, a page at 200 % and 400 %, fingers; and what lies in the window without any loaded day.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clean, eventually, getJson, PHONE } from './checks.mjs';
import { browse, count, open, ready, sarhad, serve } from './server.mjs';

let server;
let browser;
before(async () => {
  server = await serve();
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a narrow frame says how many filters are on, and which', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?embed=1&event_type=Battles&min_fatalities=1&precision=district`,
    { viewport: { width: 400, height: 400 } },
  );
  const filters = page.locator('.top summary');
  assert.equal(await filters.textContent(), '3 filters on');
  assert.ok((await filters.boundingBox()).height >= 24);
  await filters.focus();
  await page.keyboard.press('Enter');
  assert.deepEqual(await page.locator('.top li:visible').allTextContents(), [
    'Battles',
    'Only the district',
    '1 or more killed',
  ]);
  clean(bad);
  await context.close();
});

for (const [width, height, least] of [
  [683, 384, 0.6],
  [320, 256, 0.4],
])
  for (const lang of ['en', 'ur'])
    test(`${width} × ${height}, ${lang}: most of the map is seen, and the rest is reached by keys`, async () => {
      const { page, bad, context } = await open(browser, `${server.url}/?lang=${lang}`, {
        viewport: { width, height },
      });
      const seen = await page.evaluate(() => {
        let map = 0;
        let all = 0;
        for (let y = 50; y < innerHeight; y += 8)
          for (let x = 4; x < innerWidth; x += 8) {
            all++;
            if (document.elementFromPoint(x, y)?.closest('#map')) map++;
          }
        return map / all;
      });
      assert.ok(seen >= least, `${(seen * 100).toFixed(0)} % is map`);
      // The legend and the sheet open by keys.
      await page.locator('.mc [aria-expanded]').focus();
      await page.keyboard.press('Enter');
      assert.ok(await page.locator('.lgp .lg').isVisible());
      await page.keyboard.press('Enter');
      await page.locator('.grab').focus();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      await eventually(async () => assert.ok((await page.locator('#panel').boundingBox()).height > height / 2));
      await page.locator('#tab-list').focus();
      await page.keyboard.press('Enter');
      assert.ok(await page.locator('#tab-list').isVisible());
      clean(bad);
      await context.close();
    });

test('a finger beside a badge means the badge', async () => {
  const { page, bad, context } = await open(browser, server.url, PHONE);
  const found = await page.evaluate(() => {
    const boxes = [...document.querySelectorAll('[data-badge]')].map((e) => ({
      key: e.dataset.badge,
      r: e.getBoundingClientRect(),
    }));
    for (const { key, r } of boxes)
      for (const dy of [-17, 17]) {
        const x = (r.left + r.right) / 2;
        const y = (r.top + r.bottom) / 2 + dy;
        const at = document.elementFromPoint(x, y);
        const near = boxes.filter((o) => Math.abs((o.r.top + o.r.bottom) / 2 - y) < 40 && o.key !== key);
        if (at?.closest('#map') && !at.closest('[data-badge]') && !near.length) return { key, x, y };
      }
    return null;
  });
  assert.ok(found, 'a badge with room beside it');
  await page.touchscreen.tap(found.x, found.y);
  await eventually(async () => assert.equal(new URL(page.url()).searchParams.get('only'), found.key));
  clean(bad);
  await context.close();
});

test('a finger finds a band of the time strip within 44 px where no other is near', async () => {
  const { page, bad, context } = await open(browser, server.url, PHONE);
  const bands = await page.$$eval('.band', (els) =>
    els.map((e) => {
      const r = e.getBoundingClientRect();
      return { w: r.width, h: r.height };
    }),
  );
  assert.ok(bands.length > 2);
  assert.ok(bands.filter((b) => b.w >= 40).length > 2, JSON.stringify(bands));
  for (const b of bands) assert.ok(b.h >= 24, JSON.stringify(b));
  clean(bad);
  await context.close();
});

test('days without loaded data inside the window are named', async () => {
  // The demo is loaded for days in October, this one for a day in 2024.
  const file = join(server.dir, 'before.csv');
  writeFileSync(
    file,
    'id,event_date,country,admin1,admin2,event_type\n1,2024-05-05,Pakistan,Khyber Pakhtunkhwa,Kurram,Battles\n',
  );
  await sarhad('import', '--store', server.store, '--quiet', file);
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2024-01-01/2025-12-31`);
  await page.getByText('Some days in between have nothing loaded.').first().waitFor();
  await page.goto(`${server.url}/?show=table&datetime=2024-01-01/2025-12-31`);
  await eventually(async () =>
    assert.match(
      await page.locator('[data-place=pk-kp-kurram] th').textContent(),
      /loaded to \d+ Oct 2025, days in between not loaded/,
    ),
  );
  clean(bad);
  await context.close();
});

test('a data set with a comma in its name, one without a row, and days beyond the data', async () => {
  const rows = 'id,event_date,country,admin1,admin2,event_type\n';
  const file = join(server.dir, 'comma.csv');
  writeFileSync(file, `${rows}1,2025-10-05,Pakistan,Khyber Pakhtunkhwa,Swat,Riots\n`);
  await sarhad('import', '--store', server.store, '--quiet', '--dataset', 'Lists, 2025', file);
  writeFileSync(file, `${rows}1,no day,Pakistan,Khyber Pakhtunkhwa,Swat,Riots\n`);
  await sarhad('import', '--store', server.store, '--quiet', '--dataset', 'all-refused', file);
  const { page, bad, context } = await open(browser, server.url);
  await page
    .locator('[data-key^="dataset-Lists"]')
    .or(page.getByRole('button', { name: /^Data set/ }))
    .first()
    .waitFor();
  if (!(await page.locator('[data-key^="dataset-Lists"]').count()))
    await page
      .getByRole('button', { name: /^Data set/ })
      .first()
      .click();
  assert.equal(await page.locator('[data-key="dataset-all-refused"]').count(), 0);
  await page.locator('[data-key="dataset-Lists, 2025"]').check();
  await eventually(async () => assert.match(page.url(), /dataset=Lists/));
  assert.equal(await count(page, 'incidents'), 1);
  // Whose data are shown: no others.
  const said = await page.locator('.att').textContent();
  assert.match(said, /Lists, 2025/);
  assert.doesNotMatch(said, /Demo/);
  const { search } = new URL(page.url());
  const api = await getJson(
    `${server.url}/aggregates?by=dataset&${new URLSearchParams([['dataset', new URLSearchParams(search).get('dataset')]])}`,
  );
  assert.deepEqual(
    api.rows.map((r) => [r.dataset, r.count]),
    [['Lists, 2025', 1]],
  );
  await page.goto(`${server.url}/${search}`);
  await ready(page);
  assert.equal(await count(page, 'incidents'), 1);
  assert.equal(await page.locator('[data-problems]').count(), 0);
  clean(bad);
  // An open window that begins after the last day.
  await page.goto(`${server.url}/?datetime=2099-01-01/..`);
  await page.locator('[data-problems]').waitFor();
  assert.match(await page.locator('[data-problems]').textContent(), /datetime=2099-01-01\/\.\. is not known here/);
  assert.ok((await count(page, 'incidents')) > 1);
  await context.close();
});

test('without JavaScript the list is that of the link', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${server.url}/?event_type=Battles&datetime=2025-10-01/2025-10-31&map=33,70,7&lang=ur`);
  const { features } = await getJson(
    `${server.url}/collections/incidents/items?event_type=Battles&datetime=2025-10-01/2025-10-31`,
  );
  const list = page.frameLocator('.plain iframe');
  assert.equal(await list.locator('tbody tr').count(), features.length);
  assert.match(await page.locator('.plain').textContent(), /The incidents of this link, newest first/);
  await page.goto(`${server.url}/?unit=pk-kp-kurram&country=AF`);
  assert.ok((await list.locator('tbody tr').count()) > 1);
  await context.close();
});

test('a token that may read shows what is closed, and says what it may', async () => {
  const closed = await serve('--closed', 'incidents', '--write-token', 'w'.repeat(20));
  const token = (await sarhad('token', 'create', '--store', closed.store, '--scope', 'read')).trim();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(closed.url);
  await page.locator('[data-load]').click();
  await page.locator('#load-token').fill(token);
  await page.keyboard.press('Enter');
  await page.locator('[data-load-read]').waitFor();
  assert.match(await page.locator('[data-load-read]').textContent(), /may read/);
  await page.locator('[data-load]').click();
  await eventually(async () => assert.equal(await count(page, 'incidents'), 20));
  await page.reload();
  await eventually(async () => assert.equal(await count(page, 'incidents'), 20));
  await context.close();
  await closed.stop();
});
