// Symbols, clusters and rings on one canvas. Nothing is made per incident: the rows in view are found once per map
// move, and a step of the brush counts them into grid cells and draws what it finds.

import { type Columns, NOT_REPORTED } from '../lib/columns';
import { clusterRadius, polygonOf, symbolRadius } from '../lib/shapes';
import { compact } from '../lib/text';
import { N_TYPES, Spot } from '../lib/vocab';
import type { Group, Model } from '../state/model';
import { metresToPx, worldSize } from './mercator';

export interface Item {
  x: number;
  y: number;
  r: number;
  /** number of incidents; 1 is a symbol */
  n: number;
  /** the row of a single incident, else -1 */
  row: number;
  /** cells of the grid that make up a cluster */
  cells: number[] | null;
  /** the pixel that several incidents share at close zooms; -1 for clusters and symbols */
  pixel: number;
}
export interface Ring {
  x: number;
  y: number;
  killed: number;
}

/** Fan is incidents of one place that are taken apart on the map. */
export interface Fan {
  rows: number[];
}

interface Cluster extends Group {
  r: number;
  row: number;
  cells: number[];
}
const radius = (m: number) => (m === 1 ? 5 : clusterRadius(m));
/** killedIn is what is reported of the killed of a row; null where nothing is. */
const killedIn = (cols: Columns, row: number): number | null => {
  const b = cols.best(row);
  return b === NOT_REPORTED ? null : b;
};

const CELL = 44;
/** More symbols than this are clustered at any zoom: they could not be told apart, and would stop the brush. */
const MOST_SYMBOLS = 2500;
/** So many incidents of one place can be taken apart on the map; more open as a list. */
export const FAN = 20;
/** Rows outside the view whose symbols reach into it, px. */
const MARGIN = 30;

export interface Colours {
  types: string[];
  casing: string;
  paper: string;
  ink: string;
  ring: string;
}

export class Symbols {
  items: Item[] = [];
  colours: Colours = { types: [], casing: '#fff', paper: '#fff', ink: '#000', ring: '#000' };
  private rows = new Uint32Array(0);
  private px = new Float32Array(0);
  private py = new Float32Array(0);
  private cell = new Uint16Array(0);
  private kind = new Uint8Array(0);
  private nx = 0;
  private ny = 0;
  private count = 0;
  private pixels: Uint32Array | null = null;
  /** incidents of each pixel; zero between two steps */
  private perPixel = new Uint32Array(0);
  private wide = 0;
  private high = 0;
  private zoom = 0;
  private left = 0;
  private top = 0;
  /** of each cell: how many, sums of their places, how many of each type, the sum of their rows, which of one is its row */
  private cells = {
    n: new Int32Array(0),
    x: new Float64Array(0),
    y: new Float64Array(0),
    t: new Int32Array(0),
    r: new Float64Array(0),
  };
  private ctx: CanvasRenderingContext2D;

  /** scale is px of the canvas for each px of the page; 0 for those of the screen. */
  constructor(
    readonly canvas: HTMLCanvasElement,
    private scale = 0,
  ) {
    this.ctx = canvas.getContext('2d')!;
  }

  readColours(): void {
    const s = getComputedStyle(document.documentElement);
    const v = (k: string) => s.getPropertyValue(k).trim();
    this.colours = {
      types: Array.from({ length: N_TYPES }, (_, i) => v(`--t${i}`)),
      casing: v('--case'),
      paper: v('--paper'),
      ink: v('--ink'),
      ring: v('--ring'),
    };
  }

