// Loading files: what the page asks of /imports. Every request carries the write token; see docs/api.md.
import { EventReader } from '../lib/sse';
import { ApiError } from './client';

export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'undone';
export interface Noted {
  line: number;
  column: string;
  value: string;
  code: string;
  reason: string;
}
export interface Report {
  read: number;
  new: number;
  changed: number;
  unchanged: number;
  rejected: number;
  /** incidents that are not in the file any more; only where it is the whole data set */
  gone?: number | null;
  stored: boolean;
  warnings: Record<string, number> | null;
  dataset: string;
  seconds: number;
  rejects?: Noted[] | null;
  doubts?: Noted[] | null;
}
export interface Job {
  id: string;
  state: JobState;
  /** the number of the import's record; null before there is one, and of a dry run */
  import: number | null;
  file: string;
  format: string;
  dataset: string | null;
  replace_dataset: boolean;
  strict: boolean;
  dry_run: boolean;
  who: string | null;
  /** loads that have to end first */
  ahead: number;
  rows: number;
  bytes: number;
  /** 0 or null where nobody knows */
  total_bytes: number | null;
  received: string | null;
  started: string | null;
  ended: string | null;
  report?: Report | null;
  problem: string | null;
  rejects: boolean;
}
export interface Jobs {
  imports: Job[];
  max_upload_bytes: number;
}
export interface Undone {
  restored: number;
  removed: number;
  kept: number;
}
export interface Options {
  dataset: string;
  format: string;
  mapping: string;
  replace: boolean;
  strict: boolean;
  dryRun: boolean;
}

export const ended = (j: Job): boolean => j.state !== 'waiting' && j.state !== 'running';

/** fields are the form fields of an upload; what is not set is found out by the server. */
export function fields(o: Options): [string, string][] {
  const out: [string, string][] = [];
  if (o.format && o.format !== 'auto') out.push(['format', o.format]);
  if (o.dataset.trim()) out.push(['dataset', o.dataset.trim()]);
  if (o.mapping.trim()) out.push(['mapping', o.mapping]);
  if (o.replace) out.push(['replace_dataset', 'true']);
  if (o.strict) out.push(['strict', 'true']);
  if (o.dryRun) out.push(['dry_run', 'true']);
  return out;
}

/** problemText is what the server says is wrong. */
function problemText(status: number, words: string, body: string): string {
  try {
    const p = JSON.parse(body) as { detail?: string; title?: string };
    return p.detail || p.title || `${status} ${words}`;
  } catch {
    return `${status} ${words}`;
  }
}

async function ask(path: string, token: string, init: RequestInit = {}): Promise<Response> {
  const headers: Record<string, string> = { ...(init.headers as Record<string, string>) };
  if (token) headers.Authorization = `Bearer ${token}`;
  const r = await fetch(path, { cache: 'no-store', ...init, headers });
  if (!r.ok) throw new ApiError(r.status, problemText(r.status, r.statusText, await r.text().catch(() => '')));
  return r;
}
const path = (id: string, rest = '') => `./imports/${encodeURIComponent(id)}${rest}`;

/** holds says whether a token is one of the server's: any other is refused everywhere. */
export const holds = (token: string): Promise<boolean> =>
  ask('./datasets', token).then(
    () => true,
    () => false,
  );
export const listJobs = async (token: string): Promise<Jobs> => (await ask('./imports', token)).json() as Promise<Jobs>;
export const getJob = async (token: string, id: string, signal?: AbortSignal): Promise<Job> =>
  (await ask(path(id), token, { signal: signal ?? null })).json() as Promise<Job>;
/** undoJob calls off what waits or runs, and takes back what was stored. */
export const undoJob = async (token: string, id: string): Promise<Undone> =>
  (await ask(path(id), token, { method: 'DELETE' })).json() as Promise<Undone>;
export const getRejects = async (token: string, id: string): Promise<Blob> =>
  (await ask(path(id, '/rejects'), token)).blob();

/** send posts one file; fetch cannot say how much of it was sent. The promise fails with status 0 when the line broke. */
export function send(
  token: string,
  file: File,
  options: Options,
  onSent: (bytes: number, of: number) => void,
): { done: Promise<Job>; abort: () => void } {
  const xhr = new XMLHttpRequest();
  const done = new Promise<Job>((ok, no) => {
    xhr.open('POST', './imports');
    xhr.setRequestHeader('Authorization', `Bearer ${token}`);
    xhr.upload.onprogress = (e) => onSent(e.loaded, e.total);
    xhr.onload = () => {
      if (xhr.status < 200 || xhr.status > 299)
        return no(new ApiError(xhr.status, problemText(xhr.status, xhr.statusText, xhr.responseText)));
      try {
        ok(JSON.parse(xhr.responseText) as Job);
      } catch (e) {
        no(e);
      }
    };
    xhr.onerror = () => no(new ApiError(0, ''));
    xhr.onabort = () => no(new DOMException('called off', 'AbortError'));
    const form = new FormData();
    for (const [k, v] of fields(options)) form.append(k, v);
    form.append('file', file, file.name);
    xhr.send(form);
  });
  return { done, abort: () => xhr.abort() };
}

/**
 * watch tells of a job until it has ended, and gives it with its report. It reads the events; where they break off or
 * do not come, it asks again and again. It fails only when the server answers with an error.
 */
export async function watch(
  token: string,
  id: string,
  onJob: (j: Job) => void,
  onSilence: (silent: boolean) => void,
  wait: (ms: number) => Promise<void> = (ms) => new Promise((ok) => setTimeout(ok, ms)),
): Promise<Job> {
  try {
    const r = await ask(path(id, '/events'), token, { headers: { Accept: 'text/event-stream' } });
    await readEvents(r, onJob);
  } catch (e) {
    if (refused(e)) throw e;
  }
  // The events have ended, so that the job has, too; if they broke off, it is asked for until it has.
  for (let pause = 500; ; pause = Math.min(4000, pause * 1.6)) {
    try {
      const j = await getJob(token, id);
      onSilence(false);
      onJob(j);
      if (ended(j)) return j;
    } catch (e) {
      if (refused(e)) throw e;
      onSilence(true);
    }
    await wait(pause);
  }
}
/** refused: the server answered, and asking again will not help. */
const refused = (e: unknown) => e instanceof ApiError && e.status >= 400 && e.status < 500 && e.status !== 429;

async function readEvents(r: Response, onJob: (j: Job) => void): Promise<void> {
  if (!r.body || !/event-stream/.test(r.headers.get('Content-Type') ?? '')) return;
  const reader = r.body.getReader();
  const decoder = new TextDecoder();
  const events = new EventReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    for (const e of events.push(decoder.decode(value, { stream: true }))) {
      if (e.name !== 'progress' && e.name !== 'end') continue;
      // The end is told again with the report; until then the job is still at work for the reader.
      if (e.name === 'end') {
        await reader.cancel().catch(() => {});
        return;
      }
      onJob(JSON.parse(e.data) as Job);
    }
  }
}
