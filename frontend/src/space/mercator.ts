// Web Mercator with the world as a unit square, x to the east and y to the south.

export const mx = (lon: number): number => (lon + 180) / 360;
export const my = (lat: number): number => {
  const s = Math.sin((Math.max(-85.05, Math.min(85.05, lat)) * Math.PI) / 180);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
};
/** worldSize is the width of the world in pixels. */
export const worldSize = (zoom: number): number => 256 * 2 ** zoom;
/** metresToPx at a latitude. */
export const metresToPx = (m: number, lat: number, zoom: number): number =>
  (m * worldSize(zoom)) / (40075016.686 * Math.cos((lat * Math.PI) / 180));
