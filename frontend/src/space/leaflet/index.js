// What the page uses of Leaflet, from its own modules: a map, tiles, and shapes drawn as SVG. Popups, tooltips, images,
// canvas and the controls are left out, a third of the whole. The build puts this in the place of "leaflet".

import { svg } from 'leaflet/src/layer/vector/SVG.js';
import { Map as LeafletMap } from 'leaflet/src/map/Map.js';
import 'leaflet/src/map/handler/Map.BoxZoom.js';
import 'leaflet/src/map/handler/Map.DoubleClickZoom.js';
import 'leaflet/src/map/handler/Map.Drag.js';
import 'leaflet/src/map/handler/Map.Keyboard.js';
import 'leaflet/src/map/handler/Map.ScrollWheelZoom.js';
import 'leaflet/src/map/handler/Map.TouchZoom.js';
import * as DomUtil from 'leaflet/src/dom/DomUtil.js';

LeafletMap.include({
  // A shape without a renderer of its own is drawn by that of its pane.
  getRenderer(layer) {
    const { pane, renderer } = layer.options;
    const own = renderer ?? (this._paneRenderers[pane] ??= svg({ pane }));
    if (!this.hasLayer(own)) this.addLayer(own);
    return own;
  },
});

export { toLatLngBounds as latLngBounds } from 'leaflet/src/geo/LatLngBounds.js';
export { geoJSON } from 'leaflet/src/layer/GeoJSON.js';
export { layerGroup } from 'leaflet/src/layer/LayerGroup.js';
export { tileLayer } from 'leaflet/src/layer/tile/TileLayer.js';
export { circle } from 'leaflet/src/layer/vector/Circle.js';
export { polygon } from 'leaflet/src/layer/vector/Polygon.js';
export { polyline } from 'leaflet/src/layer/vector/Polyline.js';
export { rectangle } from 'leaflet/src/layer/vector/Rectangle.js';
export { createMap as map } from 'leaflet/src/map/Map.js';
export { DomUtil, svg };