  /** look finds the rows whose point is in view. left and top are the map's corner in world pixels. */
  look(model: Model, zoom: number, left: number, top: number, width: number, height: number): void {
    this.zoom = zoom;
    this.left = left;
    this.top = top;
    const size = worldSize(zoom);
    const x0 = left - MARGIN;
    const x1 = left + width + MARGIN;
    const y0 = top - MARGIN;
    const y1 = top + height + MARGIN;
    const { xh, xl, yh, yl, kind, n, tables } = model.cols;
    const { spot, type } = tables.kind;
    const unit = size / 2 ** 24;
    if (this.rows.length < n) {
      this.rows = new Uint32Array(n);
      this.px = new Float32Array(n);
      this.py = new Float32Array(n);
      this.cell = new Uint16Array(n);
      this.kind = new Uint8Array(n);
    }
    // The grid is fixed to the world, so that clusters do not jump while the map is moved.
    const ox = left - Math.floor((left - CELL) / CELL) * CELL;
    const oy = top - Math.floor((top - CELL) / CELL) * CELL;
    const nx = Math.ceil(width / CELL) + 4;
    this.nx = nx;
    this.ny = Math.ceil(height / CELL) + 4;
    let k = 0;
    for (let i = model.lo; i < n; i++) {
      const code = kind[i]!;
      if (spot[code] !== Spot.POINT) continue;
      const px = (xh[i]! * 256 + xl[i]!) * unit;
      if (px < x0 || px > x1) continue;
      const py = (yh[i]! * 256 + yl[i]!) * unit;
      if (py < y0 || py > y1) continue;
      this.rows[k] = i;
      this.px[k] = px - left;
      this.py[k] = py - top;
      this.cell[k] = Math.floor((px - left + ox) / CELL) + nx * Math.floor((py - top + oy) / CELL);
      this.kind[k] = type[code]!;
      k++;
    }
    this.count = k;
    this.pixels = null;
    this.held.of = null;
    this.wide = Math.ceil(width) + 2 * MARGIN + 2;
    this.high = Math.ceil(height) + 2 * MARGIN + 2;
  }

  /** onPixel gives each row in view its pixel: incidents of one place share it. Found when it is first asked for. */
  private onPixel(): Uint32Array {
    if (!this.pixels) {
      this.pixels = new Uint32Array(this.count);
      for (let k = 0; k < this.count; k++)
        this.pixels[k] = Math.round(this.px[k]! + MARGIN) + this.wide * Math.round(this.py[k]! + MARGIN);
      if (this.perPixel.length < this.wide * this.high) this.perPixel = new Uint32Array(this.wide * this.high);
    }
    return this.pixels;
  }

