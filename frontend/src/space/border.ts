// The border: its line, coarse or fine, and where marks on it may stand.

import type { Geometry, Position } from 'geojson';
import * as L from 'leaflet';
import type { App } from '../state/app';
import type { Offset, Stage } from './stage';

export class BorderLayer {
  private layers: L.Polyline[] = [];
  private zoomed: boolean | null = null;
  private app: App;
  private map: L.Map;

  constructor(private stage: Stage) {
    this.app = stage.app;
    this.map = stage.map;
  }

  /** moved: the view has changed, the middle of what is seen of the line is looked for again. */
  moved(): void {
    this.anchor = undefined;
  }

  /** line is the line of a detail as lat, lon. */
  line(detail: 'coarse' | 'fine'): [number, number][][] {
    const out: [number, number][][] = [];
    const all = this.app.border?.features ?? [];
    const some = all.filter((f) => f.properties.detail === detail);
    for (const f of some.length ? some : all.slice(0, 1)) {
      const g = f.geometry as Geometry;
      const lines: Position[][] =
        g.type === 'LineString' ? [g.coordinates] : g.type === 'MultiLineString' ? g.coordinates : [];
      for (const l of lines) out.push(l.map((p) => [p[1]!, p[0]!]));
    }
    return out;
  }

  draw(): void {
    if (!this.app.border) return;
    const fine = this.map.getZoom() >= 7;
    if (this.zoomed === fine) return;
    this.zoomed = fine;
    for (const l of this.layers) l.remove();
    const line = this.line(fine ? 'fine' : 'coarse');
    this.layers = this.style(line, fine, 'border').map((l) => l.addTo(this.map));
  }
  private style(line: L.LatLngExpression[][], fine: boolean, pane: string): L.Polyline[] {
    const base = { pane, renderer: this.stage.renderer(pane), interactive: false, fill: false };
    return [
      L.polyline(line, { ...this.stage.pathStyle('bc', 5), ...base }),
      L.polyline(line, {
        ...this.stage.pathStyle('bl0', fine ? 2 : 1.5),
        ...base,
        lineCap: 'butt',
        dashArray: fine ? '12 4 2 4' : '9 3 1.5 3',
      }),
    ];
  }

  /** seen are points of the line in view, in the middle of the view first. */
  private seen(): [number, number][] {
    const s = this.map.getSize();
    const low = s.y - this.stage.covered - 30;
    const all: [number, number][] = [];
    for (const line of this.line('coarse'))
      for (let i = 1; i < line.length; i++) {
        // Long legs have points between, so that a close view finds some.
        const [a, b] = [line[i - 1]!, line[i]!];
        const p = this.map.latLngToContainerPoint(a);
        const q = this.map.latLngToContainerPoint(b);
        const n = Math.min(40, Math.max(1, Math.round(p.distanceTo(q) / 30)));
        for (let k = 0; k < n; k++) all.push([a[0] + ((b[0] - a[0]) * k) / n, a[1] + ((b[1] - a[1]) * k) / n]);
      }
    return all.filter((p) => {
      const q = this.map.latLngToContainerPoint(p);
      return q.x > 20 && q.y > 24 && q.x < s.x - 20 && q.y < low;
    });
  }

  /** middle is a point of the line in the middle of its part in view. */
  middle(): [number, number] | null {
    if (this.anchor === undefined) {
      const seen = this.seen();
      this.anchor = seen.length ? seen[Math.floor(seen.length * 0.62)]! : null;
    }
    return this.anchor;
  }
  /** undefined means: look again, the view has changed */
  private anchor: [number, number] | null | undefined;

  /** beside are places next to the line, as offsets from the anchor: 8 px off, never on it. */
  beside(at: [number, number], w: number): Offset[] {
    const key = `border|${Math.ceil(w)}`;
    const had = this.stage.insideCache.get(key);
    if (had) return had;
    const o = this.map.latLngToContainerPoint(at);
    const pts = this.seen().map((p) => this.map.latLngToContainerPoint(p));
    const step = Math.max(1, Math.floor(pts.length / 24));
    const size = this.map.getSize();
    const out: Offset[] = [];
    const near = pts.filter((_, k) => k % step === 0).sort((a, b) => a.distanceTo(o) - b.distanceTo(o));
    for (const p of near)
      for (const [dx, dy] of [
        [-w / 2 - 10, 0],
        [w / 2 + 10, 0],
        [0, -20],
        [0, 20],
      ] as Offset[]) {
        const x = p.x + dx;
        const y = p.y + dy;
        if (x - w / 2 < 4 || x + w / 2 > size.x - 4 || y < 14 || y > size.y - this.stage.covered - 14) continue;
        if (pts.some((q) => Math.abs(q.x - x) < w / 2 + 4 && Math.abs(q.y - y) < 9 + 4)) continue;
        out.push([Math.round(x - o.x), Math.round(y - o.y)]);
      }
    this.stage.insideCache.set(key, out);
    return out;
  }
}
