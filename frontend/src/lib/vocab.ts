// The words of the API in the order in which the page shows them.

/** TYPES are ACLED's six in their fixed order, as the API writes them; index 6 is "not stated". */
export const TYPES = [
  'Battles',
  'Explosions/Remote violence',
  'Violence against civilians',
  'Protests',
  'Riots',
  'Strategic developments',
] as const;
export const NO_TYPE = 6;
export const N_TYPES = 7;

/** typeIndex gives the fixed index of a type's name, case-insensitively; 6 for none, -1 for an unknown word. */
export function typeIndex(name: string | null | undefined): number {
  if (name == null || name === 'none') return NO_TYPE;
  const k = name.toLowerCase().replace(/\s*\/\s*/g, '/');
  return TYPES.findIndex((t) => t.toLowerCase() === k);
}
/** typeParam is the word of a type in a query. */
export const typeParam = (i: number): string => (i === NO_TYPE ? 'none' : TYPES[i]!);

/** PRECISIONS are the API's words, PRECISION_CLASS the class each is shown as (see strings: precisions). */
export const PRECISIONS = [
  'exact',
  'near',
  'settlement',
  'vicinity_25km',
  'tehsil',
  'district',
  'province',
  'line',
  'region',
  'country',
  'none',
] as const;
const CLASS: Record<string, number> = {
  exact: 0,
  near: 0,
  settlement: 0,
  vicinity_25km: 1,
  tehsil: 2,
  district: 2,
  province: 3,
  line: 4,
  region: 4,
  country: 5,
  none: 6,
};
export const N_PRECISION_CLASSES = 7;
export const precisionClass = (word: string | null | undefined): number => CLASS[word ?? 'none'] ?? 6;
export const wordsOfClass = (k: number): string[] => PRECISIONS.filter((w) => CLASS[w] === k);

/**
 * Spots say what the map may draw for an incident. Only POINT ever becomes a symbol: everything else is a badge,
 * a mark on the line, or a row beside the map.
 */
export const Spot = { POINT: 0, UNIT: 1, PROVINCE: 2, BORDER: 3, COUNTRY: 4, NONE: 5 } as const;
export type Spot = (typeof Spot)[keyof typeof Spot];

/** spotOf derives it from place_kind, and from whether a point and a unit are there at all. */
export function spotOf(
  place: string,
  hasPoint: boolean,
  hasUnit: boolean,
  hasProvince: boolean,
  hasCountry: boolean,
): Spot {
  const coarse = () => (hasUnit ? Spot.UNIT : hasProvince ? Spot.PROVINCE : hasCountry ? Spot.COUNTRY : Spot.NONE);
  switch (place) {
    case 'point':
    case 'circle':
      return hasPoint ? Spot.POINT : coarse();
    case 'unit':
    case 'subunit':
      return coarse();
    // Several units of today that are one known unit of its day; where nothing says which is meant, there is no unit.
    case 'units':
      return hasUnit && hasProvince ? Spot.UNIT : hasProvince ? Spot.PROVINCE : coarse();
    case 'province':
      return hasProvince ? Spot.PROVINCE : coarse();
    case 'border':
      return Spot.BORDER;
    case 'country':
      return hasCountry ? Spot.COUNTRY : Spot.NONE;
    default:
      return Spot.NONE;
  }
}