  private find(row: number): number {
    let lo = 0;
    let hi = this.count;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.rows[mid]! < row) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }

  /** each visits the rows in view that are in the window and pass the filters, as indexes of px and py. */
  private each(model: Model, visit: (k: number, row: number) => void): void {
    const { fail } = model;
    for (const row of model.extra) {
      const k = this.find(row);
      if (k < this.count && this.rows[k] === row && fail[row] === 0) visit(k, row);
    }
    const k1 = this.find(model.i1);
    for (let k = this.find(model.i0); k < k1; k++) {
      const row = this.rows[k]!;
      if (fail[row] === 0) visit(k, row);
    }
  }

  clear(width: number, height: number): void {
    const dpr = this.scale || Math.min(2, window.devicePixelRatio || 1);
    const w = Math.round(width * dpr);
    const h = Math.round(height * dpr);
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    this.ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    this.ctx.clearRect(0, 0, width, height);
    this.items = [];
  }

  /** put keeps what is drawn, to be found under the pointer. */
  private put(x: number, y: number, r: number, n: number, row = -1, cells: number[] | null = null, pixel = -1): Item {
    const item = { x, y, r, n, row, cells, pixel };
    this.items.push(item);
    return item;
  }

  /** rings: per unit, area is the number reported killed. */
  drawRings(rings: Ring[], radius: (killed: number) => number): void {
    const c = this.ctx;
    for (const g of [...rings].sort((a, b) => b.killed - a.killed)) {
      const r = radius(g.killed);
      if (r < 3) continue;
      c.beginPath();
      c.arc(g.x, g.y, r, 0, 7);
      c.globalAlpha = 0.85;
      c.lineWidth = 3.2;
      c.strokeStyle = this.colours.casing;
      c.stroke();
      c.globalAlpha = 0.1;
      c.fillStyle = this.colours.ring;
      c.fill();
      c.globalAlpha = 1;
      c.lineWidth = 1.4;
      c.strokeStyle = this.colours.ring;
      c.stroke();
      this.put(g.x, g.y, r, 0);
    }
  }

  /** draw shows the window's incidents: single symbols when close and few enough, else clusters. */
  draw(model: Model, clustered: boolean, skip: number, vicinity: number, fan: Fan | null): void {
    if (clustered || !this.drawSingles(model, skip, vicinity, fan)) this.drawClusters(model, skip);
  }

  /**
   * drawSingles draws each incident as what it is, many of one place as a number; false when there is too much to draw.
   */
  private drawSingles(model: Model, skip: number, vicinity: number, fan: Fan | null): boolean {
    const { cols } = model;
    const pixels = this.onPixel();
    const per = this.perPixel;
    const shown: [number, number][] = [];
    const used: number[] = [];
    this.each(model, (k, row) => {
      if (row === skip || used.length > MOST_SYMBOLS) return;
      const p = pixels[k]!;
      if (!per[p]++) used.push(p);
      if (per[p]! <= FAN + 1) shown.push([k, row]);
    });
    const many = (k: number) => per[pixels[k]!]! > FAN;
    const list = shown.filter(([k]) => !many(k));
    const fits = used.length <= MOST_SYMBOLS && list.length <= MOST_SYMBOLS;
    if (fits) {
      const weight = (row: number) => killedIn(cols, row) ?? -1;
      list.sort((a, b) => weight(b[1]) - weight(a[1]));
      const c = this.ctx;
      // One circle for each place, however many incidents it has: many on top of each other would look like certainty.
      const circles = new Map<number, [number, number]>();
      for (const [k, row] of shown)
        if (cols.precision(row) === vicinity && circles.size < 200) circles.set(pixels[k]!, [k, row]);
      for (const [k, row] of circles.values()) {
        c.beginPath();
        c.arc(this.px[k]!, this.py[k]!, metresToPx(25000, cols.lat(row), this.zoom), 0, 7);
        c.strokeStyle = this.colours.ink;
        c.fillStyle = this.colours.ink;
        if (circles.size <= 20) {
          c.globalAlpha = 0.05;
          c.fill();
        }
        c.globalAlpha = 0.4;
        c.lineWidth = 1;
        c.setLineDash([4, 3]);
        c.stroke();
        c.setLineDash([]);
      }
      c.globalAlpha = 1;
      const open = fan ? this.fanPixel(fan) : -1;
      const tops = new Map<number, Item>();
      for (const [k, row] of list) {
        const p = pixels[k]!;
        const killed = killedIn(cols, row);
        const r = symbolRadius(killed);
        const [x, y] = [this.px[k]!, this.py[k]!];
        const n = per[p]!;
        // Of several at one place the one with most killed is drawn; shapes on top of each other could not be read.
        if (n > 1 && tops.has(p)) continue;
        if (p !== open) this.symbol(x, y, cols.type(row), r, killed);
        const item = this.put(x, y, Math.max(r, 6), n, n > 1 ? -1 : row, null, n > 1 ? p : -1);
        if (n > 1) tops.set(p, item);
      }
      for (const m of tops.values()) if (m.pixel !== open) this.more(m);
      this.drawMany(model, shown, many, skip);
      if (fan) this.drawFan(model, fan);
    }
    for (const p of used) per[p] = 0;
    return fits;
  }

  /** drawMany draws a disc with the number for each place of more incidents than can be taken apart. */
  private drawMany(model: Model, shown: [number, number][], many: (k: number) => boolean, skip: number): void {
    const pixels = this.pixels!;
    const at = new Map<number, { x: number; y: number; t: number[] }>();
    for (const [k] of shown)
      if (many(k) && !at.has(pixels[k]!))
        at.set(pixels[k]!, { x: this.px[k]!, y: this.py[k]!, t: new Array(N_TYPES).fill(0) });
    if (!at.size) return;
    this.each(model, (k, row) => {
      const t = at.get(pixels[k]!)?.t;
      if (t && row !== skip) t[this.kind[k]!]!++;
    });
    for (const [pixel, { x, y, t }] of at) {
      const n = t.reduce((a, b) => a + b, 0);
      const r = clusterRadius(n);
      this.donut(x, y, r, n, t);
      this.put(x, y, r + 1, n, -1, null, pixel);
    }
  }

  /** more writes how many incidents lie under a symbol. */
  private more(m: Item): void {
    const c = this.ctx;
    c.font = '600 10.5px system-ui, sans-serif';
    c.textAlign = 'left';
    c.textBaseline = 'alphabetic';
    c.lineWidth = 3;
    c.lineJoin = 'round';
    c.strokeStyle = this.colours.casing;
    c.strokeText(String(m.n), m.x + m.r * 0.7 + 2, m.y - m.r * 0.7);
    c.fillStyle = this.colours.ink;
    c.fillText(String(m.n), m.x + m.r * 0.7 + 2, m.y - m.r * 0.7);
  }

  /** fanPixel is the pixel that the incidents taken apart share; -1 when they are out of view. */
  private fanPixel(fan: Fan): number {
    const k = this.find(fan.rows[0]!);
    return k < this.count && this.rows[k] === fan.rows[0] ? this.pixels![k]! : -1;
  }

  /** drawFan takes the incidents of one place apart: around it, on thin lines, each at its true size. */
  private drawFan(model: Model, fan: Fan): void {
    const { cols } = model;
    const k = this.find(fan.rows[0]!);
    const { fail, i0, i1, extra } = model;
    const rows = fan.rows.filter((row) => fail[row] === 0 && ((row >= i0 && row < i1) || extra.includes(row)));
    if (k >= this.count || this.rows[k] !== fan.rows[0] || !rows.length) return;
    const [x, y] = [this.px[k]!, this.py[k]!];
    const c = this.ctx;
    const sizes = rows.map((row) => symbolRadius(killedIn(cols, row)));
    const steps = sizes.map((r) => 2 * Math.max(r, 6) + 6);
    const around = steps.reduce((a, b) => a + b, 0);
    const R = Math.max(30, around / (2 * Math.PI));
    let at = 0;
    const spots = steps.map((step) => {
      const angle = ((at + step / 2) / around) * 2 * Math.PI - Math.PI / 2;
      at += step;
      return [x + R * Math.cos(angle), y + R * Math.sin(angle)] as const;
    });
    for (const [width, colour] of [
      [3, this.colours.casing],
      [0.9, this.colours.ink],
    ] as const) {
      c.lineWidth = width;
      c.strokeStyle = colour;
      c.beginPath();
      for (const [sx, sy] of spots) {
        c.moveTo(x, y);
        c.lineTo(sx, sy);
      }
      c.stroke();
    }
    c.beginPath();
    c.arc(x, y, 2.5, 0, 7);
    c.fillStyle = this.colours.ink;
    c.fill();
    rows.forEach((row, i) => {
      const [sx, sy] = spots[i]!;
      this.symbol(sx, sy, cols.type(row), sizes[i]!, killedIn(cols, row));
      this.put(sx, sy, Math.max(sizes[i]!, 8), 1, row);
    });
  }

  /** what the cells hold: places k0 to k1 of those in view, under which filters, without which row */
  private held = { k0: 0, k1: 0, of: null as Model | null, filtered: -1, skip: -1 };
  /** add counts the places from k0 up to k1 into their cells, or out of them. */
  private add(model: Model, k0: number, k1: number, s: number): void {
    const { rows, px, py, cell, kind } = this;
    const { n, x, y, t, r } = this.cells;
    const { fail } = model;
    const { skip } = this.held;
    // The one loop that may run over everything in view: no calls in it.
    for (let k = k0; k < k1; k++) {
      const row = rows[k]!;
      if (fail[row] !== 0 || row === skip) continue;
      const c = cell[k]!;
      n[c]! += s;
      x[c]! += s * px[k]!;
      y[c]! += s * py[k]!;
      t[c * N_TYPES + kind[k]!]! += s;
      r[c]! += s * row;
    }
  }
  /** gather brings the cells to the window: what came in is added, what went out taken away. */
  private gather(model: Model, skip: number): void {
    const cells = this.nx * this.ny;
    const h = this.held;
    const k0 = this.find(model.i0);
    const k1 = this.find(model.i1);
    const same = h.of === model && h.filtered === model.filtered && h.skip === skip && this.cells.n.length >= cells;
    const overlap = same ? Math.min(h.k1, k1) - Math.max(h.k0, k0) : 0;
    if (overlap > 0 && h.k1 - h.k0 - overlap < overlap) {
      if (k0 < h.k0) this.add(model, k0, h.k0, 1);
      else this.add(model, h.k0, k0, -1);
      if (k1 > h.k1) this.add(model, h.k1, k1, 1);
      else this.add(model, k1, h.k1, -1);
    } else {
      if (this.cells.n.length < cells)
        this.cells = {
          n: new Int32Array(cells),
          x: new Float64Array(cells),
          y: new Float64Array(cells),
          t: new Int32Array(cells * N_TYPES),
          r: new Float64Array(cells),
        };
      else for (const a of Object.values(this.cells)) a.fill(0);
      h.skip = skip;
      this.add(model, k0, k1, 1);
    }
    Object.assign(h, { k0, k1, of: model, filtered: model.filtered });
  }
  /** besides counts the few that began before the window into the cells, or out of them again. */
  private besides(model: Model, s: number): void {
    for (const row of model.extra) {
      const k = this.find(row);
      if (k < this.count && this.rows[k] === row) this.add(model, k, k + 1, s);
    }
  }

  private drawClusters(model: Model, skip: number): void {
    const cells = this.nx * this.ny;
    this.gather(model, skip);
    this.besides(model, 1);
    const { n, x, y, t, r } = this.cells;
    const list: Cluster[] = [];
    for (let c = 0; c < cells; c++) {
      const m = n[c]!;
      if (!m) continue;
      list.push({
        x: x[c]! / m,
        y: y[c]! / m,
        n: m,
        r: radius(m),
        t: Array.from(t.subarray(c * N_TYPES, (c + 1) * N_TYPES)),
        row: r[c]!,
        cells: [c],
        killed: null,
      });
    }
    this.besides(model, -1);
    for (const k of this.merge(list)) {
      if (k.n === 1) {
        const { cols } = model;
        this.symbol(k.x, k.y, cols.type(k.row), 4.6, killedIn(cols, k.row));
        this.put(k.x, k.y, 7, 1, k.row);
        continue;
      }
      this.donut(k.x, k.y, k.r, k.n, k.t);
      this.put(k.x, k.y, k.r + 1, k.n, -1, k.cells);
    }
  }

  /** drawGroups draws what the server has put together; none of it has rows. */
  drawGroups(groups: Group[]): void {
    const size = worldSize(this.zoom);
    const list = groups.map((g) => ({
      ...g,
      t: [...g.t],
      x: g.x * size - this.left,
      y: g.y * size - this.top,
      r: radius(g.n),
      row: -1,
      cells: [],
    }));
    for (const k of this.merge(list)) {
      if (k.n === 1) this.symbol(k.x, k.y, k.t.indexOf(1), 4.6, k.killed);
      else this.donut(k.x, k.y, k.r, k.n, k.t);
      this.put(k.x, k.y, k.r + 1, k.n);
    }
  }

  /** merge makes one of neighbours that would overlap. */
  private merge(list: Cluster[]): Cluster[] {
    list.sort((a, b) => b.n - a.n);
    for (let i = 0; i < list.length; i++) {
      const a = list[i]!;
      for (let j = list.length - 1; j > i; j--) {
        const b = list[j]!;
        const dx = a.x - b.x;
        const dy = a.y - b.y;
        if (dx > 36 || dx < -36 || dy > 36 || dy < -36) continue;
        const reach = (a.r + b.r + 2) * 0.9;
        if (dx * dx + dy * dy > reach * reach) continue;
        const m = a.n + b.n;
        a.x = (a.x * a.n + b.x * b.n) / m;
        a.y = (a.y * a.n + b.y * b.n) / m;
        a.n = m;
        a.r = radius(m);
        for (let k = 0; k < N_TYPES; k++) a.t[k]! += b.t[k]!;
        a.cells.push(...b.cells);
        list.splice(j, 1);
      }
    }
    return list;
  }

  private symbol(x: number, y: number, type: number, r: number, killed: number | null): void {
    const c = this.ctx;
    const p = polygonOf(type, type === 5 ? r - 0.5 : r);
    c.beginPath();
    if (p) {
      p.forEach(([a, b], i) => {
        if (i) c.lineTo(x + a, y + b);
        else c.moveTo(x + a, y + b);
      });
      c.closePath();
    } else c.arc(x, y, r, 0, 7);
    const colour = this.colours.types[type]!;
    if (killed === null || killed === 0 || type === 5) {
      c.globalAlpha = 0.85;
      c.fillStyle = this.colours.casing;
      c.fill();
      c.globalAlpha = 1;
      c.strokeStyle = colour;
      c.lineWidth = 1.5;
      if (killed === null) c.setLineDash([2, 2]);
      c.stroke();
      c.setLineDash([]);
      return;
    }
    c.globalAlpha = r > 7 ? 0.72 : 0.92;
    c.fillStyle = colour;
    c.fill();
    c.globalAlpha = 1;
    c.strokeStyle = this.colours.casing;
    c.lineWidth = 1;
    c.stroke();
  }

  private donut(x: number, y: number, r: number, n: number, t: number[]): void {
    const c = this.ctx;
    c.beginPath();
    c.arc(x, y, r + 1, 0, 7);
    c.fillStyle = this.colours.casing;
    c.fill();
    const w = r > 11 ? 3 : 2.4;
    c.lineWidth = w;
    let at = -Math.PI / 2;
    for (let k = 0; k < N_TYPES; k++) {
      if (!t[k]) continue;
      const to = at + (t[k]! / n) * 2 * Math.PI;
      c.beginPath();
      c.arc(x, y, r - w / 2, at, to);
      c.strokeStyle = this.colours.types[k]!;
      c.stroke();
      at = to;
    }
    c.font = `600 ${r > 13 ? 11.5 : r > 9.5 ? 10.5 : 9.5}px system-ui, sans-serif`;
    c.textAlign = 'center';
    c.textBaseline = 'alphabetic';
    c.fillStyle = this.colours.ink;
    c.fillText(compact(n), x, y + 3.8);
  }

  /** at finds what lies under a point of the map, the topmost first. */
  at(x: number, y: number, reach = 0): Item | null {
    for (let i = this.items.length - 1; i >= 0; i--) {
      const m = this.items[i]!;
      if (m.n && Math.hypot(m.x - x, m.y - y) <= m.r + reach) return m;
    }
    return null;
  }

  /** open lists the rows of a cluster or of a place and the box of their points in the map. */
  open(model: Model, item: Item): { rows: number[]; box: [number, number, number, number] } {
    const cells = new Set(item.cells ?? []);
    const out: number[] = [];
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    this.each(model, (k, row) => {
      if (item.pixel < 0 ? !cells.has(this.cell[k]!) : this.pixels?.[k] !== item.pixel) return;
      out.push(row);
      x0 = Math.min(x0, this.px[k]!);
      y0 = Math.min(y0, this.py[k]!);
      x1 = Math.max(x1, this.px[k]!);
      y1 = Math.max(y1, this.py[k]!);
    });
    return { rows: out, box: [x0, y0, x1, y1] };
  }
}
