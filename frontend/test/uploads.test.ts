import { afterEach, describe, expect, it, vi } from 'vitest';
import { fields, type Job, type Options, type Report, watch } from '../src/api/imports';
import { EventReader } from '../src/lib/sse';
import { likelyReasons } from '../src/panel/detail';
import {
  balances,
  bytes,
  type Entry,
  limit,
  refusal,
  rejectsName,
  share,
  spoken,
  statusText,
} from '../src/state/uploads';

const options: Options = { dataset: '', format: 'auto', mapping: '', replace: false, strict: false, dryRun: false };
const report = (r: Partial<Report> = {}): Report => ({
  read: 10,
  new: 4,
  changed: 3,
  unchanged: 2,
  rejected: 1,
  stored: true,
  warnings: {},
  dataset: 'x',
  seconds: 1,
  ...r,
});
const job = (j: Partial<Job> = {}): Job =>
  ({
    id: 'a',
    state: 'running',
    import: 1,
    rows: 0,
    bytes: 0,
    total_bytes: null,
    ahead: 0,
    dry_run: false,
    ...j,
  }) as Job;
const entry = (e: Partial<Entry> = {}): Entry =>
  ({ name: 'x.csv', stage: 'job', sent: 0, of: 0, job: null, error: '', before: 0, silent: false, ...e }) as Entry;

describe('server-sent events', () => {
  const text =
    ': hello\n\nevent: progress\ndata: {"a":1}\n\nevent: end\r\ndata: one\r\ndata: two\r\n\r\ndata:x\n\n: beat\n\n';
  const want = [
    { name: 'progress', data: '{"a":1}' },
    { name: 'end', data: 'one\ntwo' },
    { name: 'message', data: 'x' },
  ];
  it.each([1, 2, 3, 7, 1000])('cut every %i characters they are the same', (n) => {
    const r = new EventReader();
    const got = [];
    for (let i = 0; i < text.length; i += n) got.push(...r.push(text.slice(i, i + n)));
    expect(got).toEqual(want);
  });
  it('an event that is not whole is not given', () => {
    expect(new EventReader().push('event: end\ndata: {}\n')).toEqual([]);
  });
});

describe('the fields of an upload', () => {
  it('has nothing of what is to be found out', () => expect(fields(options)).toEqual([]));
  it('has what is set', () =>
    expect(
      fields({ dataset: ' ged ', format: 'ged', mapping: 'dates: dmy', replace: true, strict: true, dryRun: true }),
    ).toEqual([
      ['format', 'ged'],
      ['dataset', 'ged'],
      ['mapping', 'dates: dmy'],
      ['replace_dataset', 'true'],
      ['strict', 'true'],
      ['dry_run', 'true'],
    ]));
});

describe('what may be sent', () => {
  const f = (size: number) => ({ name: 'x', size });
  it('a file that is too large is refused before it is sent', () => {
    expect(refusal([f(11)], options, 10)).toMatch(/larger than 10 bytes/);
    expect(refusal([f(10)], options, 10)).toBe('');
    expect(refusal([f(11)], options, 0)).toBe('');
  });
  it('only one file can be the whole data set', () => {
    expect(refusal([f(1), f(1)], { ...options, replace: true }, 10)).toMatch(/Only one file/);
    expect(refusal([f(1)], { ...options, replace: true }, 10)).toBe('');
  });
  it('refused rows are named after their file', () => {
    expect(['a.csv', 'b.c.csv.gz', 'x', '.csv', 'دہ.xlsx'].map(rejectsName)).toEqual([
      'a-rejects.csv',
      'b.c-rejects.csv',
      'x-rejects.csv',
      '.csv-rejects.csv',
      'دہ-rejects.csv',
    ]);
  });
  it('sizes in words', () => {
    expect([0, 999, 1000, 12345678, 2e9].map(bytes)).toEqual(['0 bytes', '999 bytes', '1.0 kB', '12 MB', '2.0 GB']);
    expect([2e9, 2 ** 31, 2 ** 20].map(limit)).toEqual(['2.0 GB', '2 GiB', '1 MiB']);
  });
});

