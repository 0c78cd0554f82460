import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { clean, PHONE, violations } from './checks.mjs';
import { browse, open, ready, serve, settle } from './server.mjs';

const words = (lang) =>
  JSON.parse(readFileSync(new URL(`../src/lib/strings.${lang}.json`, import.meta.url), 'utf8')).words;
const LANGS = ['ur', 'ps', 'prs'];

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
const root = (page) =>
  page.evaluate(() => {
    const r = document.documentElement;
    return { lang: r.lang, dir: r.dir, title: document.title };
  });
const box = (page, selector) => page.locator(selector).first().boundingBox();

/**
 * leftovers are texts of the chrome with a Latin word in them. What data say (bdi, titles, sources, names of files and
 * languages, code) is left out.
 */
const leftovers = (page) =>
  page.evaluate(() => {
    const given =
      'bdi, code, kbd, q, small[dir=auto], .s, .d-h, .notes, .brand, .leaflet-pane, .tag:not(.w), script, style, [lang]:not(html)';
    // names of formats and things that are called the same in every language
    const same =
      /--write-token|SARHAD_WRITE_TOKEN|ucdp\.uu\.se\/downloads|UCDP|GED|ACLED|GeoJSON|GeoNames|GeoPackage|NDJSON|JSON|CSV|TSV|KML|PNG|HXL|Excel|YAML|Enter|CC BY|gzip|zip|Places ©|\b[AB]\b|\bkB\b|\bMB\b/g;
    const out = [];
    const look = (s, where) => {
      if (/[A-Za-z]{2}/.test(s.replace(/\u2068[^\u2069]*\u2069/g, '').replace(same, '')))
        out.push(`${where}: ${s.trim()}`);
    };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n = walk.nextNode(); n; n = walk.nextNode())
      if (!n.parentElement.closest(`noscript, ${given}`))
        look(n.data, n.parentElement.className || n.parentElement.tagName);
    for (const e of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      if (e.closest(given)) continue;
      for (const a of ['aria-label', 'title', 'placeholder']) {
        const v = e.getAttribute(a);
        // a label that repeats what data say
        if (v && !e.querySelector('bdi')) look(v, `@${a}`);
      }
    }
    return out;
  });

for (const lang of LANGS) {
  const w = words(lang);
  test(`${lang}: language, direction, title, no English in the chrome`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/?lang=${lang}`);
    assert.deepEqual(await root(page), { lang, dir: 'rtl', title: w.pageTitle });
    assert.equal(await page.locator('.head h1').textContent(), w.titles.count);
    assert.equal(
      await page
        .locator('#tab-list')
        .textContent()
        .then((s) => s.includes(w.list)),
      true,
    );
    assert.deepEqual(await leftovers(page), []);
    await page.locator('#tab-list').click();
    await page.locator('.row').first().waitFor();
    assert.deepEqual(await leftovers(page), [], 'list');
    await page.locator('.row').first().click();
    await page.locator('.d-in dl').waitFor();
    await settle(page);
    assert.deepEqual(await leftovers(page), [], 'detail');
    await page.locator('[data-back]').click();
    await page.locator('[data-load]').click();
    await page.locator('#load-h').waitFor();
    assert.deepEqual(await leftovers(page), [], 'loading files');
    clean(bad);
    await context.close();
  });

  test(`${lang}: names of places are in the language where they are known`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/?lang=${lang}&map=33.5,70.5,7`);
    const names = await page.locator('.lb').allTextContents();
    assert.ok(names.length > 8, names.join());
    assert.deepEqual(
      names.filter((n) => /[A-Za-z]/.test(n)),
      [],
    );
    const place = await page.locator('[data-facet=place] .l').allTextContents();
    assert.ok(place.includes(w.names['Khyber Pakhtunkhwa']), place.join());
    assert.ok(place.includes(w.countries.AF), place.join());
    assert.ok(place.some((p) => /[\u0600-\u06ff]/.test(p) && !p.includes(w.countries.AF)));
    clean(bad);
    await context.close();
  });
}

test('without a choice the reader’s languages decide, with it the link does', async () => {
  for (const [locale, lang] of [
    ['ur-PK', 'ur'],
    ['ps-AF', 'ps'],
    ['fa-AF', 'prs'],
    ['de-DE', 'en'],
  ]) {
    const { page, bad, context } = await open(browser, `${server.url}/`, { locale });
    assert.equal((await root(page)).lang, lang);
    assert.equal(new URL(page.url()).searchParams.get('lang'), null);
    clean(bad);
    await context.close();
  }
  const { page, context } = await open(browser, `${server.url}/?lang=en`, { locale: 'ur-PK' });
  assert.deepEqual(await root(page), {
    lang: 'en',
    dir: 'ltr',
    title: 'Sarhad: incidents in the Pakistan–Afghanistan border region',
  });
  await context.close();
});

