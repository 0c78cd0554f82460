// What leaves the page: files, picture, citation, link, frames, and the list for readers without JavaScript.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clean, PHONE, violations } from './checks.mjs';
import { browse, count, open, ready, sarhad, serve, settle } from './server.mjs';

const TYPES = ['Battles', 'Protests', 'Riots', ''];
// Kurram, Quetta, Kabul
const SPOTS = [
  [33.8, 70.1],
  [30.2, 67.0],
  [34.53, 69.17],
];
const day = (i) => `2025-${i % 2 ? '09' : '10'}-${String(1 + (i % 28)).padStart(2, '0')}`;

let server;
let browser;

before(async () => {
  server = await serve('--no-demo');
  // Rows that parameters and page might count differently: no best figure but a low one, days before 1970, words that
  // CSV and CQL2 have to escape.
  const rows = ['id,event_date,latitude,longitude,event_type,actor1,fatalities,fatalities_low,notes'];
  for (let i = 0; i < 60; i++) {
    const [lat, lon] = SPOTS[i % 3];
    const best = i % 5 === 4 ? '' : i % 7;
    rows.push(
      `o${i},${day(i)},${lat},${lon},${TYPES[i % 4]},"O'Brien, ""A"" ${i % 9}",${best},${best === '' && i % 2 ? 6 : best},"=1+1 line ${i}"`,
    );
  }
  rows.push('old1,1965-04-08,33.8,70.1,Battles,A,3,3,long ago', 'old2,1969-12-31,30.2,67.0,Riots,B,,,long ago');
  const file = join(server.dir, 'files.csv');
  writeFileSync(file, rows.join('\n'));
  await sarhad('import', '--store', server.store, '--quiet', '--dataset', 'files', file);
  const kept = join(server.dir, 'kept.csv');
  writeFileSync(
    kept,
    'id,event_date,latitude,longitude,event_type,fatalities\nk1,2025-10-05,33.8,70.1,Battles,2\nk2,2025-09-06,30.2,67.0,Riots,0\n',
  );
  await sarhad('import', '--store', server.store, '--quiet', '--dataset', 'acled', kept);
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const bytes = async (href) => {
  const r = await fetch(new URL(href, `${server.url}/`));
  assert.equal(r.status, 200, href);
  return Buffer.from(await r.arrayBuffer());
};

/** csv reads a table as RFC 4180 has it. */
function csv(text) {
  const out = [];
  let row = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const ch = text[i];
    if (quoted) {
      if (ch !== '"') cell += ch;
      else if (text[i + 1] === '"') cell += text[i++];
      else quoted = false;
    } else if (ch === '"') quoted = true;
    else if (ch === ',' || ch === '\n') {
      row.push(cell.replace(/\r$/, ''));
      cell = '';
      if (ch === '\n') {
        out.push(row);
        row = [];
      }
    } else cell += ch;
  }
  return out;
}

async function menu(page) {
  await page.click('[data-download]');
  await page.waitForSelector('#download-menu');
  return Object.fromEntries(
    await page.$$eval('#download-menu [data-format]', (els) => els.map((e) => [e.dataset.format, e.href])),
  );
}

// a query, the rows it is to find among the sixty, and the old ones
const FILTERS = [
  ['', () => true, ['old1', 'old2']],
  ['datetime=2025-10-01/2025-10-31', (i) => i % 2 === 0, []],
  ['event_type=battles,none', (i) => i % 4 === 0 || i % 4 === 3, ['old1']],
  ['unit=pk-kp-kurram&country=AF', (i) => i % 3 !== 1, ['old1']],
  [
    'unit=pk-kp-kurram&province=Balochistan&country=AF&datetime=2025-09-01/2025-09-30&event_type=protests',
    (i) => i % 4 === 1,
    [],
  ],
  ['min_fatalities=5', (i) => (i % 5 === 4 ? i % 2 === 1 : i % 7 >= 5), []],
  ['min_fatalities=0&province=Balochistan', (i) => i % 3 === 1 && (i % 5 !== 4 || i % 2 === 1), []],
  ["actor=O'Brien&border_km=100&province=Balochistan", (i) => i % 3 === 1, []],
  ['q=line', () => true, []],
];
for (const [query, want, old] of FILTERS)
  test(`files hold exactly what the page counts: ${query || 'everything'}`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/?${query}`);
    const n = await count(page, 'incidents');
    assert.ok(n > 0);
    const f = await menu(page);
    assert.deepEqual(Object.keys(f).sort(), ['csv', 'geojsonseq', 'gpkg', 'hxl', 'json', 'kml']);
    assert.match(await page.locator('#download-menu h2').first().textContent(), new RegExp(`^${n} incidents`));

    const table = csv((await bytes(f.csv)).toString());
    const at = (name) => table[0].indexOf(name);
    const ids = table
      .slice(1)
      .map((r) => r[at('source_id')])
      .sort();
    assert.equal(ids.length, n, `CSV of ${query}`);
    const expected = Array.from({ length: 60 }, (_, i) => i)
      .filter(want)
      .map((i) => `o${i}`);
    assert.deepEqual(ids, [...expected, ...old].sort());
    const tagged = csv((await bytes(f.hxl)).toString());
    assert.ok(tagged[1].some((c) => c.startsWith('#')) && tagged.length === table.length + 1);

    const fc = JSON.parse(await bytes(f.json));
    assert.deepEqual(fc.features.map((x) => x.properties.source_id).sort(), ids);
    assert.ok(!fc.links?.some((l) => l.rel === 'next'), 'GeoJSON is one piece');
    const lines = (await bytes(f.geojsonseq)).toString().split('\n').filter(Boolean);
    assert.deepEqual(lines.map((l) => JSON.parse(l.replace('\x1e', '')).properties.source_id).sort(), ids);
    assert.equal((await bytes(f.kml)).toString().match(/<Placemark/g).length, n);
    const gpkg = join(server.dir, 'out.gpkg');
    writeFileSync(gpkg, await bytes(f.gpkg));
    const report = JSON.parse(
      await sarhad('import', '--json', '--quiet', '--dry-run', '--store', join(server.dir, 'other.gpkg'), gpkg),
    );
    const first = Array.isArray(report) ? report[0] : report;
    assert.equal((first.report ?? first).read, n, 'GeoPackage');
    clean(bad);
    await context.close();
  });

test('the sizes of small files are those of the files', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?event_type=riots`);
  const f = await menu(page);
  await page.waitForFunction(() => document.querySelector('[data-format=kml] small')?.textContent);
  for (const name of ['csv', 'kml']) {
    const said = await page.locator(`[data-format=${name}] small`).textContent();
    const real = (await bytes(f[name])).length / 1000;
    assert.match(said, /^[\d.]+ kB$/);
    assert.ok(Math.abs(Number.parseFloat(said) - real) <= Math.max(0.06, real * 0.05), `${name}: ${said}, ${real} kB`);
  }
  assert.match(await page.locator('[data-format=hxl] small').textContent(), /^about /);
  assert.equal(await page.locator('[data-format=gpkg] small').textContent(), '');
  clean(bad);
  await context.close();
});

