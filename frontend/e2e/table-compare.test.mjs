import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clean, eventually, getJson, PHONE, violations } from './checks.mjs';
import { browse, count, number, open, sarhad, serve, settle } from './server.mjs';

const DAY = 864e5;
const OCTOBER = 'datetime=2025-10-01/2025-10-31';

let server;
let browser;

before(async () => {
  server = await serve();
  // Beside the demo: months with many incidents, some without a figure, some known by province or not at all.
  const rows = ['id,event_date,country,admin1,admin2,latitude,longitude,event_type,fatalities,notes'];
  const units = ['Kurram', 'Bajaur', 'Khyber', 'Swat'];
  for (let i = 0; i < 460; i++) {
    const day = new Date(Date.UTC(2025, 5, 1) + ((i * 7) % 120) * DAY).toISOString().slice(0, 10);
    const type = ['Battles', 'Protests', 'Riots'][i % 3];
    const killed = i % 4 === 0 ? '' : i % 9;
    const where =
      i % 23 === 0
        ? 'Pakistan,Khyber Pakhtunkhwa,,,'
        : i % 29 === 0
          ? ',,,,'
          : `Pakistan,Khyber Pakhtunkhwa,${units[i % 4]},,`;
    rows.push(`t${i},${day},${where},${type},${killed},Words of ${i}`);
  }
  // A few that give low and high, or only one of them.
  const bounds = [
    ['1', '5', '3'],
    ['4', '', ''],
    ['', '9', ''],
    ['0', '0', '0'],
  ];
  const more = ['id,event_date,country,admin1,admin2,event_type,low,high,best'];
  bounds.forEach((b, i) => {
    more.push(`b${i},2025-10-0${i + 1},Pakistan,Khyber Pakhtunkhwa,Kurram,Battles,${b.join(',')}`);
  });
  const few = join(server.dir, 'few.csv');
  writeFileSync(few, more.join('\n'));
  await sarhad('import', '--store', server.store, '--quiet', few);
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
const value = (text) => (/\d/.test(text) ? number(text.replace(/\(.*/, '')) : null);
/** of is how many incidents a sum is said to be of; null where it is of all. */
const of = (text) => (/\(([\d,]+) of/.test(text) ? number(/\(([\d,]+) of/.exec(text)[1]) : null);

/** table reads the rows of places: figures, or null where there is none. */
async function table(page) {
  const rows = await page.$$eval('#table [data-place]', (trs) =>
    trs.map((tr) => ({
      place: tr.dataset.place,
      text: tr.textContent,
      cells: [...tr.querySelectorAll('td.n')].map((td) => td.textContent.trim()),
    })),
  );
  return Object.fromEntries(
    rows.map((r) => {
      const [n, rate, low, best, high, silent] = r.cells;
      return [
        r.place,
        r.cells.length
          ? {
              n: value(n),
              rate,
              low: value(low),
              best: value(best),
              high: value(high),
              silent: value(silent),
              of: { low: of(low), best: of(best), high: of(high) },
              text: r.text,
            }
          : { n: null, text: r.text },
      ];
    }),
  );
}

/** agree holds the table against /aggregates and against the incidents themselves. */
async function agree(page, query) {
  const agg = await get(`/aggregates?by=unit&${query}`);
  const { features } = await get(`/collections/incidents/items?limit=10000&${query}`);
  const all = features.map((f) => f.properties);
  await eventually(async () => {
    const t = await table(page);
    const total = t.total;
    delete t.total;
    assert.equal(total.n, all.length, `total for ${query}`);
    assert.equal(await count(page, 'incidents'), all.length);
    assert.equal(
      Object.values(t).reduce((s, r) => s + (r.n ?? 0), 0),
      total.n,
      'rows add up to the total',
    );
    const inUnits = agg.rows.filter((r) => r.unit);
    for (const r of inUnits) {
      const row = t[r.unit];
      assert.equal(row?.n, r.count, `${r.unit} for ${query}`);
      assert.equal(row.best, r.fatalities_best, `killed in ${r.unit} for ${query}`);
      const here = all.filter((p) => p.unit_id === r.unit);
      const silent = here.filter(
        (p) => p.fatalities_best === null && p.fatalities_low === null && p.fatalities_high === null,
      );
      assert.equal(row.silent, silent.length, `not reported in ${r.unit}`);
      // Nothing stands in for what is missing: the sums are those of the aggregates, and say of how many they are.
      for (const k of ['low', 'best', 'high']) {
        const given = here.filter((p) => p[`fatalities_${k}`] !== null).length;
        assert.equal(row[k], r[`fatalities_${k}`], `${k} in ${r.unit}`);
        assert.equal(row.of[k], given && given < r.count ? given : null, `${k} in ${r.unit} is of how many`);
      }
    }
    for (const k of ['low', 'best', 'high']) {
      const known = all.map((p) => p[`fatalities_${k}`]).filter((v) => v !== null);
      assert.equal(total[k], known.length ? known.reduce((a, b) => a + b, 0) : null, `${k} in all`);
      assert.equal(total.of[k], known.length && known.length < all.length ? known.length : null);
    }
    const both = all.filter((p) => p.fatalities_low !== null && p.fatalities_high !== null);
    const sum = (k) => both.reduce((s, p) => s + p[k], 0);
    const range = both.length ? [sum('fatalities_low'), sum('fatalities_high')].map(String).join('–') : '–';
    assert.equal((await page.locator('[data-count="low-high"]').textContent()).replace(/[,+]/g, ''), range);
    const gaps = (await page.locator('[data-gap]').allTextContents()).join();
    if (both.length && both.length < all.length)
      assert.match(gaps, new RegExp(`low–high: given by ${both.length} of ${all.length} incidents`));
    // Every other unit has none, and says so or that nothing is loaded.
    const known = new Set(inUnits.map((r) => r.unit));
    for (const [id, row] of Object.entries(t))
      if (/^(pk|af)-/.test(id) && !known.has(id)) assert.ok(!row.n, `${id} has ${row.n} for ${query}`);
    const rest = Object.entries(t).filter(([id]) => !/^(pk|af)-/.test(id));
    assert.equal(
      rest.reduce((s, [, r]) => s + r.n, 0),
      agg.rows.find((r) => r.unit === null)?.count ?? 0,
      'what is in no unit',
    );
  });
}

test('the table says what the aggregates say, for windows and filters', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?show=table&${OCTOBER}`);
  await page.locator('#table table').waitFor();
  await agree(page, OCTOBER);
  assert.equal(await page.locator('#map').isVisible(), false);
  assert.ok(await page.locator('.att').isVisible());
  // The brush: a month back, by key.
  await page.locator('[data-bars=month]').first().click();
  await page.locator('[data-handle=window]').first().focus();
  await page.keyboard.press('ArrowLeft');
  await agree(page, 'datetime=2025-09-01/2025-09-30');
  // A filter in the panel.
  await page.locator('[data-key="type-0"]').check();
  await agree(page, 'datetime=2025-09-01/2025-09-30&event_type=Battles');
  clean(bad);
  await context.close();
  for (const q of [
    'datetime=2025-06-01/2025-09-30&min_fatalities=3',
    'datetime=2025-07-01/2025-11-30&province=Khyber+Pakhtunkhwa',
    'datetime=2025-06-15/2025-06-15',
    'datetime=2025-06-01/2025-11-30&unit=pk-kp-kurram,pk-kp-swat&event_type=Riots,Protests',
    'datetime=2025-06-01/2025-11-30&precision=province,none',
  ]) {
    const { page, bad, context } = await open(browser, `${server.url}/?show=table&${q}`);
    await page.locator('#table table').waitFor();
    await agree(page, q);
    clean(bad);
    await context.close();
  }
});

test('rows follow the brush in the frame of the counts', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?show=table&bars=week&datetime=2025-07-07/2025-07-13`,
  );
  await page.locator('#table tfoot').waitFor();
  const differ = await page.evaluate(async () => {
    const handle = document.querySelector('[data-handle=end]');
    const out = [];
    for (let k = 0; k < 12; k++) {
      handle.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
      await new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok)));
      const head = document.querySelector('[data-count=incidents]').textContent;
      const foot = document.querySelector('#table tfoot td').textContent;
      if (head !== foot) out.push(`${head} ${foot}`);
    }
    return out;
  });
  assert.deepEqual(differ, []);
  clean(bad);
  await context.close();
});

