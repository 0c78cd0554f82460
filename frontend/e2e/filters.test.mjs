// The filters of the side panel: each alone and all together say what the server says, go into the link and come back.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clean, eventually, getJson, HOSTILE, PHONE, violations } from './checks.mjs';
import { browse, count, number, open, ready, sarhad, serve } from './server.mjs';

const HOSTILE_ID = 'hostile-1';

let server;
let browser;

before(async () => {
  server = await serve();
  const kinds = [
    ['Battles', 'Armed clash'],
    ['Explosions/Remote violence', 'Remote explosive/landmine/IED'],
    ['Protests', 'Peaceful protest'],
    ['Battles', null],
    [null, null],
  ];
  const feature = (id, lon, lat, properties) => ({
    type: 'Feature',
    id,
    geometry: lon === null ? null : { type: 'Point', coordinates: [lon, lat] },
    properties: { source_id: id, location_precision: lon === null ? 'none' : 'exact', ...properties },
  });
  const features = Array.from({ length: 300 }, (_, i) => {
    const [event_type, sub_event_type] = kinds[i % 5];
    return feature(`f${i}`, 69.5 + (i % 23) * 0.09, 32.4 + (i % 17) * 0.11, {
      start_date: `2024-${String(1 + (i % 12)).padStart(2, '0')}-${String(1 + (i % 27)).padStart(2, '0')}`,
      event_type,
      sub_event_type,
      verification: ['unverified', 'corroborated', 'disputed', 'unverified'][i % 4],
      actor1: `Side ${String.fromCharCode(65 + (i % 9))}`,
      actor2: i % 3 ? `Side ${String.fromCharCode(65 + (i % 4))} of the North` : null,
      fatalities_best: i % 7,
      summary: `${i % 2 ? 'A convoy' : 'A checkpost'} on the ${i % 5 ? 'road' : 'bridge'}, number ${i}`,
      location_name: `Village ${i % 11}`,
    });
  });
  features.push(
    feature(HOSTILE_ID, 70.1, 33.4, {
      start_date: '2024-06-15',
      event_type: 'Battles',
      sub_event_type: 'Armed clash',
      verification: 'disputed',
      actor1: HOSTILE,
      actor2: `2${HOSTILE}`,
      assoc_actors: [HOSTILE],
      fatalities_best: null,
      summary: HOSTILE,
      location_name: HOSTILE,
      location_text: `there ${HOSTILE}`,
      location_precision_code: HOSTILE,
      sources: [
        {
          publisher: HOSTILE,
          title: `title ${HOSTILE}`,
          url: 'javascript:window.__pwned=1',
          date: HOSTILE,
          language: HOSTILE,
        },
        { publisher: HOSTILE, title: null, url: 'https://example.org/"><img src=x onerror=window.__pwned=1>' },
      ],
      claims: [0, 1].map((k) => ({
        quantity: k ? HOSTILE : 'killed',
        about: HOSTILE,
        low: null,
        best: 3 + k,
        high: null,
        qualifier: HOSTILE,
        claimant: `${k}${HOSTILE}`,
        claimant_role: HOSTILE,
        source: 0,
        quote: HOSTILE,
        language: HOSTILE,
      })),
    }),
  );
  const file = join(server.dir, `${HOSTILE.replaceAll('/', '')}.geojson`);
  writeFileSync(
    file,
    JSON.stringify({
      type: 'FeatureCollection',
      dataset: { name: 'tests', title: HOSTILE, licence: HOSTILE, attribution: HOSTILE },
      features,
    }),
  );
  await sarhad('import', '--store', server.store, '--quiet', file);
  // One more set, of which only counts may be shown.
  const kept = join(server.dir, 'kept.csv');
  writeFileSync(kept, 'id,event_date,latitude,longitude,actor1\nk1,2024-03-03,33.5,70.2,Withheld Side\n');
  await sarhad('import', '--store', server.store, '--quiet', '--dataset', 'kept', kept);
  await sarhad('datasets', 'set', '--store', server.store, 'kept', '--public', 'aggregates', '--title', 'Kept back');
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const get = (path) => getJson(server.url + path);
const matched = async (query) => (await get(`/collections/incidents/items?limit=1&${query}`)).numberMatched;

/** agree waits until the page counts as many incidents as the server finds. */
async function agree(page, query) {
  const want = await matched(query);
  await eventually(async () => {
    assert.equal(await count(page, 'incidents'), want, `incidents for ${query}`);
    assert.equal(await count(page, 'list'), want, `list for ${query}`);
  });
  return want;
}
const unfold = async (page, id) => {
  const b = page.locator(`[data-facet=${id}] h2 > button[aria-expanded]`);
  if ((await b.getAttribute('aria-expanded')) === 'false') await b.click();
};
const box = (page, key) => page.locator(`input[data-key="${key}"]`);
/** rows are the counts of a facet by their keys, once they are not behind any more. */
const rows = (page, id) =>
  eventually(async () => {
    assert.equal(await page.locator(`[data-facet=${id}] [data-behind]`).count(), 0, `${id} is behind`);
    return Object.fromEntries(
      await page.$$eval(`[data-facet=${id}] input[data-key]`, (els) =>
        els.map((e) => [
          e.dataset.key.replace(/^\w+-/, ''),
          Number(e.closest('label').querySelector('.n')?.textContent.replace(/\D/g, '') || Number.NaN),
        ]),
      ),
    );
  });

/** Each filter: how it is set in the panel, its chip, and what the API calls it. */
const FILTERS = [
  ['subtype', async (page) => box(page, 'subtype-Armed clash').check(), 'Armed clash', 'sub_event_type=Armed clash'],
  ['subtype', async (page) => box(page, 'subtype-none').check(), 'Sub-type not stated', 'sub_event_type=none'],
  [
    'verification',
    async (page) => box(page, 'verification-corroborated').check(),
    'Corroborated',
    'verification=corroborated',
  ],
  [
    'verification',
    async (page) => box(page, 'verification-unverified').check(),
    'Unverified',
    'verification=unverified',
  ],
  ['actor', async (page) => box(page, 'actor-Side A').check(), 'Actor: Side A', 'actor=Side A'],
  [
    'actor',
    async (page) => {
      await page.locator('#words-actor').fill('north  side');
      await page.locator('#words-actor').press('Enter');
    },
    'Actor: north side',
    'actor=north side',
  ],
  ['border', async (page) => box(page, 'near-10').check(), 'May lie within 10 km of the border', 'border_km=10'],
  ['border', async (page) => box(page, 'near-0').check(), 'May lie on the border', 'border_km=0'],
  [
    'words',
    async (page) => {
      await page.locator('#words-q').fill('convoy bridge');
      await page.locator('[data-find=q]').click();
    },
    'Words: convoy bridge',
    'q=convoy bridge',
  ],
];

for (const [facet, choose, chip, query] of FILTERS)
  test(`${query}: chosen, counted, linked, lifted`, async () => {
    const { page, bad, context } = await open(browser, `${server.url}/`);
    const all = await agree(page, '');
    await unfold(page, facet);
    if (facet === 'subtype') await page.locator('[data-more=subtype]').click();
    await choose(page);
    const n = await agree(page, query);
    assert.ok(n < all, `${query} leaves something out`);
    assert.equal(await page.locator('.chip').count(), 1);
    assert.equal(await page.locator('.chip').textContent(), chip);
    const [name, value] = query.split('=');
    await eventually(() => assert.equal(new URL(page.url()).searchParams.get(name), value));
    // The link, opened anew, shows the same, with the section open or saying what is chosen in it.
    await page.goto(page.url());
    await ready(page);
    await agree(page, query);
    assert.equal(await page.locator('.chip').textContent(), chip);
    assert.equal(await page.locator(`[data-facet=${facet}] h2 .v`).textContent(), '1 chosen');
    await page.locator(`[data-facet=${facet}] h2 > button[aria-expanded]`).click();
    assert.notEqual(await page.locator(`[data-facet=${facet}] h2 .v`).textContent(), 'Any');
    await page.locator('.chip').click();
    await agree(page, '');
    await eventually(() => assert.equal(new URL(page.url()).searchParams.get(name), null));
    clean(bad);
    await context.close();
  });

const TOGETHER =
  'event_type=Battles&sub_event_type=Armed clash,none&verification=unverified,disputed&actor=side&border_km=100&q=road&min_fatalities=1&precision=exact,near,settlement&dataset=tests&datetime=2024-02-01/2024-11-30';

test('all together, and every count under all the others', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?${TOGETHER}`);
  const n = await agree(page, TOGETHER);
  assert.ok(n > 0, 'there is something to count');
  assert.equal(await page.locator('.chip').count(), 11);
  const others = (name) => {
    const q = new URLSearchParams(TOGETHER);
    q.delete(name);
    return q;
  };
  for (const id of ['subtype', 'verification', 'actor', 'border']) await unfold(page, id);
  for (const [id, name, key] of [
    ['verification', 'verification', 'verification'],
    ['subtype', 'sub_event_type', 'sub_event_type'],
  ]) {
    if (id === 'subtype') await page.locator('[data-more=subtype]').click();
    const agg = await get(`/aggregates?by=${key}&${others(name)}`);
    const want = Object.fromEntries(agg.rows.map((r) => [r[key] ?? 'none', r.count]));
    const have = Object.fromEntries(Object.entries(await rows(page, id)).filter(([, n]) => n));
    assert.deepEqual(have, want, id);
  }
  const near = await rows(page, 'border');
  assert.deepEqual(Object.keys(near), ['0', '5', '10', '25', '50', '100']);
  for (const [km, have] of Object.entries(near)) {
    const q = others('border_km');
    q.set('border_km', km);
    assert.equal(have, await matched(q), `${km} km`);
  }
  await page.locator('[data-more=actor]').click();
  const agg = await get(`/aggregates?by=actor&${others('actor')}`);
  const want = Object.fromEntries(agg.rows.filter((r) => r.actor).map((r) => [r.actor, r.count]));
  const have = await rows(page, 'actor');
  delete have.words; // the words of the link, which are no name
  assert.deepEqual(have, want);
  // The brush moves: the counts follow.
  await page.locator('[data-date=from]').fill('2024-05-01');
  await page.locator('[data-date=from]').press('Enter');
  const later = TOGETHER.replace('2024-02-01', '2024-05-01');
  await agree(page, later);
  await eventually(async () => {
    const q = new URLSearchParams(later);
    assert.equal((await rows(page, 'border'))[100], await matched(q));
  });
  // All lifted at once.
  await page.getByRole('button', { name: 'Clear all filters' }).click();
  await agree(page, 'datetime=2024-05-01/2024-11-30');
  await eventually(async () => assert.ok(new URL(page.url()).searchParams.size <= 2, page.url()));
  clean(bad);
  await context.close();
});

test('the actors that are not counted are named', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await unfold(page, 'actor');
  await page.locator('[data-actor-withheld]').waitFor();
  assert.match(await page.locator('[data-actor-withheld]').textContent(), /Kept back/);
  await page.locator('#words-actor').fill('Withheld');
  await eventually(async () => assert.deepEqual(await rows(page, 'actor'), {}));
  // What is typed narrows the names before it filters anything.
  await page.locator('#words-actor').fill('north b');
  await eventually(async () => assert.deepEqual(Object.keys(await rows(page, 'actor')), ['Side B of the North']));
  assert.equal(await page.locator('.chip').count(), 0);
  clean(bad);
  await context.close();
});

test('an answer that comes late is dropped, and the facet says that it waits', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  const held = [];
  await page.route(/\/aggregates\?by=actor|\/aggregates\?.*by=actor/, (route) => held.push(route));
  await unfold(page, 'actor');
  await eventually(() => assert.equal(held.length, 1));
  assert.match(await page.locator('[data-facet=actor] [data-behind]').textContent(), /Counting/);
  await box(page, 'type-0').check();
  await eventually(() => assert.equal(held.length, 2));
  await held[1].continue();
  const want = await get('/aggregates?by=actor&event_type=Battles');
  const best = Math.max(...want.rows.filter((r) => r.actor).map((r) => r.count));
  await eventually(async () => assert.equal(Math.max(...Object.values(await rows(page, 'actor'))), best));
  await held[0].continue().catch(() => {}); // the page has given it up
  assert.equal(Math.max(...Object.values(await rows(page, 'actor'))), best);
  clean(bad);
  await context.close();
});

/** tabTo presses Tab until the element has the focus. */
async function tabTo(page, selector, key = 'Tab') {
  for (let i = 0; i < 120; i++) {
    if (await page.evaluate((s) => document.activeElement?.matches(s) ?? false, selector)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${selector} is not reached by ${key}`);
}

test('by keys alone: a section, a choice, words, a chip', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await tabTo(page, '[data-facet=verification] h2 > button');
  await page.keyboard.press('Enter');
  await tabTo(page, 'input[data-key="verification-disputed"]');
  await page.keyboard.press('Space');
  await agree(page, 'verification=disputed');
  await tabTo(page, '#words-q');
  await page.keyboard.type('bridge');
  await page.keyboard.press('Enter');
  await agree(page, 'verification=disputed&q=bridge');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'words-q', 'the focus stays');
  await tabTo(page, '.chip', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await agree(page, 'verification=disputed');
  await eventually(async () =>
    assert.ok(await page.evaluate(() => document.activeElement.matches('.chip')), 'the next chip'),
  );
  await page.keyboard.press('Enter');
  await agree(page, '');
  await eventually(async () => assert.equal(await page.evaluate(() => document.activeElement.id), 'tab-filters'));
  clean(bad);
  await context.close();
});

