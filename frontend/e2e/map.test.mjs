// The map and the time strip: what is shaded and how, many incidents on one point, badges, bands, keys, the base layer.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clean, getJson } from './checks.mjs';
import { browse, count, number, open, sarhad, serve, settle } from './server.mjs';

const DAYS = 'datetime=2025-10-01/2025-10-31';
const MANY = [33.6, 70.1]; // 10,000 incidents, in Khost
const FEW = [33.9, 71.3]; // seven, in Khyber

let server;
let browser;

before(async () => {
  server = await serve();
  const rows = ['id,event_date,latitude,longitude,event_type,fatalities'];
  const types = ['Battles', 'Protests', 'Riots', 'Explosions/Remote violence', 'Violence against civilians'];
  const put = (id, n, [lat, lon], deaths) => {
    for (let i = 0; i < n; i++)
      rows.push(
        `${id}${i},2025-10-${String(1 + (i % 31)).padStart(2, '0')},${lat},${lon},${types[i % 5]},${deaths(i)}`,
      );
  };
  put('many', 10_000, MANY, (i) => i % 4);
  put('few', 7, FEW, (i) => i);
  put('silent', 12, [32.99, 70.6], () => ''); // Bannu: no figure in any
  put('none', 5, [33.58, 71.44], () => 0); // Kohat: none killed
  put('quetta', 9, [30.19, 67.0], (i) => i);
  const file = join(server.dir, 'map.csv');
  writeFileSync(file, rows.join('\n'));
  await sarhad('import', '--store', server.store, '--quiet', file);
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const get = (path) => getJson(server.url + path);
/** until waits for a condition in the page and says what it waited for. */
const until = (page, what, arg) => page.waitForFunction(what, arg, { timeout: 10_000 });
/** inLink waits until the address holds a parameter. */
const inLink = (page, name, value) =>
  until(page, ([n, v]) => new URLSearchParams(location.search).get(n) === v, [name, value]);
const middle = async (page, selector) => {
  const b = await page.locator(selector).first().boundingBox();
  return [b.x + b.width / 2, b.y + b.height / 2];
};
const steps = (page) => page.locator('.lg .ramp span').allTextContents();

for (const [shade, title, legend] of [
  ['count', /^Incidents by district/, /^Incidents in the window/],
  ['killed', /^Reported killed by district/, /^Reported killed in the window/],
  ['rate', /^Incidents per 1,000 km² by district/, /^Incidents per 1,000 km²/],
])
  test(`shaded by ${shade}: every district says what the aggregates say`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/?${DAYS}&shade=${shade}`);
    const agg = await get(`/aggregates?by=unit&${DAYS}`);
    const units = await get('/collections/units/items?limit=1000');
    const km2 = Object.fromEntries(units.features.map((f) => [f.properties.id, f.properties.area_km2]));
    const rows = Object.fromEntries(agg.rows.filter((r) => r.unit && km2[r.unit]).map((r) => [r.unit, r]));
    assert.match(await page.locator('h1').textContent(), title);
    assert.match(await page.locator('.lg h2 span').textContent(), legend);
    const bounds = (await steps(page)).slice(1).map((s) => (s === '>0' ? 0 : number(s) || 0));
    const shown = await page.$$eval('path[data-unit]', (els) => els.map((e) => ({ ...e.dataset })));
    assert.ok(Object.keys(rows).length >= 5);
    let unknown = 0;
    for (const d of shown) {
      const r = rows[d.unit];
      const want =
        shade === 'count'
          ? (r?.count ?? 0)
          : shade === 'killed'
            ? r && r.fatalities_best === null
              ? 'unknown'
              : (r?.fatalities_best ?? 0)
            : ((r?.count ?? 0) * 1000) / km2[d.unit];
      if (shade === 'count') assert.equal(Number(d.n), want, d.unit);
      else if (want === 'unknown') assert.equal(d.v, want, d.unit);
      else assert.ok(Math.abs(Number(d.v) - want) < 1e-9, `${d.unit}: ${d.v}, not ${want}`);
      if (!/^[0-6]$|unknown/.test(d.class)) continue; // outside the region, or nothing loaded
      if (want === 'unknown') {
        assert.equal(d.class, 'unknown', 'deaths not reported are not zero');
        unknown++;
      } else if (shade !== 'rate')
        assert.equal(
          Number(d.class),
          want === 0 ? 0 : Math.max(1, bounds.filter((b) => b <= want).length),
          `${d.unit}: ${want}`,
        );
      else assert.equal(d.class === '0', want === 0, d.unit);
    }
    assert.equal(unknown > 0, shade === 'killed');
    clean(bad);
    await context.close();
  });

test('the choice of shading and the kept scale are in the link and hold', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?bars=month&datetime=2025-09-01/2025-10-31`);
  await page.locator('.lg h2 button').click();
  await page.getByRole('radio', { name: 'Reported killed' }).check();
  await inLink(page, 'shade', 'killed');
  await page.locator('[data-keep]').check();
  await settle(page);
  const kept = await steps(page);
  const scale = new URL(page.url()).searchParams.get('scale');
  assert.deepEqual(scale.split(',').map(Number), kept.slice(1).map(number));
  // Days with hardly any incident would fit a smaller scale.
  await page.locator('[data-date=from]').fill('2025-09-01');
  await page.locator('[data-date=from]').press('Enter');
  await page.locator('[data-date=to]').fill('2025-09-02');
  await page.locator('[data-date=to]').press('Enter');
  await settle(page);
  assert.deepEqual(await steps(page), kept);
  const second = await open(browser, page.url());
  assert.deepEqual(await steps(second.page), kept);
  assert.match(await second.page.locator('h1').textContent(), /^Reported killed/);
  await second.page.locator('[data-keep]').uncheck();
  await inLink(second.page, 'scale', null);
  await until(second.page, (k) => document.querySelector('.lg .ramp').textContent !== k, kept.join(''));
  clean([...bad, ...second.bad]);
  await second.context.close();
  await context.close();
});

