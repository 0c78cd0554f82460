// Fetches the columns and decodes them off the page's thread; blocks go over as transferred buffers, newest first.
import { type Block, type ColumnsHeader, Decoder, KEYS } from '../lib/columns';

export type FromWorker =
  | { id: number; kind: 'header'; header: ColumnsHeader }
  | { id: number; kind: 'block'; block: Block }
  | { id: number; kind: 'done' }
  | { id: number; kind: 'error'; message: string; status: number };

const post = (m: FromWorker, transfer: Transferable[] = []) =>
  (self as unknown as DedicatedWorkerGlobalScope).postMessage(m, transfer);

let running: AbortController | null = null;

/** load answers one question; one that comes later ends it, and so does one without an address. */
async function load(id: number, url: string, headers: Record<string, string>): Promise<void> {
  running?.abort();
  if (!url) return;
  const ctl = new AbortController();
  running = ctl;
  let status = 0;
  try {
    const r = await fetch(url, { signal: ctl.signal, headers });
    status = r.status;
    if (!r.ok || !r.body) throw new Error(`${r.status} ${r.statusText}`);
    const d = new Decoder(
      (header) => post({ id, kind: 'header', header }),
      (block) =>
        post(
          { id, kind: 'block', block },
          KEYS.map((k) => block[k].buffer as ArrayBuffer),
        ),
    );
    const reader = r.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      d.push(value);
    }
    d.end();
    post({ id, kind: 'done' });
  } catch (e) {
    if (ctl.signal.aborted) return;
    post({ id, kind: 'error', message: e instanceof Error ? e.message : String(e), status });
  }
}

self.onmessage = (e: MessageEvent<{ id: number; url: string; headers: Record<string, string> }>) =>
  void load(e.data.id, e.data.url, e.data.headers);