test('data of which only counts may be given: no files of incidents, and why', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?dataset=acled`);
  assert.deepEqual(await menu(page), {});
  const text = await page.locator('#download-menu').textContent();
  assert.match(text, /acled.*allow only counts/i);
  const table = csv((await bytes(await page.locator('#download-menu a').getAttribute('href'))).toString());
  assert.equal(
    table.slice(1).reduce((s, r) => s + Number(r[table[0].indexOf('count')]), 0),
    2,
  );
  // Beside others it is named, and the files are there.
  await page.goto(`${server.url}/`);
  await ready(page);
  assert.equal(Object.keys(await menu(page)).length, 6);
  assert.match(await page.locator('#download-menu').textContent(), /Without .*acled/i);
  clean(bad);
  await context.close();
});

test('more than 10,000 incidents are one file', async () => {
  const big = await serve('--no-demo', '--synthetic', '24000');
  try {
    // It is ready before all are made.
    const made = async () =>
      (await (await fetch(`${big.url}/collections/incidents/items?limit=1`)).json()).numberMatched;
    while ((await made()) < 24_000) await new Promise((ok) => setTimeout(ok, 200));
    const { page, bad, context } = await open(browser, `${big.url}/?country=PK&province=Kabul,Nangarhar`);
    const n = await count(page, 'incidents');
    assert.ok(n > 10_000, `${n}`);
    const f = await menu(page);
    assert.deepEqual(Object.keys(f).sort(), ['csv', 'geojsonseq', 'gpkg', 'hxl', 'json', 'kml']);
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('[data-format=json]').click()]);
    assert.match(download.suggestedFilename(), /^sarhad-incidents.*\.geojson$/);
    const fc = JSON.parse(readFileSync(await download.path()));
    assert.equal(fc.features.length, n, 'GeoJSON in one piece');
    assert.equal(new Set(fc.features.map((x) => x.id)).size, n);
    assert.equal(fc.numberReturned, n);
    const seq = await (await fetch(f.geojsonseq)).text();
    assert.equal(seq.split('\n').filter(Boolean).length, n);
    await page.waitForFunction(() => document.querySelector('[data-format=geojsonseq] small')?.textContent);
    const said = await page.locator('[data-format=geojsonseq] small').textContent();
    const mb = Number(/^about ([\d.]+) MB$/.exec(said)?.[1]);
    assert.ok(Math.abs(mb * 1e6 - Buffer.byteLength(seq)) < 0.3 * Buffer.byteLength(seq), `${said}: ${seq.length}`);
    clean(bad);
    await context.close();
  } finally {
    await big.stop();
  }
});

test('the citation names days, filters, data, terms, boundaries and address', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?event_type=battles&datetime=2025-10-01/2025-10-31`,
    { permissions: ['clipboard-read', 'clipboard-write'] },
  );
  await menu(page);
  const text = await page.locator('[data-cite]').inputValue();
  for (const part of [
    /1–31 Oct 2025/,
    /15 incidents/,
    /Battles/,
    /files/,
    /OpenStreetMap/,
    /do not imply/,
    /\?event_type=Battles&/,
  ])
    assert.match(text, part);
  assert.doesNotMatch(text, /acled/, 'nothing of it is shown');
  await page.click('[data-copy-cite]');
  await page.waitForSelector('#toast.on');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#download-menu').count(), 0);
  assert.ok(await page.evaluate(() => document.activeElement.matches('[data-download]')));
  clean(bad);
  await context.close();
});

