const STEPS = [4, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 600, 800];

/** niceTop is the top of the bars' scale: the first step that holds the highest bar. */
export function niceTop(max: number): number {
  for (let f = 1; f < 1e9; f *= 10) for (const s of STEPS) if (s >= 100 || f === 1) if (s * f >= max) return s * f;
  return Math.ceil(max);
}
