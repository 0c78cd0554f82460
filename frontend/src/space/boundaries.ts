// Outlines and tests on the units' polygons.
import type { MultiPolygon, Polygon, Position } from 'geojson';
import type { Units } from '../api/client';

export const polygons = (g: Polygon | MultiPolygon): Position[][][] =>
  g.type === 'Polygon' ? [g.coordinates] : g.coordinates;

/** flat gives the rings of a polygon as lon, lat, lon, lat …: what is asked many thousand times reads no nested lists. */
export const flat = (g: Polygon | MultiPolygon): Float64Array[] =>
  polygons(g)
    .flat()
    .map((ring) => Float64Array.from(ring.flatMap(([lon, lat]) => [lon!, lat!])));

/** inside tests a point (lon, lat) against the rings of a polygon by crossing number. */
export function inside(rings: Float64Array[], lon: number, lat: number): boolean {
  let c = false;
  for (const r of rings) {
    let xj = r[r.length - 2]!;
    let yj = r[r.length - 1]!;
    for (let i = 0; i < r.length; i += 2) {
      const xi = r[i]!;
      const yi = r[i + 1]!;
      if (yi > lat !== yj > lat && lon < ((xj - xi) * (lat - yi)) / (yj - yi) + xi) c = !c;
      xj = xi;
      yj = yi;
    }
  }
  return c;
}

/**
 * outlines finds the edges that only one unit of a group has and chains them to lines: the group's outer boundary.
 * Neighbours share their vertices, so an inner edge occurs twice.
 */
export function outlines(units: Units, groupOf: (id: string) => string | null): Map<string, Position[][]> {
  const groups = new Map<string, Map<string, [Position, Position] | null>>();
  const key = (p: Position) => `${p[0]!.toFixed(4)},${p[1]!.toFixed(4)}`;
  for (const f of units.features) {
    const g = groupOf(f.properties.id);
    if (g === null) continue;
    const edges = groups.get(g) ?? new Map<string, [Position, Position] | null>();
    groups.set(g, edges);
    for (const poly of polygons(f.geometry))
      for (const ring of poly)
        for (let i = 1; i < ring.length; i++) {
          const a = ring[i - 1]!;
          const b = ring[i]!;
          const ka = key(a);
          const kb = key(b);
          if (ka === kb) continue;
          const k = ka < kb ? `${ka};${kb}` : `${kb};${ka}`;
          edges.set(k, edges.has(k) ? null : [a, b]);
        }
  }
  const out = new Map<string, Position[][]>();
  for (const [g, edges] of groups) {
    const next = new Map<string, [Position, Position][]>();
    for (const e of edges.values())
      if (e) {
        const k = key(e[0]);
        const l = next.get(k);
        if (l) l.push(e);
        else next.set(k, [e]);
      }
    const lines: Position[][] = [];
    for (const start of next.values())
      while (start.length) {
        const first = start.pop()!;
        const line = [first[0], first[1]];
        for (;;) {
          const more = next.get(key(line[line.length - 1]!))?.pop();
          if (!more) break;
          line.push(more[1]);
        }
        // Crumbs of a few edges are gaps between neighbours, not boundaries.
        if (line.length > 6) lines.push(line);
      }
    out.set(g, lines);
  }
  return out;
}
