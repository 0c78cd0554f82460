// Files on their way into the store: what was chosen, what is being sent and loaded, and what became of it. Files are
// sent one after the other and watched one after the other, as the server loads them, so that a long queue takes no
// more than two of the few connections that a browser has.

import { ApiError } from '../api/client';
import * as api from '../api/imports';
import { t } from '../lib/strings.en';
import { plainError } from '../lib/text';

const KEY = 'sarhad-write-token';

/** Access says whether the reader may load files; ask: a token is wanted, read: it may only read, down: the server did not answer. */
export type Access = 'unknown' | 'ask' | 'wrong' | 'off' | 'read' | 'ok' | 'down';
export type Stage = 'queued' | 'sending' | 'job' | 'failed';

/** Entry is one file or one former import, as the page shows it. */
export interface Entry {
  key: number;
  name: string;
  stage: Stage;
  file: File | null;
  options: api.Options | null;
  sent: number;
  of: number;
  job: api.Job | null;
  /** why it was not sent or what went wrong with the last request about it */
  error: string;
  /** the server refused how it was to be loaded */
  mend: boolean;
  /** loads of these lists that come before it, while it waits */
  before: number;
  /** the server has not answered the last question */
  silent: boolean;
  /** a report in the list of former imports is shown */
  open: boolean;
  asking: boolean;
  busy: boolean;
  undone: api.Undone | null;
  /** refused rows that are shown */
  shown: number;
}

const SHOWN = 10;
let keys = 0;
const entry = (name: string, more: Partial<Entry>): Entry => ({
  key: ++keys,
  name,
  stage: 'job',
  file: null,
  options: null,
  sent: 0,
  of: 0,
  job: null,
  error: '',
  mend: false,
  before: 0,
  silent: false,
  open: false,
  asking: false,
  busy: false,
  undone: null,
  shown: SHOWN,
  ...more,
});

/** balances: every row that was read became exactly one thing. */
export const balances = (r: api.Report): boolean => r.read === r.new + r.changed + r.unchanged + r.rejected;

/** share of a job that is done, 0 to 1; null where nobody knows. */
export function share(e: Entry): number | null {
  if (e.stage === 'sending') return e.of ? Math.min(1, e.sent / e.of) : null;
  const j = e.job;
  if (j?.state !== 'running' || !j.total_bytes) return null;
  return Math.min(1, j.bytes / j.total_bytes);
}

/** statusText is where an entry stands, in words; it is also what is read out. */
export function statusText(e: Entry): string {
  const l = t.load;
  const pc = share(e);
  if (e.stage === 'queued') return l.queued;
  if (e.stage === 'sending') return pc === 1 ? l.sent : l.sending(pc === null ? null : Math.floor(pc * 100));
  if (e.stage === 'failed') return e.error;
  const j = e.job!;
  if (e.silent) return l.silent;
  if (j.state === 'waiting') return l.waiting(e.before || j.ahead);
  if (j.state === 'running') return l.running(j.rows, pc === null ? null : Math.floor(pc * 100));
  if (j.state === 'undone') return l.undone;
  if (j.state === 'failed') return j.import === null ? l.failed : l.brokeOff;
  if (j.dry_run) return l.dryDone;
  return j.report?.stored === false ? l.notStored : l.done;
}

/** spoken leaves out the steps that would only make noise: a quarter, not every percent. */
export function spoken(e: Entry): string {
  const pc = share(e);
  const quarter = pc === null ? '' : String(Math.floor(pc * 4) * 25);
  const l = t.load;
  if (e.stage === 'sending') return `${e.name}: ${pc === 1 ? l.sent : l.sending(quarter ? Number(quarter) : null)}`;
  if (e.stage === 'job' && e.job?.state === 'running' && !e.silent)
    return `${e.name}: ${l.runningShort(quarter ? Number(quarter) : null)}`;
  const r = e.job && api.ended(e.job) && e.job.state === 'done' ? e.job.report : null;
  return `${e.name}: ${statusText(e)}${r ? ` ${l.sum(r)}` : ''}`;
}

/** refusal says why the chosen files cannot be sent; '' if they can. */
export function refusal(files: readonly { name: string; size: number }[], o: api.Options, max: number): string {
  if (o.replace && files.length > 1) return t.load.oneOnly;
  const big = files.find((f) => max > 0 && f.size > max);
  if (big) return t.load.tooLarge(big.name, limit(max));
  return '';
}

/** bytes in words, in the units that file managers use. */
export function bytes(n: number): string {
  const unit = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let k = 0;
  let v = n;
  while (v >= 1000 && k < 4) {
    v /= 1000;
    k++;
  }
  return `${k && v < 10 ? v.toFixed(1) : Math.round(v)} ${unit[k]}`;
}

/** rejectsName names the file of refused rows after the one they come from, as the server does. */
export const rejectsName = (name: string): string =>
  `${name
    .replace(/[\\/:*?"<>|]/g, '_')
    .replace(/(\.gz|\.zip)+$/i, '')
    .replace(/(.)\.[^.]+$/, '$1')}-rejects.csv`;