test('10,000 on one point: a drag makes no elements, the disc opens the list', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?${DAYS}&map=${MANY},10&bars=day`);
  const elements = () => page.evaluate(() => document.querySelectorAll('#map *').length);
  await page.locator('[data-handle=end]:not([data-other])').focus();
  await page.keyboard.press('ArrowLeft');
  await settle(page);
  const before = await elements();
  const [x, y] = await middle(page, '[data-handle=end]');
  await page.mouse.move(x, y);
  await page.mouse.down();
  let most = 0;
  for (let k = 1; k <= 40; k++) {
    await page.mouse.move(x - 12 * k, y);
    most = Math.max(most, await elements());
  }
  await page.mouse.up();
  await settle(page);
  assert.ok((await count(page, 'incidents')) < 8000, 'the drag has narrowed the window');
  assert.ok(most <= before + 20, `elements on the map: ${before} before, ${most} in the drag`);
  await page.locator('[data-date=to]').fill('2025-10-31');
  await page.locator('[data-date=to]').press('Enter');
  await settle(page);
  const [cx, cy] = await middle(page, '#map');
  await page.mouse.move(cx, cy);
  await until(page, () => /^10,000 incidents/.test(document.querySelector('.tip').textContent));
  await page.mouse.click(cx, cy);
  await page.locator('[data-fid]').first().waitFor();
  await inLink(page, 'tab', 'list');
  const size = await page.locator('.rows li[aria-setsize]').first().getAttribute('aria-setsize');
  assert.equal(Number(size), 10_000);
  clean(bad);
  await context.close();
});

test('a few on one point are taken apart, opened one by one, and put together again', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?${DAYS}&map=${FEW},10&event_type=`);
  const [cx, cy] = await middle(page, '#map');
  const tipAt = async (x, y) => {
    await page.mouse.move(x, y);
    return page.locator('.tip').evaluate((e) => (e.hidden ? '' : e.textContent));
  };
  assert.match(await tipAt(cx, cy), /^7 incidents/);
  /** around finds a single incident on the ring, or null. */
  const around = async () => {
    for (let a = 0; a < 360; a += 6) {
      const at = [cx + 30 * Math.cos((a * Math.PI) / 180), cy + 30 * Math.sin((a * Math.PI) / 180)];
      if (/killed|not reported/i.test((await tipAt(...at)).replace(/Khyber.*/, ''))) return at;
    }
    return null;
  };
  assert.equal(await around(), null);
  await page.mouse.click(cx, cy);
  await settle(page);
  assert.ok(await around(), 'the incidents stand around their place');
  await page.mouse.click(cx, cy);
  await settle(page);
  assert.equal(await around(), null, 'a second click puts them together');
  await page.mouse.click(cx, cy);
  await settle(page);
  await page.mouse.click(...(await around()));
  await page.locator('[data-incident]').waitFor();
  clean(bad);
  await context.close();
});

