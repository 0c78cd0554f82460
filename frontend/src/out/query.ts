// What is filtered, as one question to the server. Its answer holds just the incidents that the page counts.

import { type Day, iso } from '../lib/dates';
import { filterParams, type State } from '../state/permalink';

const list = (values: Iterable<string>) => [...values].map((v) => `'${v.replace(/'/g, "''")}'`).join(',');

/**
 * query gives the parameters for a state. Places of several kinds are joined by "or", which only a CQL2 filter can say;
 * and only there a unit is just that unit, without the former ones that lay in it.
 * window is null for the whole range; since leaves out what is before the days that the columns hold and the page counts.
 */
export function query(s: State, window: readonly [Day, Day] | null, since: string | null): URLSearchParams {
  const q = filterParams(s);
  const and: string[] = [];
  const places: string[] = [];
  for (const [name, property, chosen] of [
    ['unit', 'unit_id', s.units],
    ['province', 'province', s.provinces],
    ['country', 'country', s.countries],
  ] as const) {
    q.delete(name);
    if (chosen.size) places.push(`${property} IN (${list([...chosen].sort())})`);
  }
  if (places.length) and.push(places.length > 1 ? `(${places.join(' OR ')})` : places[0]!);
  if (since) and.push(`start_date >= DATE('${since}')`);
  if (and.length) q.set('filter', and.join(' AND '));
  if (window) q.set('datetime', `${iso(window[0])}/${iso(window[1])}`);
  return q;
}
