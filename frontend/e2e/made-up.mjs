// Incidents that never happened, each marked as synthetic, for pictures in which the demo alone would be too thin. The
// same every time: places, days and figures come from a sequence of numbers, words from the lists below.
import { writeFileSync } from 'node:fs';

/** Units and their weights: a belt along the border has most incidents, as the real files have it. */
const WEIGHTS = {
  'pk-kp-north-waziristan': 15,
  'pk-kp-upper-south-waziristan': 7,
  'pk-kp-lower-south-waziristan': 5,
  'pk-kp-bajaur': 8,
  'pk-kp-khyber': 8,
  'pk-kp-kurram': 6,
  'pk-kp-mohmand': 4,
  'pk-kp-orakzai': 3,
  'pk-kp-bannu': 6,
  'pk-kp-lakki-marwat': 5,
  'pk-kp-dera-ismail-khan': 6,
  'pk-kp-tank': 4,
  'pk-kp-peshawar': 6,
  'pk-kp-swat': 3,
  'pk-kp-lower-dir': 1.5,
  'pk-kp-upper-dir': 1,
  'pk-kp-lower-chitral': 0.8,
  'pk-kp-hangu': 1.5,
  'pk-kp-kohat': 1.2,
  'pk-kp-karak': 1,
  'pk-kp-mardan': 1,
  'pk-kp-nowshera': 0.8,
  'pk-kp-charsadda': 1.2,
  'pk-ba-quetta': 5,
  'pk-ba-kech': 5,
  'pk-ba-panjgur': 2,
  'pk-ba-kalat': 1.5,
  'pk-ba-khuzdar': 2,
  'pk-ba-killa-abdullah': 1.5,
  'pk-ba-chaman': 1.2,
  'pk-ba-zhob': 1.2,
  'pk-ba-dera-bugti': 1.4,
  'pk-ba-gwadar': 1,
  'pk-ba-mastung': 1,
  'pk-ba-kachhi': 1,
  'pk-ba-sibi': 0.8,
  'pk-ba-harnai': 0.8,
  'af-nan': 3,
  'af-knr': 2.2,
  'af-kab': 3,
  'af-kho': 1.8,
  'af-pka': 1.6,
  'af-kan': 1.5,
  'af-kdz': 0.6,
  'af-bgl': 0.5,
  'af-pan': 0.8,
  'af-tak': 0.4,
  'af-her': 0.5,
  'af-hel': 0.5,
  'af-gha': 0.3,
};
const KINDS = [
  ['Battles', 'Armed clash', 40, 'Exchange of fire'],
  ['Explosions/Remote violence', 'Remote explosive/landmine/IED', 24, 'Explosion'],
  ['Violence against civilians', 'Attack', 14, 'Civilians shot at'],
  ['Protests', 'Peaceful protest', 13, 'Peaceful gathering'],
  ['Strategic developments', 'Other', 5, 'Crossing closed for some hours'],
  ['Riots', 'Mob violence', 4, 'Crowd and police in the streets'],
];
const SPOTS = ['a post', 'a road', 'a bazaar', 'a bridge', 'a checkpoint', 'a village', 'a bus stand', 'a fort'];
const BORDER_UNITS = ['pk-kp-kurram', 'pk-kp-north-waziristan', 'pk-kp-bajaur', 'pk-ba-chaman'];
const DAY = 864e5;
const FIRST = Date.UTC(2019, 0, 1);
const LAST = Date.UTC(2025, 11, 31);
const iso = (t) => new Date(t).toISOString().slice(0, 10);

/** numbers gives numbers from 0 up to 1, the same ones for the same seed (Park and Miller). */
function numbers(seed) {
  let s = seed;
  return () => {
    s = (s * 48271) % 2147483647;
    return s / 2147483647;
  };
}
function pick(r, list, weight) {
  let at = r() * list.reduce((s, x) => s + weight(x), 0);
  for (const x of list) {
    at -= weight(x);
    if (at < 0) return x;
  }
  return list.at(-1);
}

/**
 * writeMadeUp writes n made-up incidents as GeoJSON, in the units of a server: points, circles of 25 km, districts,
 * stretches of the border and no place at all; days, weeks and months; figures of two sides for one of them.
 */