test('a unit without data says so, and is never 0', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?show=table&datetime=2023-01-01/2023-01-31`);
  await page.locator('#table tfoot').waitFor();
  const t = await table(page);
  delete t.total;
  assert.ok(Object.keys(t).length > 60);
  for (const [id, r] of Object.entries(t)) if (/^(pk|af)-/.test(id)) assert.match(r.text, /nothing loaded$/, id);
  clean(bad);
  await context.close();
});

test('sorting, by keys alone, is said in the head and kept in the link', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2025-06-01/2025-10-31`);
  const skip = page.locator('.skip', { hasText: 'table' });
  await skip.focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.closest('#table'));
  const column = (k) =>
    page.$$eval(
      '#table tbody:not(.rest) tr',
      (trs, k) =>
        trs
          .filter((tr) => tr.querySelectorAll('td.n').length)
          .map((tr) => tr.querySelectorAll('th, td')[k].textContent.trim()),
      k,
    );
  const falls = (list) => list.map((v) => value(v) ?? -1).every((v, i, a) => i === 0 || v <= a[i - 1]);
  assert.ok(falls(await column(2)));
  // On to the first button of the head, which sorts by name.
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.sort), 'name');
  await page.keyboard.press('Enter');
  const sorted = (name) => page.locator(`#table th:has([data-sort=${name}])`).getAttribute('aria-sort');
  await eventually(async () => assert.equal(await sorted('name'), 'ascending'));
  assert.equal(await sorted('count'), 'none');
  const names = await page.$$eval('#table tbody:not(.rest) th[scope=row] bdi', (els) => els.map((e) => e.textContent));
  assert.deepEqual(names, [...names].sort(new Intl.Collator('en').compare));
  await page.keyboard.press('Enter');
  await eventually(async () => assert.equal(await sorted('name'), 'descending'));
  await page.locator('[data-sort=best]').focus();
  await page.keyboard.press('Space');
  await eventually(async () => assert.equal(await sorted('best'), 'descending'));
  assert.ok(falls(await column(5)));
  await page.waitForURL(/sort=-best/);
  const link = page.url();
  assert.match(link, /show=table/);
  const second = await open(browser, link);
  await eventually(async () => assert.deepEqual(await table(second.page), await table(page)));
  await second.context.close();
  clean(bad);
  await context.close();
});