test('words from the search', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/`);
  await page.keyboard.press('/');
  await page.keyboard.type('checkpost');
  const option = page.locator('#found [role=option]').filter({ hasText: 'Incidents with these words' });
  await option.waitFor();
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await agree(page, 'q=checkpost');
  assert.equal(await page.locator('.chip').textContent(), 'Words: checkpost');
  assert.equal(await page.locator('#search').inputValue(), '');
  await page.locator('#list .row').first().waitFor();
  clean(bad);
  await context.close();
});

test('where nothing passes, the page says what was asked and how to go on', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?q=xyzzyqwrt&verification=disputed&tab=list`);
  await page.locator('#list .empty').waitFor();
  const text = await page.locator('#list .empty').textContent();
  assert.match(text, /No incident matches/);
  assert.match(text, /Disputed, Words: xyzzyqwrt/);
  assert.doesNotMatch(text, /No incidents yet/);
  await page.getByRole('button', { name: 'Lift “Words: xyzzyqwrt”' }).click();
  await agree(page, 'verification=disputed');
  clean(bad);
  await context.close();
});

test('a short list is there whole, a long one only in part, and both in order', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?tab=list&verification=corroborated`);
  const n = await agree(page, 'verification=corroborated');
  assert.ok(n <= 200);
  assert.equal(await page.locator('#list .row').count(), n);
  const heads = await page.$$eval('#list .rows .lh', (els) =>
    els.map((e) => Number(e.querySelector('.num').textContent)),
  );
  assert.equal(
    heads.reduce((a, b) => a + b, 0),
    n,
    'months add up',
  );
  await page.locator('.chip').click();
  const all = await agree(page, '');
  assert.ok(all > 200);
  assert.ok((await page.locator('#list .row').count()) < 60);
  assert.equal(
    number(
      await page
        .locator('#list .row')
        .first()
        .evaluate((e) => e.closest('li').ariaSetSize),
    ),
    all,
  );
  await page.locator('#list .row').first().focus();
  await page.keyboard.press('End');
  await eventually(async () =>
    assert.equal(await page.evaluate(() => document.activeElement.closest('li')?.ariaPosInSet), String(all)),
  );
  clean(bad);
  await context.close();
});

test('hostile words in every field stand as text', async () => {
  const { page, bad, context } = await open(browser, `${server.url}/?tab=list&datetime=2024-06-15/2024-06-15`);
  await page.locator('#list .row').filter({ hasText: HOSTILE }).click();
  await page.locator('[data-incident]').waitFor();
  const text = await page.locator('[data-incident]').textContent();
  // title, place twice, code, actors three times, claims, sources, data set, licence, attribution, file
  assert.ok(text.split('<img src=x').length > 20, text);
  assert.equal(await page.locator('[data-incident] img, .panel img').count(), 0);
  const links = await page.$$eval('[data-incident] .srcs a', (as) => as.map((a) => [a.protocol, a.rel]));
  assert.deepEqual(links, [['https:', 'noreferrer noopener']], 'only a web link is one');
  // In the chips, the facets and the empty page too.
  const q = new URLSearchParams({ actor: HOSTILE, q: HOSTILE, dataset: 'tests', tab: 'list' });
  await page.goto(`${server.url}/?${q}`);
  await ready(page);
  await page.locator('.chip').first().waitFor();
  assert.match(await page.locator('.chips').textContent(), /<img src=x/);
  q.set('tab', 'filters');
  await page.goto(`${server.url}/?${q}`);
  await ready(page);
  await unfold(page, 'actor');
  await rows(page, 'actor');
  assert.match(await page.locator('[data-facet=actor]').textContent(), /<img src=x/);
  assert.equal(await page.locator('.panel img').count(), 0);
  await page.locator('#search').fill(HOSTILE);
  await page.locator('#found [role=option]').first().waitFor();
  assert.equal(await page.locator('#found img').count(), 0);
  assert.equal(await page.evaluate(() => window.__pwned), undefined);
  clean(bad);
  await context.close();
});

for (const [name, query, options] of [
  ['light', '', {}],
  ['dark', '&theme=dark', {}],
  ['phone', '', PHONE],
])
  test(`axe finds nothing in the open sections: ${name}`, async () => {
    const { page, bad, context } = await open(
      browser,
      `${server.url}/?actor=side&border_km=25&sub_event_type=none${query}`,
      options,
    );
    await unfold(page, 'verification');
    await rows(page, 'actor');
    await rows(page, 'border');
    assert.deepEqual(await violations(page), []);
    if (options.isMobile) {
      const small = await page.$$eval('#filters input[data-key], #filters button, #filters .inp, .chip', (els) =>
        els
          .map((e) => (e.matches('[data-key]') ? e.closest('label') : e))
          .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 43.5)
          .map((e) => e.outerHTML.slice(0, 120)),
      );
      assert.deepEqual(small, []);
    }
    clean(bad);
    await context.close();
  });