test('badges cover neither a cluster nor each other, and list exactly what they count', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?map=33.4,70.6,7`);
  const found = await page.evaluate(() => {
    const canvas = document.querySelector('canvas.symbols');
    const c = canvas.getBoundingClientRect();
    const k = canvas.width / c.width;
    const ctx = canvas.getContext('2d');
    const boxes = [...document.querySelectorAll('.bdg[data-badge]')]
      .map((e) => ({ key: e.dataset.badge, r: e.getBoundingClientRect() }))
      .filter(({ r }) => r.left > c.left && r.top > c.top && r.right < c.right && r.bottom < c.bottom);
    const out = [];
    for (const { key, r } of boxes) {
      const px = ctx.getImageData((r.left - c.left) * k, (r.top - c.top) * k, r.width * k, r.height * k).data;
      let hidden = 0;
      for (let i = 3; i < px.length; i += 4) if (px[i] > 40) hidden++;
      if (hidden > px.length / 4 / 8) out.push(`${key} hides ${hidden} of ${px.length / 4} px`);
      for (const o of boxes)
        if (o.key !== key && r.left < o.r.right - 1 && r.right > o.r.left + 1)
          if (r.top < o.r.bottom - 1 && r.bottom > o.r.top + 1) out.push(`${key} lies on ${o.key}`);
    }
    return { n: boxes.length, out };
  });
  assert.ok(found.n > 0, 'there are badges');
  assert.deepEqual(found.out, []);
  const badge = page.locator('.bdg[data-badge^="unit:"]').first();
  const n = number(await badge.locator('.num').textContent());
  await badge.click();
  await page.locator('[data-fid]').first().waitFor();
  await until(
    page,
    (k) => document.querySelector('.rows li[aria-setsize]')?.getAttribute('aria-setsize') === k,
    String(n),
  );
  clean(bad);
  await context.close();
});

test('what is known as a stretch of the border is a mark on that stretch, and lists exactly what it counts', async () => {
  const feature = (id, unit_id, event_type) => ({
    type: 'Feature',
    geometry: null,
    properties: {
      source_id: id,
      start_date: '2024-03-05',
      event_type,
      country: 'PK',
      unit_id,
      location_precision: 'line',
      place_kind: 'border',
    },
  });
  const file = join(server.dir, 'stretches.geojson');
  const features = [
    feature('s1', 'pk-kp-kurram', 'Battles'),
    feature('s2', 'pk-kp-kurram', 'Battles'),
    feature('s3', 'pk-kp-bajaur', 'Riots'),
    feature('s4', 'pk-kp-bajaur', 'Battles'),
    feature('s5', 'pk-kp-swat', 'Battles'), // nowhere near the border
    feature('s6', null, 'Battles'),
  ];
  writeFileSync(file, JSON.stringify({ type: 'FeatureCollection', features }));
  await sarhad('import', '--store', server.store, '--quiet', '--dataset', 'stretches', file);
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?datetime=2024-03-01/2024-03-31&dataset=stretches&map=34.2,70.8,8`,
  );
  const label = (key) => page.locator(`[data-badge="${key}"]`).getAttribute('aria-label');
  assert.equal(await label('border:pk-kp-kurram'), '2 somewhere on the border at Kurram');
  assert.equal(await label('border:pk-kp-bajaur'), '2 somewhere on the border at Bajaur');
  assert.equal(await label('border'), '2 somewhere along the border');
  assert.equal(await page.locator('[data-badge^="border:"]').count(), 2);
  // Each is coloured along its district and nowhere else: in its type's colour, or in ink where there are several.
  const seen = await page.evaluate(() => {
    const box = (sel) => document.querySelector(sel).getBoundingClientRect();
    const near = (path, unit) => {
      const [p, u] = [box(path), box(`[data-unit="${unit}"]`)];
      return (
        p.width + p.height > 40 &&
        p.left > u.left - 12 &&
        p.right < u.right + 12 &&
        p.top > u.top - 12 &&
        p.bottom < u.bottom + 12
      );
    };
    return [
      document.querySelectorAll('path.seg').length,
      near('path.seg.t0', 'pk-kp-kurram'),
      near('path.seg.t-1', 'pk-kp-bajaur'),
    ];
  });
  assert.deepEqual(seen, [2, true, true]);
  const listed = (n) =>
    until(page, (k) => document.querySelector('.rows li[aria-setsize]')?.getAttribute('aria-setsize') === k, String(n));
  await page.locator('[data-badge="border:pk-kp-kurram"]').click();
  await listed(2);
  await inLink(page, 'only', 'border:pk-kp-kurram');
  await page.locator('[data-badge="border"]').click();
  await listed(2);
  // The link lists the same; the window takes the stretches along.
  await inLink(page, 'only', 'border::pk-kp-bajaur.pk-kp-kurram');
  await page.reload();
  await listed(2);
  await page.locator('[data-fid]').first().click();
  await page.locator('[data-incident]').waitFor();
  await page.goto(`${server.url}/?datetime=2024-02-01/2024-02-28&map=34.2,70.8,8`);
  await until(page, () => document.documentElement.dataset.ready === '1');
  assert.equal(await page.locator('path.seg').count(), 0);
  clean(bad);
  await context.close();
});