test('incidents have rows of their own, in pages, each with a link to its detail', async () => {
  const q = 'datetime=2025-06-01/2025-09-28';
  const { page, bad, context } = await open(browser, `${server.url}/?show=table&${q}`);
  await page.locator('[data-rows=incidents]').click();
  const n = await count(page, 'incidents');
  assert.ok(n > 200);
  const t = page.locator('#table table');
  await eventually(async () => assert.equal(await t.getAttribute('aria-rowcount'), String(n + 1)));
  assert.equal(await page.locator('#table tbody tr').count(), 100);
  assert.equal(await page.locator('#table tbody tr').first().getAttribute('aria-rowindex'), '2');
  // The words have come for what is in sight.
  await page.waitForFunction(() => /Words of/.test(document.querySelector('#table tbody a').textContent));
  // Every row, over all pages, sorted by what was killed.
  await page.locator('[data-sort=best]').click();
  const seen = [];
  for (let k = 0; k < Math.ceil(n / 100); k++) {
    const first = String(k * 100 + 2);
    await eventually(async () =>
      assert.equal(await page.locator('#table tbody tr').first().getAttribute('aria-rowindex'), first),
    );
    seen.push(
      ...(await page.$$eval('#table tbody tr', (trs) =>
        trs.map((tr) => [tr.querySelector('a').dataset.row, tr.querySelectorAll('td.n')[1].textContent]),
      )),
    );
    const next = page.getByRole('button', { name: 'Next page' });
    if (await next.isEnabled()) {
      await next.focus();
      await page.keyboard.press('Enter');
    }
  }
  const { features } = await get(`/collections/incidents/items?limit=10000&${q}`);
  assert.deepEqual(
    seen.map(([fid]) => Number(fid)).sort((a, b) => a - b),
    features.map((f) => f.properties.fid).sort((a, b) => a - b),
  );
  const killed = new Map(features.map((f) => [String(f.properties.fid), f.properties.fatalities_best]));
  for (const [fid, text] of seen) assert.equal(value(text), killed.get(fid), `killed in ${fid}`);
  const figures = seen.map(([, text]) => value(text) ?? -1);
  assert.ok(figures.every((v, i) => i === 0 || v <= figures[i - 1]));
  // By key to the detail; the address of the row leads there too.
  const a = page.locator('#table tbody a').first();
  const fid = await a.getAttribute('data-row');
  const href = await a.getAttribute('href');
  await a.focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-incident]').waitFor();
  assert.ok(await page.locator('#table').isVisible());
  const f = features.find((x) => String(x.properties.fid) === fid);
  assert.equal(await page.locator('[data-incident]').getAttribute('data-incident'), f.id);
  const second = await open(browser, new URL(href, server.url).href);
  await second.page.locator(`[data-incident="${f.id}"]`).waitFor();
  await second.context.close();
  clean(bad);
  await context.close();
});

