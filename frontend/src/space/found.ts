// What the search found: a frame around a position, or the outline of an area. It is no incident and looks like none.

import * as L from 'leaflet';
import { html, render } from 'lit';
import type { App, Found } from '../state/app';
import type { Stage } from './stage';

export class FoundLayer {
  private layer: L.LayerGroup;
  private mark = document.createElement('div');
  private key = '';
  private app: App;
  private map: L.Map;

  constructor(
    private stage: Stage,
    /** moves the map to a place */
    private show: (lat: number, lon: number, zoom: number) => void,
  ) {
    this.app = stage.app;
    this.map = stage.map;
    this.layer = L.layerGroup().addTo(this.map);
    this.mark.className = 'fm';
    this.mark.hidden = true;
    this.map.getPane('found')!.append(this.mark);
  }

  /** area is the area that was found; null for a position or for nothing that can be drawn. */
  private area(f: Found): L.LatLngBounds | null {
    const b = L.latLngBounds([]);
    for (const s of f.shapes) if (s.geometry) b.extend(L.geoJSON(s as GeoJSON.Feature).getBounds());
    for (const id of f.units) {
      const u = this.stage.unitBounds(id);
      if (u) b.extend(u);
    }
    return b.isValid() ? b : null;
  }

  /** fly goes to what was found; the view is set at once, like every other here. */
  fly(f: Found): void {
    if (f.at) {
      this.show(f.at[0], f.at[1], Math.max(this.map.getZoom(), 9.5));
      return;
    }
    const b = this.area(f);
    if (!b) return;
    const phone = this.stage.phone;
    this.map.fitBounds(b, {
      animate: false,
      maxZoom: 11,
      paddingTopLeft: [30, 70],
      paddingBottomRight: phone ? [30, 30 + this.stage.covered] : [60, 50],
    });
  }

  /** draw marks a position with the corners of a frame, which no incident has, or draws an area's outline. */
  draw(): boolean {
    const f = this.app.found;
    const key = f ? `${f.name}|${f.at}|${f.units}|${f.shapes.length}|${!!this.app.units}` : '';
    if (f?.at) {
      const p = this.map.latLngToLayerPoint(f.at);
      this.mark.style.transform = `translate(${p.x}px,${p.y}px) translate(-50%,-50%)`;
    }
    if (key === this.key) return false;
    this.key = key;
    this.layer.clearLayers();
    this.mark.hidden = !f?.at;
    if (!f) return true;
    if (f.at) {
      render(
        html`<svg width="36" height="36" viewBox="-18 -18 36 36" aria-hidden="true"><path class="cs" d="M-16-8v-8h8M8-16h8v8M16 8v8H8M-8 16h-8V8"/><path class="fb" d="M-16-8v-8h8M8-16h8v8M16 8v8H8M-8 16h-8V8"/></svg>`,
        this.mark,
      );
      return true;
    }
    const pane = 'uncertainty';
    const style = () => ({ ...this.stage.pathStyle('fnd', 2.5), renderer: this.stage.renderer(pane) }) as L.PathOptions;
    for (const s of f.shapes)
      if (s.geometry) this.layer.addLayer(L.geoJSON(s as GeoJSON.Feature, { pane, interactive: false, style }));
    for (const u of this.app.units?.features ?? [])
      if (f.units.includes(u.properties.id)) this.layer.addLayer(L.geoJSON(u, { pane, interactive: false, style }));
    return true;
  }
}