test('a band says what it is and where that is known from, and sets the window', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?${DAYS}`);
  const periods = (await get('/collections/periods/items?limit=1000')).features.map((f) => f.properties);
  const talks = periods.find((p) => /Doha/.test(p.name) && p.start_date >= '2025-10-01');
  const band = page.locator('.band', { hasText: talks.name }).first();
  await band.focus();
  await page.keyboard.press('Enter');
  const box = page.locator('.bandbox');
  await box.waitFor();
  const text = await box.textContent();
  assert.ok(text.includes(talks.name));
  for (const s of talks.sources ?? []) assert.ok(text.includes(s.title ?? s.publisher), s.title);
  assert.equal(await box.locator('a').count(), (talks.sources ?? []).filter((s) => s.url).length);
  await page.keyboard.press('Escape');
  await box.waitFor({ state: 'detached' });
  await band.click();
  await page.locator('#panel').click({ position: { x: 5, y: 5 } });
  await box.waitFor({ state: 'detached' });
  await band.click();
  await page.getByRole('button', { name: 'Set the window to these days' }).click();
  await inLink(page, 'datetime', `${talks.start_date}/${talks.end_date}`);
  assert.equal(await box.count(), 0);
  clean(bad);
  await context.close();
});

test('put away, the strip is one line, and the link remembers it', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?${DAYS}`);
  const high = (await page.locator('#mapw').boundingBox()).height;
  await page.getByRole('button', { name: 'Put the time strip away' }).click();
  await inLink(page, 'strip', '0');
  assert.ok((await page.locator('#time').boundingBox()).height <= 40);
  assert.ok((await page.locator('#mapw').boundingBox()).height > high + 100);
  assert.ok(await page.locator('.spark').isVisible());
  const second = await open(browser, page.url());
  assert.ok(!(await second.page.locator('.tb0').isVisible()));
  await second.page.getByRole('button', { name: 'Show the time strip' }).click();
  assert.ok(await second.page.locator('.tb0').isVisible());
  clean([...bad, ...second.bad]);
  await second.context.close();
  await context.close();
});