/** compared holds map and pane against both windows' aggregates. */
async function compared(page, a, b, filter = '') {
  const [qa, qb] = [a, b].map((d) => `datetime=${d}${filter}`);
  const [aggA, aggB] = await Promise.all([qa, qb].map((q) => get(`/aggregates?by=unit&${q}`)));
  const days = (d) => {
    const [x, y] = d.split('/').map(Date.parse);
    return Math.round((y - x) / DAY) + 1;
  };
  const k = days(a) / days(b);
  const byUnit = (agg) => new Map(agg.rows.filter((r) => r.unit).map((r) => [r.unit, r.count]));
  const [na, nb] = [byUnit(aggA), byUnit(aggB)];
  const total = (agg, f) => agg.rows.reduce((s, r) => s + (r[f] ?? 0), 0);
  await eventually(async () => {
    const map = await page.$$eval('[data-unit][data-change]', (els) =>
      els.map((e) => [e.dataset.unit, Number(e.dataset.change), e.dataset.class]),
    );
    assert.ok(map.length > 60, `${map.length} units`);
    for (const [id, change, cls] of map) {
      const want = (nb.get(id) ?? 0) * k - (na.get(id) ?? 0);
      assert.ok(Math.abs(change - want) < 1e-9, `${id}: ${change}, not ${want}`);
      if (cls !== 'ctx') assert.equal(cls[0], want >= 1 - 1e-9 ? 'p' : 'm', `${id} is shaded ${cls} for ${want}`);
    }
    const rows = await page.$$eval('[data-compared]', (trs) =>
      trs.map((tr) => [tr.dataset.compared, ...[...tr.querySelectorAll('td')].map((td) => td.textContent.trim())]),
    );
    for (const [id, ta, tb] of rows)
      if (/^(pk|af)-/.test(id)) {
        assert.equal(number(ta), na.get(id) ?? 0, `A of ${id}`);
        assert.equal(number(tb), nb.get(id) ?? 0, `B of ${id}`);
      }
    const listed = new Set(rows.map((r) => r[0]));
    for (const id of new Set([...na.keys(), ...nb.keys()])) assert.ok(listed.has(id), `${id} is listed`);
    const changes = rows
      .filter((r) => /^(pk|af)-/.test(r[0]) && /\d/.test(r[3]))
      .map((r) => Number(r[3].replace('−', '-').replace('+', '')));
    assert.ok(
      changes.every((v, i) => i === 0 || v <= changes[i - 1]),
      'sorted by change',
    );
    const cells = (name) => page.locator(`[data-total=${name}] td`).allTextContents();
    const n = await cells('incidents');
    assert.deepEqual([number(n[0]), number(n[1])], [total(aggA, 'count'), total(aggB, 'count')]);
    const killed = await cells('killed');
    assert.deepEqual(
      [value(killed[0]), value(killed[1])],
      [total(aggA, 'fatalities_best'), total(aggB, 'fatalities_best')],
    );
    assert.deepEqual(
      [of(killed[0]), of(killed[1])],
      [aggA, aggB].map((g) => total(g, 'count') - total(g, 'fatalities_unknown')),
    );
  });
}