describe('where a file stands', () => {
  it('the sum balances or not', () => {
    expect(balances(report())).toBe(true);
    expect(balances(report({ read: 11 }))).toBe(false);
  });
  it('a share is given only where it is known', () => {
    expect(share(entry({ stage: 'sending', sent: 5, of: 20 }))).toBe(0.25);
    expect(share(entry({ job: job({ bytes: 5 }) }))).toBeNull();
    expect(share(entry({ job: job({ bytes: 30, total_bytes: 20 }) }))).toBe(1);
    expect(share(entry({ job: job({ state: 'waiting', total_bytes: 20 }) }))).toBeNull();
  });
  it('in words', () => {
    const text = (j: Partial<Job>, e: Partial<Entry> = {}) => statusText(entry({ job: job(j), ...e }));
    expect(text({ state: 'waiting', ahead: 1 })).toMatch(/1 load before/);
    expect(text({ state: 'waiting', ahead: 0 }, { before: 2 })).toMatch(/2 loads before/);
    expect(text({ rows: 1204, bytes: 1, total_bytes: 3 })).toBe('Loading, 1,204 rows so far, 33 %');
    expect(text({ state: 'done', report: report() })).toBe('Loaded');
    expect(text({ state: 'done', report: report({ stored: false }) })).toBe('Nothing was stored');
    expect(text({ state: 'done', dry_run: true, report: report({ stored: false }) })).toMatch(/^Tried/);
    expect(text({ state: 'failed', import: null })).toMatch(/nothing was stored/);
    expect(text({ state: 'failed', import: 3 })).toBe('Broke off');
    expect(text({ state: 'undone' })).toBe('Taken back');
    expect(text({}, { silent: true })).toMatch(/does not answer/);
  });
  it('is read out by quarters, and the sum at the end', () => {
    const said = new Set<string>();
    for (let k = 0; k < 100; k++) said.add(spoken(entry({ stage: 'sending', sent: k, of: 100 })));
    for (let k = 0; k < 100; k++) said.add(spoken(entry({ job: job({ rows: k, bytes: k, total_bytes: 100 }) })));
    expect(said.size).toBe(8);
    expect(spoken(entry({ job: job({ state: 'done', report: report() }) }))).toBe(
      'x.csv: Loaded 10 read = 4 new + 3 changed + 2 unchanged + 1 refused',
    );
  });
});

describe('watching a load', () => {
  afterEach(() => vi.unstubAllGlobals());
  const stream = (...parts: string[]) =>
    new Response(
      new ReadableStream({
        start(c) {
          for (const p of parts) c.enqueue(new TextEncoder().encode(p));
          c.close();
        },
      }),
      { headers: { 'Content-Type': 'text/event-stream' } },
    );
  const json = (v: unknown, status = 200) => new Response(JSON.stringify(v), { status });
  const serve = (...answers: (Response | Error)[]) => {
    const asked: [string, string | undefined][] = [];
    vi.stubGlobal('fetch', async (url: string, init: { headers: Record<string, string> }) => {
      asked.push([url, init.headers.Authorization]);
      const a = answers.shift();
      if (!a) throw new Error('asked too often');
      if (a instanceof Error) throw a;
      return a;
    });
    return asked;
  };
  const run = async () => {
    const seen: string[] = [];
    const silent: boolean[] = [];
    const end = await watch(
      'tok',
      'a b',
      (j) => seen.push(`${j.state} ${j.rows}`),
      (s) => silent.push(s),
      async () => {},
    );
    return { seen, silent, end };
  };

  it('tells each step, shows the token, and ends with the report', async () => {
    const asked = serve(
      stream(
        `event: progress\ndata: ${JSON.stringify(job({ rows: 1 }))}\n\nevent: prog`,
        `ress\ndata: ${JSON.stringify(job({ rows: 2 }))}\n\nevent: end\ndata: ${JSON.stringify(job({ state: 'done' }))}\n\n`,
      ),
      json(job({ state: 'done', rows: 3, report: report() })),
    );
    const { seen, end } = await run();
    expect(seen).toEqual(['running 1', 'running 2', 'done 3']);
    expect(end.report?.read).toBe(10);
    expect(asked).toEqual([
      ['./imports/a%20b/events', 'Bearer tok'],
      ['./imports/a%20b', 'Bearer tok'],
    ]);
  });
  it('asks again and again where the events break off', async () => {
    serve(
      stream(`event: progress\ndata: ${JSON.stringify(job({ rows: 1 }))}\n\n`),
      new TypeError('network error'),
      json({}, 503),
      json(job({ rows: 5 })),
      json(job({ state: 'failed', rows: 6 })),
    );
    const { seen, silent, end } = await run();
    expect(seen).toEqual(['running 1', 'running 5', 'failed 6']);
    expect(silent).toEqual([true, true, false, false]);
    expect(end.state).toBe('failed');
  });
  it('does without events', async () => {
    serve(json({ detail: 'no' }, 502), json(job({ state: 'done' })));
    expect((await run()).end.state).toBe('done');
  });
  it('gives up where the server knows no such load, in its words', async () => {
    serve(json({ detail: 'There is no import a.' }, 404));
    await expect(run()).rejects.toThrow('There is no import a.');
    serve(stream(''), json({ detail: 'The token is not that of this server.' }, 401));
    await expect(run()).rejects.toThrow('The token is not');
  });
});

describe('likely the same event', () => {
  const d = { id: 'x', fid: 1, dataset: 'ged', reasons: [], distance_km: null, days_apart: 0 };
  it('gives the reasons in words', () => {
    expect(likelyReasons({ ...d, reasons: ['same_day', 'within_5_km', 'same_fatalities'], distance_km: 2.13 })).toBe(
      'Same day, 2.1 km apart, same number reported killed.',
    );
    expect(likelyReasons({ ...d, reasons: ['day_apart', 'within_5_km'] })).toBe('A day apart, within 5 km.');
    expect(likelyReasons({ ...d, reasons: ['within_5_km'], distance_km: 0 })).toBe('At the same point.');
    expect(likelyReasons({ ...d, reasons: ['same_moon'] })).toBe('Same moon.');
    expect(likelyReasons(d)).toBe('');
  });
});