test('keys: the axis zooms, what moves stays in view, Space plays, Escape takes a drag back', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?bars=month&datetime=2025-09-01/2025-09-30`);
  const end = page.locator('[data-handle=end]:not([data-other])');
  const axis = () => page.evaluate(() => new URLSearchParams(location.search).get('axis'));
  await end.focus();
  for (let k = 0; k < 3; k++) await page.keyboard.press('+');
  await page.locator('.ovl').waitFor();
  await until(page, () => new URLSearchParams(location.search).has('axis'));
  const first = await axis();
  for (let k = 0; k < 3; k++) await page.keyboard.press('ArrowRight');
  await inLink(page, 'datetime', '2025-09-01/2025-12-31');
  assert.ok(await end.isVisible(), 'the handle is still in view');
  assert.notEqual(await axis(), first);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.handle), 'end');
  await page.keyboard.press('Home');
  await inLink(page, 'datetime', '2025-09-01/2025-09-30');
  await page.keyboard.press('Space');
  await until(page, () => document.querySelector('[data-date=to]').value !== '30 Sep 2025');
  await page.keyboard.press('Space');
  await until(page, () => document.querySelector('[data-play]').getAttribute('aria-label') === 'Play');
  await settle(page);
  // A drag that is taken back leaves the days as they were.
  const days = () => page.locator('[data-date]').evaluateAll((els) => els.map((e) => e.value).join());
  const was = await days();
  const [x, y] = await middle(page, '[data-handle=start]');
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - 400, y, { steps: 8 });
  await until(page, (w) => [...document.querySelectorAll('[data-date]')].map((e) => e.value).join() !== w, was);
  await page.keyboard.press('Escape');
  await until(page, (w) => [...document.querySelectorAll('[data-date]')].map((e) => e.value).join() === w, was);
  await page.mouse.up();
  await settle(page);
  assert.equal(await days(), was);
  clean(bad);
  await context.close();
});

test('the wheel zooms the axis, Shift and the wheel or the overview line move it, a double click shows all', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?${DAYS}&axis=2025-01-01/2025-12-31`);
  const axis = () => page.evaluate(() => new URLSearchParams(location.search).get('axis'));
  const differs = (was) => until(page, (w) => new URLSearchParams(location.search).get('axis') !== w, was);
  const [x, y] = await middle(page, '.tb0');
  await page.mouse.move(x, y);
  let was = await axis();
  await page.mouse.wheel(0, -300);
  await differs(was);
  was = await axis();
  const length = (t) => t.split('/').map((d) => Date.parse(d) / 864e5);
  const span = ([a, b]) => b - a;
  assert.ok(span(length(was)) < 364);
  await page.keyboard.down('Shift');
  await page.mouse.wheel(0, -400);
  await page.keyboard.up('Shift');
  await differs(was);
  const moved = length(await axis());
  assert.ok(moved[0] < length(was)[0] && span(moved) === span(length(was)), 'earlier, and as long');
  was = await axis();
  const line = await page.locator('.ovl').boundingBox();
  await page.mouse.move(line.x + line.width * 0.3, line.y + 4);
  await page.mouse.down();
  await page.mouse.move(line.x + line.width * 0.2, line.y + 4, { steps: 4 });
  await page.mouse.up();
  await differs(was);
  assert.equal(span(length(await axis())), span(length(was)));
  await page.mouse.dblclick(x, y);
  await until(page, () => !location.search.includes('axis=') && !location.search.includes('datetime='));
  await page.locator('.ovl').waitFor({ state: 'hidden' });
  clean(bad);
  await context.close();
});

test('an empty page names ways out, and each gives what it counts', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?${DAYS}&event_type=Battles&min_fatalities=60000&tab=list`,
  );
  const ways = page.locator('.empty li');
  await ways.first().waitFor();
  const n = number(await ways.first().locator('.num').textContent());
  assert.ok(n > 0);
  await ways.first().locator('button').click();
  await until(page, (k) => document.querySelector('[data-count=incidents]').textContent === k, n.toLocaleString('en'));
  clean(bad);
  await context.close();
});

test('a base layer by configuration lies under everything and is named', async () => {
  const asked = [];
  const tiles = createServer((q, r) => {
    asked.push(q.url);
    r.setHeader('content-type', 'image/svg+xml');
    r.end(
      '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256" fill="#cde"/></svg>',
    );
  });
  await new Promise((ok) => tiles.listen(0, '127.0.0.1', ok));
  const from = `http://127.0.0.1:${tiles.address().port}`;
  const other = await serve('--tile-url', `${from}/{z}/{x}/{y}`, '--tile-attribution', 'Tiles by <b>nobody</b>');
  try {
    const { page, bad, context } = await open(browser, `${other.url}/`);
    await until(page, () => document.querySelectorAll('img.leaflet-tile-loaded').length > 1);
    assert.match(await page.locator('.att').textContent(), /Tiles by <b>nobody<\/b>/);
    const under = await page.evaluate(() => {
      const z = (e) => Number(getComputedStyle(e).zIndex);
      const tile = document.querySelector('.leaflet-tile-pane');
      return [...document.querySelectorAll('.leaflet-units-pane, .leaflet-labels-pane, .leaflet-symbols-pane')].every(
        (p) => z(p) > z(tile),
      );
    });
    assert.ok(under);
    assert.ok(asked.length > 1 && asked.every((u) => /^\/\d+\/\d+\/\d+$/.test(u)));
    clean(bad.filter((b) => !b.startsWith(`request to ${from}/`)));
    await context.close();
  } finally {
    await other.stop();
    tiles.close();
  }
});
