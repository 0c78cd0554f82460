// One question to the server at a time. What is asked later ends what was asked before, so no stale answer is shown;
// while the brush moves the last question waits for the answer to the one before it, and is asked a few times a second.

/** at least so many ms lie between two questions while the brush moves */
const GAP = 300;

export class Question<T> {
  private key = '';
  private next: (() => void) | null = null;
  private ctl: AbortController | null = null;
  private timer = 0;
  private sent = 0;
  private done = Promise.resolve();

  /** put takes the answer to what was asked last */
  constructor(
    private moving: () => boolean,
    private put: (answer: T) => void,
  ) {}

  /** want asks what the key stands for, once; the promise is kept when the answer has come or none will. */
  want(key: string, ask: (signal: AbortSignal) => Promise<T>): Promise<void> {
    if (key === this.key) return this.done;
    this.key = key;
    this.done = new Promise((done) => {
      this.next?.(); // it will not be asked any more
      this.next = done;
      const send = () => {
        this.next = null;
        void this.send(key, ask).then(done);
      };
      clearTimeout(this.timer);
      const moving = this.moving();
      const wait = () => {
        if (this.moving() && this.ctl) this.timer = window.setTimeout(wait, 40);
        else send();
      };
      if (moving) this.timer = window.setTimeout(wait, Math.max(0, this.sent + GAP - performance.now()));
      else send();
    });
    return this.done;
  }

  private async send(key: string, ask: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.ctl?.abort();
    const ctl = new AbortController();
    this.ctl = ctl;
    this.sent = performance.now();
    try {
      const answer = await ask(ctl.signal);
      if (!ctl.signal.aborted) this.put(answer);
    } catch {
      // The next frame asks again.
      if (!ctl.signal.aborted && this.key === key) this.key = '';
    }
    if (this.ctl === ctl) this.ctl = null;
  }
}
