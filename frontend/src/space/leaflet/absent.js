// Parts of Leaflet that its other modules import and this page never comes to: markers, which its GeoJSON layer
// would make of points, and the drawing of Internet Explorer 8.
export const Marker = { include() {} };
export const vmlCreate = null;
export const vmlMixin = null;
