// Sorting of very many rows by a small key, at once: a row is put where the counts of the keys say.

const LAST = 65535;

/** byKey sorts rows by keys from 0 to 65534, in place and stable; the key 65535 is "not known" and comes last either way. */
export function byKey(rows: Uint32Array, key: (row: number) => number, down: boolean): void {
  const at = (row: number) => {
    const k = key(row);
    return down && k !== LAST ? LAST - 1 - k : k;
  };
  const heads = new Uint32Array(LAST + 2);
  for (const r of rows) heads[at(r) + 1]!++;
  for (let k = 1; k < heads.length; k++) heads[k]! += heads[k - 1]!;
  for (const r of rows.slice()) rows[heads[at(r)]!++] = r;
}
