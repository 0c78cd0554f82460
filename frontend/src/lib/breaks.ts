// Six classes after zero, for counts, for killed, and from a tenth of 1 for rates. The least step always stays; the
// top break is the largest step of the ladder that is not above the 95th percentile of the units with incidents.

const LADDER = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000];
/** Left out first until six steps remain: 2, then 10, then 5, then 50, then what is next from below. */
const DROP = [2, 10, 5, 50, 20, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];

/** The scale when there is little to shade. */
export const SMALLEST = [1, 2, 5, 10, 20, 50];

/** Values are what units are shaded by; null where it is not known. */
export type Values = ArrayLike<number | null>;

/** percentile95 is the nearest-rank percentile of the values above zero; 0 when there are none. */
export function percentile95(counts: Values): number {
  const some: number[] = [];
  for (let i = 0; i < counts.length; i++) if (counts[i]! > 0) some.push(counts[i]!);
  if (!some.length) return 0;
  some.sort((a, b) => a - b);
  return some[Math.min(some.length - 1, Math.ceil(some.length * 0.95) - 1)]!;
}

/** breaks gives the six lower bounds for these values of units, on the ladder from 1, or from 0.1 in tenths (parts = 10). */
export function breaks(values: Values, parts = 1): number[] {
  return steps(percentile95(values) * parts).map((s) => s / parts);
}

function steps(p: number): number[] {
  const upto = LADDER.filter((s) => s <= p);
  if (upto.length <= 6) return SMALLEST;
  const keep = [...upto];
  for (const d of DROP) {
    if (keep.length <= 6) break;
    const at = keep.indexOf(d);
    if (at > 0 && at < keep.length - 1) keep.splice(at, 1);
  }
  return keep;
}

/** classOf is 0 for zero, else 1 to 6; what is above zero but below the first step is in the first class. */
export function classOf(n: number, br: readonly number[]): number {
  if (n <= 0) return 0;
  let k = 0;
  while (k < br.length && n >= br[k]!) k++;
  return Math.max(1, k);
}

/** needsRefit says whether a frozen scale no longer fits: its top class is empty or holds over a quarter. */
export function needsRefit(counts: Values, br: readonly number[]): boolean {
  let shaded = 0;
  let top = 0;
  const last = br[br.length - 1]!;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i]! > 0) shaded++;
    if (counts[i]! >= last) top++;
  }
  return shaded > 0 && (top === 0 || top * 4 > shaded);
}
