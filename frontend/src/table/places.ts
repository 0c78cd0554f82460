// The rows of tables by place: the units, and what is in none of them, so that the sum is the total.
import { localName } from '../lib/i18n';
import { t } from '../lib/strings.en';
import { Spot } from '../lib/vocab';
import type { App } from '../state/app';
import { restKey } from '../state/compare';

export interface Place {
  /** the unit's id, or a word for what has none */
  id: string;
  name: string;
  /** the province or country that it is in */
  area: string;
  /** where it is counted in Sums */
  keys: number[];
  /** its area, where that is known */
  km2?: number;
  /** a unit that is no more: nothing is said of what is loaded for it */
  former?: boolean;
}

/** places are the units of the region, and others that have an incident. */
export function places(app: App, has: (key: number) => boolean): Place[] {
  const index = new Map(app.header!.units.map((id, i) => [id, i]));
  const out: Place[] = [];
  for (const [id, u] of app.unitById) {
    const k = index.get(id);
    if (!app.inFocus(id) && !(k !== undefined && has(k))) continue;
    const country = t.countries[u.country] ?? u.country;
    const area = u.province !== u.name ? app.provinceName(u.province) : country;
    out.push({ id, name: localName(u), area, keys: k === undefined ? [] : [k], km2: u.area_km2 ?? undefined });
  }
  for (const [id, k] of index)
    if (!app.unitById.has(id) && has(k))
      out.push({
        id,
        name: app.unitName(id),
        area: app.provinceName(app.former(id)?.province ?? ''),
        keys: [k],
        former: true,
      });
  return out;
}

/** rest are the places of incidents that are in no unit, as far as they are known. */
export function rest(app: App, has: (key: number) => boolean): Place[] {
  const out = new Map<string, Place>();
  const put = (id: string, name: string, key: number) => {
    const p = out.get(id);
    if (p) p.keys.push(key);
    else out.set(id, { id, name, area: '', keys: [key] });
  };
  for (const spot of [Spot.PROVINCE, Spot.BORDER, Spot.COUNTRY, Spot.NONE, Spot.POINT, Spot.UNIT])
    for (let area = 0; area < 256; area++) {
      const key = restKey(spot, area);
      if (!has(key)) continue;
      const a = app.header!.areas[area];
      const country = a ? (t.countries[a.country] ?? a.country) : '';
      if (spot === Spot.PROVINCE && a?.province)
        put(`province:${a.country}:${a.province}`, t.table.onlyProvince(app.provinceName(a.province)), key);
      else if (spot === Spot.BORDER) put('border', t.table.border, key);
      else if (spot === Spot.COUNTRY && a) put(`country:${a.country}`, t.table.onlyCountry(country), key);
      else if (spot === Spot.NONE) put('none', t.table.none, key);
      else put('outside', t.table.outside, key);
    }
  return [...out.values()];
}
