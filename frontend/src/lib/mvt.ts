// Mapbox vector tiles, as far as those of incidents go (docs/api.md, "Tiles"): layers of points with their properties.

export interface TilePoint {
  id: number;
  /** place in the tile: 0 to 1 from its western and northern edge */
  x: number;
  y: number;
  p: Record<string, string | number>;
}

/** each visits the fields of a message: numbers as they are, what has a length as bytes. */
function each(b: Uint8Array, visit: (field: number, value: number, bytes: Uint8Array) => void): void {
  let at = 0;
  const number = (): number => {
    let n = 0;
    for (let f = 1; ; f *= 128) {
      const c = b[at++]!;
      n += (c & 127) * f;
      if (!(c & 128)) return n;
    }
  };
  while (at < b.length) {
    const key = number();
    const kind = key & 7;
    if (kind > 2 || kind === 1) throw new Error('not a tile of incidents');
    const n = number();
    visit(key >> 3, n, kind ? b.subarray(at, (at += n)) : b);
  }
}

const numbers = (b: Uint8Array): number[] => {
  const out: number[] = [];
  let n = 0;
  let f = 1;
  for (const c of b) {
    n += (c & 127) * f;
    f *= 128;
    if (c & 128) continue;
    out.push(n);
    n = 0;
    f = 1;
  }
  return out;
};
const text = (b: Uint8Array) => new TextDecoder().decode(b);

/** layers reads a tile; values are texts and whole numbers. */
export function layers(tile: Uint8Array): Record<string, TilePoint[]> {
  const out: Record<string, TilePoint[]> = {};
  each(tile, (_, __, layer) => {
    let name = '';
    let extent = 4096;
    const keys: string[] = [];
    const values: (string | number)[] = [];
    const features: Uint8Array[] = [];
    each(layer, (field, n, b) => {
      if (field === 1) name = text(b);
      else if (field === 2) features.push(b);
      else if (field === 3) keys.push(text(b));
      else if (field === 4) each(b, (kind, v, t) => values.push(kind === 1 ? text(t) : v));
      else if (field === 5) extent = n;
    });
    out[name] = features.map((f) => {
      const point: TilePoint = { id: 0, x: 0, y: 0, p: {} };
      each(f, (field, n, b) => {
        if (field === 1) point.id = n;
        if (field === 2) {
          const tags = numbers(b);
          for (let i = 0; i < tags.length; i += 2) point.p[keys[tags[i]!]!] = values[tags[i + 1]!]!;
        }
        if (field === 4) {
          // One "move to", then its place as zigzag numbers.
          const [, x, y] = numbers(b) as [number, number, number];
          point.x = ((x >> 1) ^ -(x & 1)) / extent;
          point.y = ((y >> 1) ^ -(y & 1)) / extent;
        }
      });
      return point;
    });
  });
  return out;
}