test('the menu changes the language in place: filters, map and window stay, and the link has it', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?lang=en&event_type=Battles&map=33.500,70.500,7.5`);
  let loads = 0;
  page.on('request', (r) => {
    if (/columns/.test(r.url())) loads++;
  });
  const before = await page.locator('[data-count=incidents]').first().textContent();
  await page.locator('[data-language]').click();
  const items = page.locator('.lang [role=menuitemradio]');
  assert.deepEqual(
    (await items.allTextContents()).map((s) => s.trim()),
    ['English', 'اردو', 'پښتو', 'دری'],
  );
  // by keys: the one in use has the focus, the next is Urdu
  assert.equal(await page.evaluate(() => document.activeElement.dataset.choice), 'en');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.documentElement.lang === 'ur');
  await settle(page);
  assert.equal(
    await page.evaluate(() => 'language' in document.activeElement.dataset),
    true,
    'the focus is on the button',
  );
  const q = new URL(page.url()).searchParams;
  assert.equal(q.get('lang'), 'ur');
  assert.equal(q.get('event_type'), 'Battles');
  const [lat, lon, zoom] = q.get('map').split(',').map(Number);
  assert.ok(Math.abs(lat - 33.5) < 0.01 && Math.abs(lon - 70.5) < 0.01 && zoom === 7.5, q.get('map'));
  assert.equal(await page.locator('[data-count=incidents]').first().textContent(), before);
  assert.equal(loads, 0, 'nothing is loaded again');
  assert.deepEqual(await leftovers(page), []);
  assert.equal(
    await page.locator('[data-handle=start]:not([data-other])').first().getAttribute('aria-label'),
    words('ur').handleStart,
  );
  assert.equal(await page.locator('#map').getAttribute('aria-label'), words('ur').mapLabel);
  // The same link opens the same page, and English comes back whole.
  await page.reload();
  await ready(page);
  assert.equal((await root(page)).lang, 'ur');
  await page.locator('[data-language]').click();
  await page.locator('.lang [data-choice=en]').click();
  await page.waitForFunction(() => document.documentElement.lang === 'en');
  await settle(page);
  assert.equal(await page.locator('.head h1').textContent(), 'Incidents by district and province');
  assert.equal((await page.locator('.lb').allTextContents()).filter((s) => /[\u0600-\u06ff]/.test(s)).length, 0);
  clean(bad);
  await context.close();
});

test('figures: Latin at first, local by choice, everywhere and in the link', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?lang=ps`);
  assert.match(await page.locator('[data-count=incidents]').first().textContent(), /^\d+$/);
  await page.locator('[data-language]').click();
  await page.locator('.lang [role=menuitemradio]').last().click();
  await page.waitForFunction(() => /^[۰-۹٬]+$/.test(document.querySelector('[data-count=incidents]').textContent));
  await settle(page);
  assert.equal(new URL(page.url()).searchParams.get('numerals'), 'local');
  const chrome = await page.evaluate(() =>
    [...document.querySelectorAll('.num, .nt, .tsvg text, .ramp span, input[data-date]')]
      .map((e) => e.value ?? e.textContent)
      .filter((s) => /\d/.test(s)),
  );
  assert.deepEqual(chrome, []);
  // What is typed may have digits and months of either kind.
  const from = page.locator('[data-date=from]');
  const day = await from.inputValue();
  assert.match(day, /^[۰-۹]{1,2} \p{L}+ [۰-۹]{4}$/u);
  const to = page.locator('[data-date=to]');
  const end = await to.inputValue();
  await from.fill(end);
  await from.press('Enter');
  await settle(page);
  assert.equal(await from.inputValue(), end);
  await from.fill('2025-10-11');
  await from.press('Enter');
  await settle(page);
  assert.equal(new URL(page.url()).searchParams.get('datetime')?.slice(0, 10), '2025-10-11');
  clean(bad);
  await context.close();
});

