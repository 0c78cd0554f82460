// Counts that only the server can give: of actors and of the steps of the distance to the border. They are asked for
// when what they are counted under has rested, an answer to an older question is dropped, and they say when they are behind.
import { type Aggregates, getAggregates, getMatched } from '../api/client';
import type { App } from '../state/app';

const REST = 300;

export class Asked<T> {
  /** the last answer; null before the first */
  have: T | null = null;
  /** why the last question got no answer */
  failed: string | null = null;
  private key = '';
  private timer = 0;
  private abort: AbortController | null = null;
  /** key of the answer, or of the question that failed */
  private done = '';

  /** own is the parameter that the facet sets itself: it is counted under all others. */
  constructor(
    private app: App,
    private own: string,
    private ask: (params: URLSearchParams[], signal: AbortSignal) => Promise<T>,
  ) {}

  get behind(): boolean {
    return this.done !== this.key;
  }

  /** want is called whenever the facet is drawn; it asks if what it would be counted under has changed. */
  want(): void {
    const params = [this.app.apiQuery()];
    for (const p of params) p.delete(this.own);
    const key = `${this.app.datasets?.change}|${params.join('|')}`;
    if (key === this.key) return;
    this.key = key;
    this.abort?.abort();
    clearTimeout(this.timer);
    if (this.behind) this.timer = window.setTimeout(() => void this.load(params, key), REST);
  }
  /** again asks once more after a failure. */
  again(): void {
    this.key = this.done = '';
    this.app.touch({ ui: true });
  }

  private async load(params: URLSearchParams[], key: string): Promise<void> {
    const ctl = new AbortController();
    this.abort = ctl;
    try {
      const answer = await this.ask(params, ctl.signal);
      if (ctl.signal.aborted) return;
      this.have = answer;
      this.failed = null;
    } catch (e) {
      if (ctl.signal.aborted) return;
      this.failed = e instanceof Error ? e.message : String(e);
    }
    this.done = key;
    this.app.touch({ ui: true });
  }
}

export interface Actors {
  /** names of sides, most incidents first */
  rows: { name: string; n: number }[];
  /** names of the data sets that are not counted by actor */
  withheld: string[];
}

/** actors adds up the answers of several queries that have no incident in common. */
export function actors(answers: Aggregates[]): Actors {
  const n = new Map<string, number>();
  const withheld = new Set<string>();
  for (const a of answers) {
    for (const r of a.rows) if (r.actor) n.set(r.actor, (n.get(r.actor) ?? 0) + r.count);
    for (const w of a.withheld ?? []) withheld.add(w);
  }
  return {
    rows: [...n].map(([name, n]) => ({ name, n })).sort((a, b) => b.n - a.n || (a.name < b.name ? -1 : 1)),
    withheld: [...withheld],
  };
}

export const askActors = async (params: URLSearchParams[], signal: AbortSignal): Promise<Actors> =>
  actors(await Promise.all(params.map((p) => getAggregates(withParam(p, 'by', 'actor'), signal))));

/** askSteps counts the incidents that may lie within each of these distances. */
export const askSteps = async (
  steps: readonly number[],
  params: URLSearchParams[],
  signal: AbortSignal,
): Promise<Map<number, number>> =>
  new Map(
    await Promise.all(
      steps.map(async (km): Promise<[number, number]> => {
        const n = await Promise.all(params.map((p) => getMatched(withParam(p, 'border_km', String(km)), signal)));
        return [km, n.reduce((a, b) => a + b, 0)];
      }),
    ),
  );

function withParam(p: URLSearchParams, name: string, value: string): URLSearchParams {
  const q = new URLSearchParams(p);
  q.set(name, value);
  return q;
}
