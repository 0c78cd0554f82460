// Names on the map that no dataset carries. Positions are where the name reads well, lat, lon.

export const COUNTRIES: { code: string; name: string; at: [number, number] }[] = [
  { code: 'AF', name: 'Afghanistan', at: [33.9, 65.4] },
  { code: 'PK', name: 'Pakistan', at: [29.6, 70.9] },
];
export const NEIGHBOURS: { name: string; at: [number, number] }[] = [
  { name: 'Iran', at: [28.4, 59.7] },
  { name: 'Turkmenistan', at: [37.3, 61.3] },
  { name: 'Uzbekistan', at: [38.4, 66.2] },
  { name: 'Tajikistan', at: [38.3, 70.2] },
  { name: 'India', at: [28.4, 74.6] },
  { name: 'China', at: [37.6, 76.2] },
];
export const PROVINCES: Record<string, [number, number]> = {
  'Khyber Pakhtunkhwa': [34.62, 72.25],
  Balochistan: [28.05, 65.2],
  Punjab: [31.1, 72.2],
  Sindh: [26.1, 68.6],
};
export const SEA: [number, number] = [24.55, 63.6];
/** The border's name stands once, north of the line west of 66° E. */
export const BORDER_NAME: [number, number] = [29.93, 63.6];