test('from right to left: chrome mirrored; map, time, play and colours are not', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?lang=ur`);
  const width = 1366;
  const panel = await box(page, '#panel');
  assert.ok(panel.x + panel.width > width - 2, 'the panel is at the right');
  assert.ok((await box(page, '.lg')).x < 20, 'the legend is at the left');
  assert.ok((await box(page, '.mc')).x < 20, 'so are the buttons of the map');
  assert.ok((await box(page, '.brand')).x > width / 2);
  const play = await box(page, '[data-play]');
  const [back, on] = await page.locator('.tt .st button').all();
  assert.ok(play.x < (await back.boundingBox()).x && (await back.boundingBox()).x < (await on.boundingBox()).x);
  assert.ok(
    (await box(page, '[data-handle=start]:not([data-other])')).x <
      (await box(page, '[data-handle=end]:not([data-other])')).x,
  );
  const ramp = await page.locator('.lg .ramp > div').all();
  assert.ok((await ramp[0].boundingBox()).x < (await ramp[6].boundingBox()).x, 'the colours run to the right');
  // West is left: Iran's name stands left of India's.
  const w = words('ur');
  const at = async (name) => (await page.locator('.lb', { hasText: name }).first().boundingBox()).x;
  assert.ok((await at(w.countries.AF)) < (await at(w.countries.PK)));
  // Back is to the right.
  await page.locator('#tab-list').click();
  await page.locator('.row').first().click();
  await page.locator('.d-in dl').waitFor();
  const m = await page.locator('[data-back] svg').evaluate((e) => getComputedStyle(e).transform);
  assert.equal(m, 'matrix(-1, 0, 0, 1, 0, 0)');
  // A range of figures is not turned round.
  await page.locator('[data-back]').click();
  assert.equal(await page.locator('[data-count=low-high]').evaluate((e) => getComputedStyle(e).direction), 'ltr');
  clean(bad);
  await context.close();
});

test('the page’s own letters come where the system lacks them, and only there', async () => {
  for (const missing of [false, true]) {
    const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
    const page = await context.newPage();
    let fonts = 0;
    page.on('request', (r) => {
      if (/\.woff2/.test(r.url())) fonts++;
    });
    // A system without the letter dal with ring: it is as wide as what no font has.
    if (missing)
      await page.addInitScript(() => {
        const f = CanvasRenderingContext2D.prototype.measureText;
        CanvasRenderingContext2D.prototype.measureText = function (s) {
          return f.call(this, s === 'ډ' ? '\u0378' : s);
        };
      });
    await page.goto(`${server.url}/?lang=ps`);
    await ready(page);
    if (missing) await page.waitForFunction(() => document.documentElement.dataset.letters === 'own');
    assert.equal(fonts, missing ? 1 : 0);
    if (missing)
      assert.equal(
        await page.evaluate(() => [...document.fonts].some((x) => x.family.includes('Sarhad Arabic'))),
        true,
      );
    await context.close();
  }
});

test('a language that does not come leaves the page as it was and says so', async () => {
  const { page, context } = await open(browser, `${server.url}/?lang=en`);
  await page.route(/strings\.prs/, (r) => r.abort());
  await page.locator('[data-language]').click();
  await page.locator('.lang [data-choice=prs]').click();
  await page.locator('.lang [role=alert]').waitFor();
  assert.equal((await root(page)).lang, 'en');
  await settle(page);
  assert.equal(new URL(page.url()).searchParams.get('lang'), 'en');
  await context.close();
});

for (const [name, query, options, click = '[data-language]'] of [
  ['Urdu', 'lang=ur', {}],
  ['Urdu, dark, list', 'lang=ur&theme=dark&tab=list', {}],
  ['Pashto on a phone, local figures', 'lang=ps&numerals=local', PHONE],
  ['Dari, the table', 'lang=prs&show=table', {}],
  ['Urdu, the table', 'lang=ur&show=table&rows=incidents', {}],
  ['Urdu, comparing', 'lang=ur&datetime=2025-10-01/2025-10-31&compare=2025-09-01/2025-09-30&tab=compare', {}],
  ['Urdu, filters chosen', 'lang=ur&event_type=Battles&verification=disputed&actor=a&border_km=25', {}],
  ['Urdu, nothing found', 'lang=ur&q=xyzzyqwrt&tab=list', {}],
  ['Urdu, loading files', 'lang=ur', {}, '[data-load]'],
  ['Urdu on a phone, loading files', 'lang=ur', PHONE, '[data-load]'],
])
  test(`axe finds nothing: ${name}`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/?${query}`, options);
    if (options === PHONE) assert.ok(await page.evaluate(() => innerWidth <= 390), 'nothing is wider than the phone');
    if (options !== PHONE || click === '[data-load]') await page.locator(click).click();
    assert.deepEqual(await violations(page), []);
    clean(bad);
    await context.close();
  });