test('two windows: map and table say what both aggregates say', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?bars=month&datetime=2025-08-01/2025-08-31`);
  await page.locator('[data-compare]').click();
  await page.locator('#compare').waitFor();
  await compared(page, '2025-08-01/2025-08-31', '2025-07-01/2025-07-31');
  assert.match(await page.locator('[data-change-legend]').textContent(), /B minus A.*Both windows have 31 days/);
  await page.waitForURL(/compare=2025-07-01\/2025-07-31/);
  // Its brush, by keys: each a slider with its dates.
  const end = page.locator('[data-handle=end][data-other]');
  assert.equal(await end.getAttribute('role'), 'slider');
  assert.equal(await end.getAttribute('aria-valuetext'), '31 Jul 2025');
  await page.locator('[data-handle=window][data-other]').focus();
  await page.keyboard.press('ArrowLeft');
  await compared(page, '2025-08-01/2025-08-31', '2025-06-01/2025-06-30');
  assert.match(
    await page.locator('[data-change-legend]').textContent(),
    /A has 31 days, B 30: for the change B counts × 31\/30/,
  );
  await end.focus();
  await page.keyboard.press('ArrowRight');
  await compared(page, '2025-08-01/2025-08-31', '2025-06-01/2025-07-31');
  assert.equal(
    await page.locator('[data-handle=window][data-other]').getAttribute('aria-valuetext'),
    '1 Jun 2025 to 31 Jul 2025',
  );
  // The first window, and a filter, are followed.
  await page.locator('[data-handle=window]:not([data-other])').focus();
  await page.keyboard.press('ArrowRight');
  await page.locator('#tab-filters').click();
  await page.locator('[data-key="type-1"]').waitFor();
  await page.locator('[data-key="type-0"]').check();
  await page.locator('#tab-compare').click();
  await compared(page, '2025-09-01/2025-09-30', '2025-06-01/2025-07-31', '&event_type=Battles');
  // A link shows the same.
  await page.waitForURL(/event_type=Battles.*compare=2025-06-01\/2025-07-31/);
  const second = await open(browser, page.url());
  await compared(second.page, '2025-09-01/2025-09-30', '2025-06-01/2025-07-31', '&event_type=Battles');
  clean(second.bad);
  await second.context.close();
  // Escape ends it.
  await end.focus();
  await page.keyboard.press('Escape');
  await eventually(async () => {
    assert.equal(await page.locator('#compare').count(), 0);
    assert.equal(await page.locator('[data-handle=end][data-other]').isVisible(), false);
    assert.equal(await page.locator('[data-unit][data-change]').count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.hasAttribute('data-compare')), true);
  });
  await page.waitForURL((u) => !u.search.includes('compare='));
  clean(bad);
  await context.close();
});

test('the second brush is dragged, typed and set to a year before', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?bars=month&axis=2025-06-01/2025-11-30&datetime=2025-09-01/2025-09-30&compare=2025-06-01/2025-06-30&tab=compare`,
  );
  await page.locator('#compare').waitFor();
  const box = await page.locator('[data-handle=end][data-other]').boundingBox();
  const strip = await page.locator('.tb0').boundingBox();
  const perDay = (strip.width - 32) / 183;
  const x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let k = 1; k <= 8; k++) await page.mouse.move(x + (perDay * 31 * k) / 8, y);
  await page.mouse.up();
  await compared(page, '2025-09-01/2025-09-30', '2025-06-01/2025-07-31');
  assert.equal(await page.locator('[data-date=from]').inputValue(), '1 Sep 2025');
  await page.locator('[data-other=from]').fill('2025-07-15');
  await page.locator('[data-other=from]').press('Enter');
  await compared(page, '2025-09-01/2025-09-30', '2025-07-15/2025-07-31');
  await page.locator('[data-preset=before]').click();
  await compared(page, '2025-09-01/2025-09-30', '2025-08-01/2025-08-31');
  await page.locator('[data-compare-end]').click();
  await page.locator('#compare').waitFor({ state: 'detached' });
  clean(bad);
  await context.close();
});

