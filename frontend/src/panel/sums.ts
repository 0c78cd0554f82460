// Sums of deaths as they are told: what no incident reports is a dash, and of what some leave out it is said how many give it.
import { html, nothing, type TemplateResult } from 'lit';
import { t } from '../lib/strings.en';
import { fmt } from '../lib/text';
import type { Tally } from '../state/model';

/** killed is the sum of the best figures. Of no incident it is 0, of nothing but unknown ones a dash. */
export const killed = (f: Tally): string =>
  f.total && f.unknown === f.total ? '–' : `${fmt(f.best)}${f.huge ? '+' : ''}`;

/** gaps say what the sums leave out: incidents without any figure, and of how many each sum is if it is not of all. */
export function gaps(f: Tally): string[] {
  const of = (name: string, n: number) => (n && n < f.total ? `${name}: ${t.givenBy(n, f.total)}` : '');
  return [f.unknown > f.silent ? of(t.killed, f.total - f.unknown) : '', of(t.lowHigh, f.bounded)].filter(Boolean);
}

/** ofSome follows a sum that only n of all incidents give. */
export const ofSome = (n: number, all: number): TemplateResult | typeof nothing =>
  n < all ? html` <small>(<bdi>${t.ofN(n, all)}</bdi>)</small>` : nothing;
