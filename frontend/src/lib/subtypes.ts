/** SUBTYPES are ACLED's 25 sub-types as the API writes them, each with the index of its type in vocab TYPES. */
export const SUBTYPES: readonly (readonly [word: string, type: number])[] = [
  ['Government regains territory', 0],
  ['Non-state actor overtakes territory', 0],
  ['Armed clash', 0],
  ['Chemical weapon', 1],
  ['Air/drone strike', 1],
  ['Suicide bomb', 1],
  ['Shelling/artillery/missile attack', 1],
  ['Remote explosive/landmine/IED', 1],
  ['Grenade', 1],
  ['Sexual violence', 2],
  ['Attack', 2],
  ['Abduction/forced disappearance', 2],
  ['Peaceful protest', 3],
  ['Protest with intervention', 3],
  ['Excessive force against protesters', 3],
  ['Violent demonstration', 4],
  ['Mob violence', 4],
  ['Agreement', 5],
  ['Arrests', 5],
  ['Change to group/activity', 5],
  ['Disrupted weapons use', 5],
  ['Headquarters or base established', 5],
  ['Looting/property destruction', 5],
  ['Non-violent transfer of territory', 5],
  ['Other', 5],
];
const types = new Map(SUBTYPES);
/** typeOfSubtype gives the index of a sub-type's type in vocab TYPES; undefined for a word that is none of ACLED's. */
export const typeOfSubtype = (word: string): number | undefined => types.get(word);