/** limit in words: operators set it in powers of two. */
export function limit(n: number): string {
  if (n % 2 ** 20) return bytes(n);
  return n % 2 ** 30 ? `${n / 2 ** 20} MiB` : `${n / 2 ** 30} GiB`;
}

export class Uploads {
  token = '';
  access: Access = 'unknown';
  /** the words of the server about a token that it did not take */
  why = '';
  max = 0;
  options: api.Options = { dataset: '', format: 'auto', mapping: '', replace: false, strict: false, dryRun: false };
  /** files that were chosen and not yet sent off */
  chosen: File[] = [];
  /** files of this visit: what was chosen last comes first, in the order in which it was chosen */
  entries: Entry[] = [];
  /** loads that were there before, newest first */
  former: Entry[] = [];
  /** read out, politely */
  live = '';
  private sending: { entry: Entry; abort: () => void } | null = null;
  private watching = false;

  constructor(
    private changed: () => void,
    /** something was stored or taken back */
    private stored: () => void,
    /** a load came to its end */
    private ended: (e: Entry) => void = () => {},
  ) {
    try {
      this.token = sessionStorage.getItem(KEY) ?? '';
    } catch {
      // without storage the token lives as long as the page
    }
    window.addEventListener('beforeunload', (e) => {
      if (this.sending || this.entries.some((x) => x.stage === 'queued')) e.preventDefault();
    });
  }

  private keepToken(token: string): void {
    this.token = token;
    try {
      if (token) sessionStorage.setItem(KEY, token);
      else sessionStorage.removeItem(KEY);
    } catch {
      // see above
    }
  }
  /** reads is told of a token that may read, and when it is forgotten */
  reads: (token: string) => void = () => {};
  forget(): void {
    this.keepToken('');
    this.reads('');
    this.access = 'ask';
    this.former = [];
    this.changed();
  }
  async useToken(token: string): Promise<void> {
    this.keepToken(token.trim());
    await this.refresh();
  }

  /** open asks the server only where there is a token to show: to ask without one would be an error in the console. */
  async open(): Promise<void> {
    if (this.token) return this.refresh();
    if (this.access === 'unknown' || this.access === 'down') this.access = 'ask';
    this.changed();
  }

  /** refresh asks for the former imports, and so finds out whether the token is good. */
  async refresh(): Promise<void> {
    const token = this.token;
    try {
      const l = await api.listJobs(token);
      this.access = 'ok';
      this.max = l.max_upload_bytes;
      this.adopt(l.imports);
    } catch (e) {
      this.refused(e, token);
      // A token that may not load may still read, if it holds at all.
      if (token && this.access === 'off' && (await api.holds(token))) {
        this.access = 'read';
        this.reads(token);
      }
    }
    this.changed();
  }

  /** refused: what an error says about the token. It reports whether it says anything. */
  private refused(e: unknown, token = this.token): boolean {
    const status = e instanceof ApiError ? e.status : 0;
    if (status === 401) {
      this.access = token ? 'wrong' : 'ask';
      this.keepToken('');
    } else if (status === 403) this.access = 'off';
    else if (this.access !== 'ok') {
      this.access = 'down';
      this.why = words(e);
    }
    return status === 401 || status === 403;
  }

  private adopt(jobs: api.Job[]): void {
    const same = (a: api.Job, b: api.Job) => a.id === b.id || (a.import !== null && a.import === b.import);
    const old = new Map(this.former.map((e) => [e.job!.id, e]));
    this.former = [];
    for (const j of jobs) {
      const mine = this.entries.find((e) => e.job && same(e.job, j));
      if (mine) {
        if (api.ended(j) && mine.job && api.ended(mine.job)) mine.job = { ...mine.job, state: j.state };
        continue;
      }
      const e = old.get(j.id) ?? entry(j.file, {});
      e.job = { ...j, report: e.job?.report ?? j.report ?? null };
      this.former.push(e);
    }
    void this.watchNext();
  }

  choose(files: Iterable<File>): void {
    for (const f of files)
      if (!this.chosen.some((g) => g.name === f.name && g.size === f.size && g.lastModified === f.lastModified))
        this.chosen.push(f);
    this.changed();
  }
  drop(f: File): void {
    this.chosen = this.chosen.filter((g) => g !== f);
    this.changed();
  }
  get refusal(): string {
    return refusal(this.chosen, this.options, this.max);
  }
  get busy(): boolean {
    return this.entries.some((e) => e.stage === 'queued' || e.stage === 'sending' || (e.job && !api.ended(e.job)));
  }

  /** start sends what was chosen, with the options as they are now. */
  start(): void {
    if (!this.chosen.length || this.refusal) return;
    const options = { ...this.options };
    this.entries.unshift(
      ...this.chosen.map((file) => entry(file.name, { stage: 'queued', file, options, of: file.size })),
    );
    this.chosen = [];
    void this.sendNext();
    this.changed();
  }