// ---- the picture

/** take makes the picture and gives its texts and a way to look at it. */
async function take(page) {
  await page.evaluate(() => {
    document.addEventListener('sarhad:picture', (e) => {
      window.__made = e.detail;
    });
  });
  await menu(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-picture]')]);
  await page.waitForFunction(() => window.__made);
  const file = readFileSync(await download.path());
  assert.equal(file.subarray(1, 4).toString(), 'PNG');
  const look = await page.evaluate(async () => {
    const bitmap = await createImageBitmap(window.__made.blob);
    const c = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    c.drawImage(bitmap, 0, 0);
    const { data } = c.getImageData(0, 0, bitmap.width, bitmap.height);
    const colours = {};
    // how much ink the left and the right half of the title have
    const title = [0, 0];
    for (let i = 0; i < data.length; i += 4) {
      const key = [data[i], data[i + 1], data[i + 2], data[i + 3]].join();
      colours[key] = (colours[key] ?? 0) + 1;
      if (i / 4 < bitmap.width * 80 && data[i] < 100) title[((i / 4) % bitmap.width) * 2 >= bitmap.width ? 1 : 0]++;
    }
    return { width: bitmap.width, height: bitmap.height, colours, title };
  });
  return { file, name: download.suggestedFilename(), texts: await page.evaluate(() => window.__made.texts), ...look };
}
const rgb = (hex) => [1, 3, 5].map((k) => Number.parseInt(hex.slice(k, k + 2), 16)).join();

