// The overview: a ring for each unit, its area the number reported killed, and the three units with most incidents
// named in the margin.

import type L from 'leaflet';
import { OR_MORE } from '../lib/columns';
import { localName } from '../lib/i18n';
import { t } from '../lib/strings.en';
import { esc, fmt } from '../lib/text';
import type { App } from '../state/app';
import { type Box, OVERVIEW, type Stage } from './stage';
import type { Ring, Symbols } from './symbols';

const say = (el: Element, text: string) => {
  if (el.textContent !== text) el.textContent = text;
};

export class Rings {
  /** the number of killed that the largest ring stands for */
  max = 1;
  private top: { id: string; x: number; y: number }[] = [];
  private app: App;
  private map: L.Map;

  constructor(
    private stage: Stage,
    private symbols: Symbols,
  ) {
    this.app = stage.app;
    this.map = stage.map;
  }

  radius = (killed: number): number => Math.sqrt(killed / this.max) * (this.stage.phone ? 17 : 21);

  paint(): void {
    const app = this.app;
    const rings: Ring[] = [];
    let most = 1;
    app.header!.units.forEach((id, i) => {
      const k = app.tally.killed[i]!;
      const u = app.unitById.get(id);
      if (!u || k <= 0) return;
      if (k > most) most = k;
      const p = this.map.latLngToContainerPoint([u.label_lat, u.label_lon]);
      rings.push({ x: p.x, y: p.y, killed: k });
    });
    // The scale of the rings holds still while the brush moves, but nothing may outgrow it: then it has room for more.
    if (!app.moving) this.max = most;
    else if (most > this.max) this.max = most * 1.4;
    this.symbols.drawRings(rings, this.radius);
  }

  /** draw names the three units with most incidents in the margin of the overview. */
  draw(fresh: boolean, names: Box[] = []): void {
    const app = this.app;
    const z = this.map.getZoom();
    const size = this.map.getSize();
    let box = this.topBox;
    if (!box) {
      box = document.createElement('div');
      box.className = 'tops';
      this.topBox = box;
      this.map.getPane('badges')!.append(box);
    }
    if (z >= OVERVIEW || this.stage.phone || size.x < 700) {
      box.textContent = '';
      this.top = [];
      return;
    }
    const h = app.header!;
    if (fresh) {
      const most = h.units
        .map((id, i) => ({ id, n: app.tally.unit[i]! }))
        .filter((o) => o.n > 1 && app.inFocus(o.id))
        .sort((a, b) => b.n - a.n)
        .slice(0, 3)
        .map((o) => {
          const u = app.unitById.get(o.id)!;
          const p = this.map.latLngToContainerPoint([u.label_lat, u.label_lon]);
          return { id: o.id, p };
        })
        .filter((o) => o.p.x > 0 && o.p.y > 0 && o.p.x < size.x - 60 && o.p.y < size.y - 30)
        .sort((a, b) => a.p.y - b.p.y);
      const x = Math.min(this.map.latLngToContainerPoint([34, 75.5]).x, size.x - 170);
      this.top = [];
      for (const o of most) {
        const u = app.unitById.get(o.id)!;
        const n = fmt(app.tally.unit[h.units.indexOf(o.id)]!);
        const w = Math.max(
          this.stage.width(localName(u), '600 12px') + this.stage.width(` ${n}`, '12px'),
          this.stage.width(t.deathsUnknown, '11px'),
        );
        const x0 = o.p.x + 60 > x ? o.p.x + 70 : x;
        // In the margin beside it, as near to its own height as name and leader keep clear of what stands there.
        search: for (const dx of [0, -40, 40, -80, -120])
          for (const dy of [-22, 0, -44, 22, -66, 44, -88, 66, -110, 88]) {
            const at = { id: o.id, x: x0 + dx, y: o.p.y + dy };
            if (at.x < o.p.x + 40 || at.x + w + 8 > size.x || at.y < 20 || at.y > size.y - 40) continue;
            const box: Box = [at.x - 4, at.y - 16, at.x + w + 6, at.y + 18];
            const line = this.leaderBoxes(o.p.x, o.p.y, at.x, at.y);
            const clear = (l: Box) => !names.some((q) => l[0] < q[2] && l[2] > q[0] && l[1] < q[3] && l[3] > q[1]);
            if (this.stage.hits(box) || !line.every(clear)) continue;
            this.stage.boxes.push(box, ...line);
            names.push(box, ...line);
            this.top.push(at);
            break search;
          }
      }
    }
    if (fresh) this.build(box);
    for (const [k, o] of this.top.entries()) {
      const i = h.units.indexOf(o.id);
      const u = app.unitById.get(o.id)!;
      const p = this.map.latLngToContainerPoint([u.label_lat, u.label_lon]);
      const killed = app.tally.killed[i]!;
      const r = Math.max(3, this.radius(killed)) + 2;
      const dx = p.x - (o.x - 6);
      const dy = p.y - o.y;
      const len = Math.hypot(dx, dy) || 1;
      const d = `M${(dx - (dx / len) * r).toFixed(1)},${(dy - (dy / len) * r).toFixed(1)}L-14,0H0`;
      const unknown =
        app.tally.unitSilent[i] === app.tally.unit[i]
          ? t.deathsUnknown
          : app.tally.unitUnknown[i] === app.tally.unit[i]
            ? t.noBestLong
            : '';
      const { lead, n, note } = this.named[k]!;
      for (const path of lead) if (path.getAttribute('d') !== d) path.setAttribute('d', d);
      say(n, fmt(app.tally.unit[i]!));
      say(note[0]!, unknown ? '' : `${fmt(killed)}${app.tally.huge && killed >= OR_MORE ? '+' : ''}`);
      say(note[1]!, unknown || ` ${t.killedS}`);
    }
  }
  /** named are the parts of the names in the margin that change with the brush: the leader, the count, the killed */
  private named: { lead: Element[]; n: Element; note: Element[] }[] = [];
  private build(box: HTMLElement): void {
    box.innerHTML = this.top
      .map(({ id, x, y }) => {
        const q = this.map.containerPointToLayerPoint([x, y]);
        return `<svg class="leader" style="left:${q.x - 6}px;top:${q.y}px" width="1" height="1" aria-hidden="true"><path class="cs"/><path class="ld"/></svg><span class="ann" style="left:${q.x}px;top:${q.y}px"><b>${esc(localName(this.app.unitById.get(id)!))}</b> <span class="num"></span><small><span class="num"></span><span></span></small></span>`;
      })
      .join('');
    const all = (what: string) => [...box.querySelectorAll(what)];
    this.named = this.top.map((_, k) => ({
      lead: [...all('.leader')[k]!.children],
      n: all('.ann > .num')[k]!,
      note: [...all('.ann small')[k]!.children],
    }));
  }
  /** leaderBoxes are small boxes along a leader, which nothing else may cover. */
  private leaderBoxes(px: number, py: number, x: number, y: number): Box[] {
    const out: Box[] = [];
    const run = (x0: number, y0: number, x1: number, y1: number, from: number) => {
      const len = Math.hypot(x1 - x0, y1 - y0);
      for (let d = from; d <= len; d += 6) {
        const cx = x0 + ((x1 - x0) * d) / len;
        const cy = y0 + ((y1 - y0) * d) / len;
        out.push([cx - 3, cy - 3, cx + 3, cy + 3]);
      }
    };
    run(px, py, x - 20, y, 12);
    run(x - 20, y, x - 6, y, 0);
    return out;
  }
  private topBox: HTMLElement | null = null;
}