test('what is loaded in only one of the windows is hatched and has no change', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?datetime=2025-08-01/2025-08-31&compare=2023-01-01/2023-01-31&tab=compare`,
  );
  await page.locator('#compare').waitFor();
  await eventually(async () => {
    const classes = await page.$$eval('[data-unit]:not(.ctx)', (els) => [...new Set(els.map((e) => e.dataset.class))]);
    assert.deepEqual(classes, ['none']);
    assert.equal(await page.locator('[data-unit][data-change]').count(), 0);
  });
  const row = page.locator('[data-compared="pk-kp-kurram"]');
  assert.match(await row.textContent(), /nothing loaded/);
  assert.match(await row.textContent(), /Loaded in only one of the two windows/);
  assert.equal((await page.locator('[data-total=incidents] td').last().textContent()).trim(), '–');
  clean(bad);
  await context.close();
});

const STATES = {
  units: `show=table&${OCTOBER}`,
  incidents: 'show=table&rows=incidents&datetime=2025-06-01/2025-09-28',
  compare: `${OCTOBER}&compare=2025-09-01/2025-09-30&tab=compare`,
};
for (const [name, query] of Object.entries(STATES))
  for (const [how, extra, options] of [
    ['light', '', {}],
    ['dark', '&theme=dark', {}],
    ['phone', '', PHONE],
  ])
    test(`axe finds nothing: ${name}, ${how}`, async () => {
      const { page, bad, context } = await open(browser, `${server.url}/?${query}${extra}`, options);
      await page.locator(name === 'compare' ? '#compare table' : '#table table').waitFor();
      await settle(page);
      assert.deepEqual(await violations(page), []);
      clean(bad);
      await context.close();
    });

test('on a phone: table and comparison by touch, targets of 44 px, back to the map', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?${OCTOBER}`, PHONE);
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  const before = await width();
  const tap = async (selector) => {
    const el = page.locator(selector).first();
    const box = await el.boundingBox();
    assert.ok(box.height >= 44 && box.width >= 44, `${selector}: ${box.width} × ${box.height}`);
    await el.tap();
  };
  await tap('[data-show=table]');
  await page.locator('#table table').waitFor();
  await agree(page, OCTOBER);
  await tap('[data-rows=incidents]');
  await page.locator('#table tbody a').first().waitFor();
  const link = await page.locator('#table tbody a').first().boundingBox();
  assert.ok(link.height >= 44, `${link.height}`);
  await tap('[data-show=map]');
  await eventually(async () => assert.ok(await page.locator('#map').isVisible()));
  await page.locator('.tmenu summary').tap();
  await tap('[data-compare]');
  await page.locator('#compare').waitFor();
  assert.ok(await page.locator('.plg').isVisible());
  await tap('[data-compare-end]');
  await page.locator('#compare').waitFor({ state: 'detached' });
  assert.equal(await width(), before);
  clean(bad);
  await context.close();
});

test('Tab goes through the list without losing its place', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?datetime=2025-06-01/2025-10-31&tab=list`);
  await page.locator('#list .row').first().focus();
  const seen = [];
  for (let k = 0; k < 24; k++) {
    await page.keyboard.press('Tab');
    await page.waitForTimeout(80);
    seen.push(await page.evaluate(() => Number(document.activeElement?.dataset.i ?? -1)));
  }
  assert.deepEqual(
    seen,
    seen.map((_, k) => k + 1),
  );
  clean(bad);
  await context.close();
});

test('Back leads from the table to the map as it was, and the button takes that step back', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?${OCTOBER}`);
  const steps = () => page.evaluate(() => history.length);
  const before = await steps();
  await page.locator('[data-show=table]').click();
  await page.locator('#table, .tbl').first().waitFor();
  await page.goBack();
  await page.locator('[data-show=map][aria-pressed=true]').waitFor();
  assert.match(page.url(), /datetime=2025-10-01/);
  await page.locator('[data-show=table]').click();
  await page.locator('[data-show=table][aria-pressed=true]').waitFor();
  await page.locator('[data-show=map]').click();
  await page.locator('[data-show=map][aria-pressed=true]').waitFor();
  await eventually(async () => assert.equal(await page.evaluate(() => history.state?.entered ?? null), null));
  assert.equal(await steps(), before + 1, 'the step that was left can be gone forth to');
  assert.doesNotMatch(page.url(), /show=table/);
  clean(bad);
  await context.close();
});