test('the picture has title, days, filters, map, legend, border note, data and address, in light colours', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?event_type=battles&country=PK,AF&datetime=2025-10-01/2025-10-31&theme=dark`,
  );
  const p = await take(page);
  assert.deepEqual([p.width, p.height], [1600, 1000]);
  assert.equal(p.name, 'sarhad-2025-10-01-2025-10-31.png');
  const text = p.texts.join(' ');
  for (const part of [
    /^Incidents by district and province 1–31 Oct 2025 · 15 incidents/,
    /Filters: Battles, (Pakistan, Afghanistan|Afghanistan, Pakistan)/,
    /Kabul/,
    /Durand Line/,
    /Incidents in the window 0 1/,
    /Nothing loaded/,
    /Boundaries and names shown do not imply endorsement or acceptance/,
    /Data: files · .*OpenStreetMap/,
    /\/\?event_type=Battles/,
  ])
    assert.match(text, part);
  const n = (hex) => p.colours[`${rgb(hex)},255`] ?? 0;
  assert.ok(n('#ffffff') > 100_000, 'paper');
  assert.ok(n('#efeeea') > 50_000, 'land around');
  // The colours of the legend, the border, and nothing of the dark page.
  const classes = ['#dde8f0', '#bcd1e1', '#92b4cd', '#6592b3', '#3b6e95', '#1b4a70'];
  for (const c of classes) assert.ok(n(c) > 400, `${c} in the legend`);
  assert.ok(n('#2b2d30') > 500, 'border');
  assert.ok(n('#1b1e22') + n('#191c20') + n('#101316') < 2000, 'dark grounds');
  assert.ok(
    Object.keys(p.colours).every((k) => k.endsWith(',255')),
    'no hole in it',
  );
  assert.ok(p.title[0] > 2000 && p.title[1] < p.title[0] / 4, 'the title begins at the left');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark', 'the page stays as it was');
  assert.equal(await page.locator('.poster').count(), 0);
  assert.match(page.url(), /event_type=Battles/);
  clean(bad);
  await context.close();
});

test('the picture has clusters, badges and symbols as they are shown, also from a phone', async () => {
  const view = 'map=33.8,70.1,7';
  const { page, bad, context } = await open(browser, `${server.url}/?${view}`, PHONE);
  await page.waitForURL(/map=/);
  await settle(page);
  const url = page.url();
  const p = await take(page);
  assert.ok(p.texts.some((x) => x === 'Kurram' || x === 'Peshawar'));
  assert.ok(p.texts.includes('Several incidents') && p.texts.includes('None killed'), 'the whole legend');
  // Kurram is shaded, in a class that the legend shows far less of.
  const shades = ['#92b4cd', '#6592b3', '#3b6e95', '#1b4a70'].map((c) => p.colours[`${rgb(c)},255`] ?? 0);
  assert.ok(Math.max(...shades) > 8000 && Math.min(...shades) > 300, `${shades}`);
  // the ring of the cluster in the colours of its types
  for (const type of ['#c23b17', '#0a8ec7', '#4a3fd0']) assert.ok(p.colours[`${rgb(type)},255`] > 20, type);
  await settle(page);
  assert.equal(page.url(), url, 'the view of the page is untouched');
  clean(bad);
  await context.close();
});

test('the picture while comparing has both windows, the change, its legend and its colours', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?datetime=2025-10-01/2025-10-31&compare=2025-09-01/2025-09-30&tab=compare`,
  );
  await page.locator('#compare').waitFor();
  await page.waitForFunction(() => document.querySelector('[data-unit][data-change]'));
  const p = await take(page);
  assert.deepEqual([p.width, p.height], [1600, 1000]);
  const text = p.texts.join(' ');
  for (const part of [
    /^Change in incidents A 1–31 Oct 2025 ?, B 1–30 Sep 2025 · A 30 incidents/,
    /B minus A/,
    /Fewer in B/,
    /More in B/,
  ])
    assert.match(text, part);
  for (const c of ['#5b3f8c', '#9a86bd', '#d6cde6', '#f3d9b8', '#d99a4e', '#9c5a12'])
    assert.ok((p.colours[`${rgb(c)},255`] ?? 0) > 400, `${c} in the legend`);
  if (process.env.SHOTS) writeFileSync(join(process.env.SHOTS, 'picture-compare.png'), p.file);
  clean(bad);
  await context.close();
});