  /** again sends a file once more that did not get through; what was refused goes back, to be sent in another way. */
  again(e: Entry): void {
    if ((e.mend || e.job) && e.file) {
      if (!e.job) this.entries = this.entries.filter((x) => x !== e);
      this.options = { ...e.options!, dryRun: false };
      this.choose([e.file]);
      return;
    }
    e.stage = 'queued';
    e.error = '';
    e.sent = 0;
    void this.sendNext();
    this.changed();
  }

  private async sendNext(): Promise<void> {
    if (this.sending) return;
    const e = this.entries.filter((x) => x.stage === 'queued').sort((a, b) => a.key - b.key)[0];
    if (!e) return;
    e.stage = 'sending';
    this.say(e);
    let drawn = 0;
    const req = api.send(this.token, e.file!, e.options!, (n, of) => {
      e.sent = n;
      e.of = of;
      this.say(e);
      const now = performance.now();
      if (now - drawn > 80 || n === of) {
        drawn = now;
        this.changed();
      }
    });
    this.sending = { entry: e, abort: req.abort };
    try {
      e.job = await req.done;
      e.stage = 'job';
    } catch (err) {
      e.stage = 'failed';
      const aborted = err instanceof DOMException && err.name === 'AbortError';
      e.error = aborted
        ? t.load.calledOff
        : err instanceof ApiError && err.status === 0
          ? t.load.broke
          : err instanceof ApiError && err.status === 401
            ? t.load.tokenWrong
            : words(err);
      e.mend = err instanceof ApiError && err.status === 400;
      if (!aborted) this.refused(err);
    }
    this.sending = null;
    this.say(e);
    this.changed();
    void this.watchNext();
    void this.sendNext();
  }

  private async watchNext(): Promise<void> {
    if (!this.token) return;
    const open = (x: Entry) => x.stage === 'job' && !!x.job && !api.ended(x.job) && !x.error;
    // Loads run in the order of their arrival, so the one that runs is the oldest.
    const [e, ...rest] = [...[...this.former].reverse(), ...[...this.entries].sort((a, b) => a.key - b.key)].filter(
      open,
    );
    if (!e) return;
    // Of those that wait the server is not asked; what is before them is known.
    e.before = 0;
    for (const [k, x] of rest.entries()) x.before = k + 1;
    if (this.watching) return;
    this.watching = true;
    try {
      const j = await api.watch(
        this.token,
        e.job!.id,
        (job) => {
          e.silent = false;
          if (api.ended(job)) return; // with its report, below
          e.job = job;
          this.say(e);
          this.changed();
        },
        (silent) => {
          e.silent = silent;
          this.say(e);
          this.changed();
        },
      );
      e.job = j;
      this.say(e);
      this.ended(e);
      if (j.state === 'done' && !j.dry_run) this.stored();
    } catch (err) {
      this.refused(err);
      e.error = err instanceof ApiError && err.status === 404 ? t.load.lost : words(err);
      this.say(e);
    }
    this.watching = false;
    this.changed();
    void this.watchNext();
  }

  /** more shows the report of a former import, which the list does not bring. */
  async more(e: Entry): Promise<void> {
    e.open = !e.open;
    this.changed();
    if (!e.open || e.job?.report || !e.job) return;
    try {
      e.job = await api.getJob(this.token, e.job.id);
      e.error = '';
    } catch (err) {
      this.refused(err);
      e.error = words(err);
    }
    this.changed();
  }

  /** undo takes a load back, or calls it off while it waits or runs. */
  async undo(e: Entry): Promise<void> {
    if (e.stage === 'queued') {
      this.entries = this.entries.filter((x) => x !== e);
      this.changed();
      return;
    }
    if (e.stage === 'sending') {
      this.sending?.abort();
      return;
    }
    if (!e.job || e.busy) return;
    const ran = !api.ended(e.job);
    e.busy = true;
    e.error = '';
    this.changed();
    try {
      const u = await api.undoJob(this.token, e.job.id);
      e.job = { ...e.job, state: 'undone' };
      if (!ran) e.undone = u;
      this.stored();
    } catch (err) {
      this.refused(err);
      e.error = words(err);
    }
    e.busy = false;
    e.asking = false;
    this.say(e);
    this.changed();
  }

  /** rejects gives the refused rows to the reader as a file. */
  async rejects(e: Entry): Promise<void> {
    e.error = '';
    try {
      const blob = await api.getRejects(this.token, e.job!.id);
      const a = document.createElement('a');
      a.href = URL.createObjectURL(blob);
      a.download = rejectsName(e.name);
      a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
    } catch (err) {
      this.refused(err);
      e.error = words(err);
      this.changed();
    }
  }

  private say(e: Entry): void {
    this.live = spoken(e);
  }
}

const words = (e: unknown): string => plainError(e instanceof Error ? e.message : String(e), t.noConnection);