export async function writeMadeUp(url, file, n) {
  const { features } = await (await fetch(`${url}/collections/units/items?limit=1000`)).json();
  const units = features.map((f) => f.properties).filter((u) => WEIGHTS[u.id]);
  const r = numbers(20251011);
  const out = [];
  const put = (properties, at) =>
    out.push({
      type: 'Feature',
      geometry: at ? { type: 'Point', coordinates: at.map((v) => Math.round(v * 1e4) / 1e4) } : null,
      properties: { source_id: `made-up-${out.length + 1}`, synthetic: true, ...properties },
    });
  for (let i = 0; i < n; i++) {
    // Waves that grow towards the end.
    let t;
    do t = FIRST + Math.sqrt(r()) * (LAST - FIRST);
    while (r() > 0.62 + 0.38 * Math.sin(t / DAY / 95) * Math.cos(t / DAY / 37));
    const [event_type, sub_event_type, , what] = pick(r, KINDS, (k) => k[2]);
    const u = pick(r, units, (x) => WEIGHTS[x.id]);
    const how = r();
    const deadly = /Battles|Explosions|Violence/.test(event_type);
    const best = r() < 0.07 ? null : deadly && r() > 0.35 ? Math.min(70, Math.floor((1 - r()) ** -0.75)) : 0;
    const dates = r();
    const spot = SPOTS[Math.floor(r() * SPOTS.length)];
    const common = {
      start_date: iso(t),
      ...(dates < 0.02
        ? { start_date: `${iso(t).slice(0, 7)}-01`, end_date: `${iso(t).slice(0, 7)}-28`, time_precision: 'month' }
        : dates < 0.06
          ? { end_date: iso(Math.min(t + 6 * DAY, LAST)), time_precision: 'week' }
          : { time_precision: 'day' }),
      event_type,
      sub_event_type,
      fatalities_low: best,
      fatalities_best: best,
      fatalities_high: best === null ? null : best + (best > 3 ? Math.floor(best * 0.3) : 0),
      country: u.country,
      province: u.province,
      unit_id: u.id,
      verification: ['unverified', 'unverified', 'corroborated', 'confirmed', 'disputed'][Math.floor(r() * 5)],
      actor1: event_type === 'Protests' ? 'Residents (made up)' : 'Side A (made up)',
      actor2: event_type === 'Battles' ? 'Side B (made up)' : null,
    };
    if (how < 0.012) {
      put({
        ...common,
        country: null,
        province: null,
        unit_id: null,
        location_precision: 'none',
        summary: `Synthetic: ${what.toLowerCase()}, place not given`,
      });
      continue;
    }
    if (how < 0.14) {
      put({
        ...common,
        location_precision: 'district',
        location_name: u.name,
        summary: `Synthetic: ${what.toLowerCase()} in ${u.name}`,
      });
      continue;
    }
    // Half of it at three places of the unit, the rest anywhere near.
    const reach = Math.sqrt(u.area_km2) / 111 / 3.4;
    const hub = r() < 0.5 ? Math.floor(r() * 3) + 1 : 0;
    const angle = hub ? hub * 2.1 + u.name.length : r() * 2 * Math.PI;
    const far = hub ? 0.55 * reach : Math.sqrt(r()) * reach;
    const shake = hub ? 0.03 : 0;
    const at = [
      u.label_lon + (Math.cos(angle) * far) / Math.cos((u.label_lat * Math.PI) / 180) + (r() - 0.5) * shake,
      u.label_lat + Math.sin(angle) * far + (r() - 0.5) * shake,
    ];
    const near = how > 0.72;
    put(
      {
        ...common,
        location_precision: near ? 'vicinity_25km' : 'exact',
        location_name: `${u.name}, ${spot}`,
        summary: `Synthetic: ${what.toLowerCase()} near ${spot}`,
      },
      at,
    );
  }
  for (const [k, id] of BORDER_UNITS.entries())
    for (let i = 0; i < 3 - (k % 3); i++) {
      const u = units.find((x) => x.id === id);
      put({
        start_date: iso(Date.UTC(2025, 8 + (i % 3), 5 + 3 * k)),
        time_precision: 'day',
        event_type: k === 3 ? 'Strategic developments' : 'Battles',
        fatalities_best: k + i,
        country: u.country,
        province: u.province,
        unit_id: id,
        location_precision: 'line',
        place_kind: 'border',
        location_name: `The border at ${u.name}`,
        verification: 'unverified',
        summary: `Synthetic: exchange of fire over the border at ${u.name}, no post named`,
      });
    }
  const kurram = units.find((x) => x.id === 'pk-kp-kurram');
  const side = (claimant, about, best, qualifier, source, date) => ({
    quantity: 'killed',
    about,
    low: best,
    best: qualifier ? null : best,
    high: qualifier ? null : best,
    qualifier,
    claimant,
    claimant_role: 'party',
    source,
    quote: qualifier ? `${qualifier} ${best}` : null,
    language: 'en',
    date,
  });
  put(
    {
      start_date: '2025-10-14',
      end_date: '2025-10-15',
      time_precision: 'days_2_6',
      event_type: 'Battles',
      sub_event_type: 'Armed clash',
      country: 'PK',
      province: kurram.province,
      unit_id: kurram.id,
      location_precision: 'vicinity_25km',
      location_name: 'Kurram, a made-up post',
      location_text: 'near a post in Kurram',
      verification: 'disputed',
      actor1: 'Side A (made up)',
      actor2: 'Side B (made up)',
      fatalities_best: null,
      summary: 'Synthetic: clash at a made-up post; both sides name figures',
      claims: [
        side('Side A (made up)', 'members of side A', 6, null, 0),
        side('Side B (made up)', 'members of side A', 19, null, 1),
        side('Side A (made up)', 'members of side B', 40, 'more than', 0),
        side('Side B (made up)', 'members of side B', 4, null, 1),
      ],
      sources: [
        {
          publisher: 'Spokesman of side A (made up)',
          title: 'Made-up statement',
          date: '2025-10-15',
          language: 'en',
          is_party: true,
        },
        {
          publisher: 'Spokesman of side B (made up)',
          title: 'Made-up answer',
          date: '2025-10-16',
          language: 'ps',
          is_party: true,
        },
      ],
    },
    [kurram.label_lon - 0.16, kurram.label_lat + 0.12],
  );
  writeFileSync(
    file,
    JSON.stringify({
      type: 'FeatureCollection',
      dataset: {
        name: 'made-up',
        title: 'Synthetic incidents, all made up',
        licence: 'none needed',
        attribution: 'Synthetic incidents (made up for pictures)',
        synthetic: true,
      },
      features: out,
    }),
  );
}