for (const lang of ['ur', 'ps', 'prs'])
  test(`the picture from right to left: ${lang}`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/?lang=${lang}&map=33.8,70.1,7.5`);
    const title = (await page.locator('h1').first().textContent()).trim();
    const p = await take(page);
    assert.equal(p.texts[0], title);
    assert.match(p.texts.join(' '), /[\u0600-\u06ff]{3}/);
    assert.ok(p.title[1] > 1000 && p.title[0] < p.title[1] / 4, 'the title begins at the right');
    assert.match(p.texts.join(' '), /http:\/\/127\.0\.0\.1/);
    for (const type of ['#c23b17', '#0a8ec7', '#4a3fd0']) assert.ok(p.colours[`${rgb(type)},255`] > 20, type);
    if (process.env.SHOTS) writeFileSync(join(process.env.SHOTS, `picture-${lang}.png`), p.file);
    clean(bad);
    await context.close();
  });

test('a base layer of another host is left out of the picture, which says so', async () => {
  const tiles = await serve(
    '--no-demo',
    '--tile-url',
    'http://127.0.0.1:9/{z}/{x}/{y}.png',
    '--tile-attribution',
    'Tiles',
  );
  try {
    const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
    const page = await context.newPage();
    const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
    let asked = 0;
    await page.route('http://127.0.0.1:9/**', (r) => {
      asked++;
      return r.fulfill({ contentType: 'image/png', body: Buffer.from(dot, 'base64') });
    });
    await page.goto(tiles.url);
    await ready(page);
    assert.ok(asked > 0, 'the page shows the base layer');
    const before = asked;
    const p = await take(page);
    assert.equal(asked, before, 'no tile is asked for');
    assert.match(p.texts.join(' '), /background map comes from another host and is not in this picture/);
    assert.ok(!p.texts.join(' ').includes('Tiles'));
    await context.close();
  } finally {
    await tiles.stop();
  }
});

// ---- links and frames

test('the share menu gives the link and the code of a frame that shows the same', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?event_type=battles&datetime=2025-10-01/2025-10-31`,
    {
      permissions: ['clipboard-read', 'clipboard-write'],
    },
  );
  await page.waitForURL(/map=/);
  await page.click('[data-share]');
  const link = await page.locator('[data-share-text=share-link]').inputValue();
  assert.equal(link, page.url());
  await page.click('[data-copy=share-frame]');
  await page.waitForSelector('#toast.on');
  const code = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(code, await page.locator('[data-share-text=share-frame]').inputValue());
  const src = await page.evaluate((c) => {
    const d = new DOMParser().parseFromString(c, 'text/html');
    const f = d.body.firstElementChild;
    return d.body.childElementCount === 1 && f.localName === 'iframe' && f.title && f.getAttribute('src');
  }, code);
  assert.equal(src, `${link}&embed=1`);
  await page.goto(src);
  await ready(page);
  assert.equal(await count(page, 'incidents'), 15);
  clean(bad);
  await context.close();
});

const SIZES = [
  [960, 600],
  [600, 400],
  [320, 480],
];
for (const [width, height] of SIZES)
  for (const colorScheme of ['light', 'dark'])
    test(`a frame of ${width} × ${height}, ${colorScheme}`, async () => {
      const { page, bad, context } = await open(
        browser,
        `${server.url}/?embed=1&event_type=battles&datetime=2025-10-01/2025-10-31`,
        { viewport: { width, height }, colorScheme },
      );
      assert.equal(await count(page, 'incidents'), 15);
      assert.match(await page.locator('.top').textContent(), /1–31 Oct 2025/);
      assert.equal(await page.locator('.panel *, [data-load], [data-download], input[type=file]').count(), 0);
      const open0 = page.locator('.top a');
      assert.equal(await open0.getAttribute('target'), '_blank');
      assert.match(await open0.getAttribute('rel'), /noopener/);
      const whole = new URL(await open0.getAttribute('href'));
      assert.equal(whole.searchParams.get('embed'), null);
      assert.equal(whole.searchParams.get('datetime'), '2025-10-01/2025-10-31');
      const box = (sel) => page.locator(sel).first().boundingBox();
      const inside = (b) => b && b.x >= 0 && b.y >= 0 && b.x + b.width <= width + 0.5 && b.y + b.height <= height + 0.5;
      const apart = (a, b) =>
        a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      const [title, zoom, legend, att, time] = await Promise.all(
        ['.top', '.mc', '.lgf, .lg', '.att', '.time'].map(box),
      );
      for (const b of [title, zoom, legend, att, time]) assert.ok(inside(b), JSON.stringify(b));
      for (const [a, b] of [
        [title, zoom],
        [title, legend],
        [zoom, legend],
        [legend, att],
        [att, time],
      ])
        assert.ok(apart(a, b), `${JSON.stringify(a)} over ${JSON.stringify(b)}`);
      assert.ok(Math.abs(time.height - (height < 480 ? 38 : 148)) <= 2, `strip ${time.height}`);
      for (const sel of ['.att > span:first-child', '.att .src']) assert.ok(await page.locator(sel).isVisible(), sel);
      assert.match(await page.locator('.att').textContent(), /do not imply endorsement.*OpenStreetMap/);
      // What a frame has no room for opens the whole page.
      await page.evaluate(() => {
        window.__opened = [];
        window.open = (...a) => {
          window.__opened.push(a);
          return null;
        };
      });
      // A file that is dropped is not taken.
      await page.evaluate(() => {
        const data = new DataTransfer();
        data.items.add(new File(['x'], 'x.csv'));
        for (const type of ['dragenter', 'dragover', 'drop'])
          document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
      });
      assert.ok(await page.locator('#drop').isHidden());
      assert.deepEqual(await violations(page), []);
      clean(bad);
      await context.close();
    });

