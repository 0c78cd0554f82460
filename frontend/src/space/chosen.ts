// The chosen incident: its symbol on top, how well its place is known, and the ring around the one that is pointed at.

import * as L from 'leaflet';
import { shapePath, symbolRadius } from '../lib/shapes';
import { Spot, typeIndex } from '../lib/vocab';
import type { App } from '../state/app';
import type { Badges } from './badges';
import type { BorderLayer } from './border';
import { CLOSE, OVERVIEW, type Stage } from './stage';

export class Chosen {
  private layer: L.LayerGroup;
  private key = '';
  private app: App;
  private map: L.Map;

  constructor(
    private stage: Stage,
    private border: BorderLayer,
    private badges: Badges,
  ) {
    this.app = stage.app;
    this.map = stage.map;
    this.layer = L.layerGroup().addTo(this.map);
  }

  /** draw says whether anything changed. */
  draw(): boolean {
    const app = this.app;
    const d = app.detail;
    const z = this.map.getZoom();
    // A tehsil's outline comes after the incident.
    const sub = d?.feature?.properties.subunit_id;
    const key = d ? `${d.key}|${d.feature ? 1 : 0}|${z}|${app.theme}|${!!sub && !!app.other(sub)}` : '';
    if (key === this.key) return false;
    const opened = d?.feature && !this.key.startsWith(`${d.key}|1`);
    this.key = key;
    this.layer.clearLayers();
    this.map.getPane('selected')!.textContent = '';
    if (!d?.feature) return true;
    const f = d.feature;
    const p = f.properties;
    const pane = 'uncertainty';
    const renderer = this.stage.renderer(pane);
    const type = Math.max(0, typeIndex(p.event_type));
    const add = (l: L.Layer) => this.layer.addLayer(l);
    const outline = (ids: string[]) => {
      for (const u of app.units?.features ?? [])
        if (ids.includes(u.properties.id))
          add(
            L.geoJSON(u, {
              pane,
              interactive: false,
              style: () => ({ ...this.stage.pathStyle('un hlu', 2), renderer }) as L.PathOptions,
            }),
          );
    };
    let bounds: L.LatLngBounds | null = null;
    const pt = f.geometry?.coordinates as [number, number] | undefined;
    if ((p.place_kind === 'point' || p.place_kind === 'circle') && pt) {
      const at: [number, number] = [pt[1], pt[0]];
      if (p.place_kind === 'circle') {
        const c = L.circle(at, {
          ...this.stage.pathStyle('un', 1.3),
          radius: p.place_radius_m ?? 25000,
          pane,
          renderer,
          interactive: false,
        });
        add(c);
        bounds = c.getBounds();
      } else bounds = L.latLngBounds([at, at]);
      const r = z < CLOSE && z >= OVERVIEW ? 6 : symbolRadius(p.fatalities_best);
      const q = this.map.latLngToLayerPoint(at);
      const hollow = p.fatalities_best === null || p.fatalities_best === 0 || type === 5;
      this.map.getPane('selected')!.innerHTML =
        `<svg class="mk" style="left:${q.x}px;top:${q.y}px" width="${2 * r + 14}" height="${2 * r + 14}" viewBox="${-r - 7} ${-r - 7} ${2 * r + 14} ${2 * r + 14}" aria-hidden="true"><circle r="${r + 5}" class="sd"/><circle r="${r + 5}" class="sr"/><path d="${shapePath(type, r)}" style="${hollow ? `fill:var(--case);stroke:var(--t${type});stroke-width:1.5${p.fatalities_best === null ? ';stroke-dasharray:2 2' : ''}` : `fill:var(--t${type});stroke:var(--case)`}"/></svg>`;
    } else if (p.place_kind === 'border') {
      // The stretch along its unit, or all of the line.
      const known = p.unit_id ? this.border.stretch(p.unit_id) : [];
      const layers = this.border.coloured(known.length ? known : this.border.line('coarse'), type);
      for (const l of layers) add(l);
      bounds = layers[0]!.getBounds();
    } else if (p.place_kind === 'unit' && p.unit_id) {
      outline([p.unit_id]);
    } else if (p.place_kind === 'units') {
      outline(p.place_units ?? []);
    } else if (p.place_kind === 'province' && p.province) {
      outline([...app.unitById.values()].filter((u) => u.province === p.province).map((u) => u.id));
    }
    if (p.place_kind === 'subunit') {
      const sub = p.subunit_id ? app.other(p.subunit_id) : undefined;
      const shape = sub?.geometry ?? f.place ?? null;
      if (shape) {
        const l = L.geoJSON(shape as GeoJSON.GeometryObject, {
          pane,
          interactive: false,
          style: () => ({ ...this.stage.pathStyle('un hlu', 2), renderer }) as L.PathOptions,
        });
        add(l);
        bounds = l.getBounds();
      } else if (p.unit_id) outline([p.unit_id]);
    }
    if (!bounds && p.place_kind === 'units') {
      const all = L.latLngBounds([]);
      for (const id of p.place_units ?? []) {
        const b = this.stage.unitBounds(id);
        if (b) all.extend(b);
      }
      if (all.isValid()) bounds = all;
    }
    if (opened) this.bring(bounds ?? this.stage.unitBounds(p.unit_id));
    return true;
  }

  /** hover marks a row's symbol or badge. */
  hover(row: number): void {
    this.hovered?.remove();
    this.hovered = null;
    for (const b of this.badges.all.values()) b.el?.classList.remove('hov');
    const app = this.app;
    const c = app.model?.cols;
    if (!c || row < 0) return;
    if (c.spot(row) === Spot.POINT) {
      const p = this.map.latLngToLayerPoint([c.lat(row), c.lon(row)]);
      const el = document.createElement('i');
      el.className = 'hov-ring';
      el.style.transform = `translate(${p.x}px,${p.y}px) translate(-50%,-50%)`;
      this.map.getPane('selected')!.append(el);
      this.hovered = el;
      return;
    }
    const a = app.header!.areas[c.area(row)];
    const key = {
      [Spot.UNIT]: `unit:${app.header!.units[c.unit(row)]}`,
      [Spot.PROVINCE]: `province:${a?.country}:${a?.province}`,
      [Spot.COUNTRY]: `country:${a?.country}`,
      [Spot.BORDER]: `border:${app.header!.units[c.unit(row)]}`,
    }[c.spot(row)];
    const badge = this.badges.all.get(key ?? '') ?? (c.spot(row) === Spot.BORDER && this.badges.all.get('border'));
    if (badge) badge.el?.classList.add('hov');
  }
  private hovered: HTMLElement | null = null;

  /** bring moves the map only when the chosen place is out of sight or under the sheet. */
  private bring(b: L.LatLngBounds | null): void {
    if (!b) return;
    const size = this.map.getSize();
    const low = size.y - this.stage.covered;
    const c = this.map.latLngToContainerPoint(b.getCenter());
    const ne = this.map.latLngToContainerPoint(b.getNorthEast());
    const sw = this.map.latLngToContainerPoint(b.getSouthWest());
    const seen = c.x > 40 && c.y > 30 && c.x < size.x - 40 && c.y < low - 30;
    if (seen && (ne.x - sw.x < size.x || ne.x < size.x + 40)) return;
    this.map.panBy([c.x - size.x / 2, c.y - low / 2], { animate: false });
  }
}