test('in a frame, an incident and a badge open the whole page', async () => {
  const { page, bad, context } = await open(
    browser,
    `${server.url}/?embed=1&map=33.8,70.1,9.5&datetime=2025-10-01/2025-10-01`,
    {
      viewport: { width: 960, height: 600 },
    },
  );
  await page.evaluate(() => {
    window.__opened = [];
    window.open = (...a) => {
      window.__opened.push(a);
      return null;
    };
  });
  for (let k = 0; k < 50 && !(await page.evaluate(() => window.__opened.length)); k++) {
    await page.locator('#map').click({ position: await middle(page) });
    await page.waitForTimeout(200);
  }
  const [[href, target, features]] = await page.evaluate(() => window.__opened);
  assert.equal(target, '_blank');
  assert.match(features, /noopener/);
  const q = new URL(href).searchParams;
  assert.equal(q.get('embed'), null);
  assert.equal(q.get('datetime'), '2025-10-01/2025-10-01');
  assert.ok(q.get('incident'), href);
  clean(bad);
  await context.close();
});
/** middle is where the place of the map's view lies on it. */
const middle = (page) =>
  page.evaluate(() => {
    const r = document.getElementById('map').getBoundingClientRect();
    return { x: r.width / 2, y: r.height / 2 };
  });

test('pages of others may hold the frame, and nothing else of this server', async () => {
  const frames = ['?embed=1', '', '?embed=1&embed=0', '?embed=0'].map(
    (q, i) => `<iframe name="f${i}" width="960" height="600" src="${server.url}/${q}"></iframe>`,
  );
  const other = createServer((_, w) => {
    w.setHeader('Content-Type', 'text/html');
    w.end(`<!doctype html><title>Another page</title>${frames.join('')}`);
  });
  await new Promise((ok) => other.listen(0, '127.0.0.1', ok));
  try {
    const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${other.address().port}/`);
    const frame = page.frame('f0');
    await frame.waitForFunction(() => document.documentElement.dataset.ready === '1');
    assert.equal(await frame.locator('.top h1').count(), 1);
    for (const name of ['f1', 'f2', 'f3'])
      assert.equal(await page.frame(name).locator('#app').count(), 0, `${name} is refused`);
    await context.close();
  } finally {
    other.close();
  }
});

// ---- everyone

for (const [name, options] of [
  ['light', {}],
  ['dark', { colorScheme: 'dark' }],
  ['phone', PHONE],
])
  test(`axe finds nothing in the menus: ${name}`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/`, options);
    for (const which of ['download', 'share']) {
      await page.click(`[data-${which}]`);
      const box = await page.locator(`#${which}-menu`).boundingBox();
      const { width, height } = page.viewportSize();
      assert.ok(box.x >= 0 && box.x + box.width <= width && box.y + box.height <= height, `${which} is in sight`);
      const small = await page.$$eval(
        `#${which}-menu :is(a, button)`,
        (els, least) => els.filter((e) => e.getBoundingClientRect().height < least).map((e) => e.textContent),
        name === 'phone' ? 44 : 24,
      );
      assert.deepEqual(small, []);
      assert.deepEqual(await violations(page, '.top'), []);
      await page.keyboard.press('Escape');
    }
    clean(bad);
    await context.close();
  });

test('without JavaScript: a list of incidents and links to the data', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const bad = [];
  page.on('console', (m) => m.type() === 'error' && bad.push(m.text()));
  page.on('request', (r) => new URL(r.url()).host !== new URL(server.url).host && bad.push(r.url()));
  await page.goto(server.url);
  assert.ok(await page.locator('.plain h1').isVisible());
  assert.ok(await page.locator('#app').isHidden());
  const list = page.frameLocator('.plain iframe');
  assert.equal(await list.locator('tbody tr').count(), 62);
  assert.match(await list.locator('tbody').textContent(), /=1\+1 line 0/);
  const links = await page.$$eval('.plain a', (els) => els.map((e) => e.href));
  assert.ok(links.length >= 8);
  for (const href of links) await bytes(href);
  assert.match(await page.locator('.plain').textContent(), /do not imply endorsement/);
  clean(bad);
  await context.close();
});
