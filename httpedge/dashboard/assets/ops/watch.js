// watch reads one path of /api/v1 again and again, and knows how the reading goes.
//
//	read ──200──▶ live ─────────────────────every 2 s─────────▶ read
//	  ├──401──▶ refused    ├──403──▶ forbidden     it stops: only another key helps
//	  ├──503──▶ GET /api/status ──▶ store, draining or busy ─┐
//	  ├──nothing, 502, 504──▶ silent                         ├─▶ a pause, then read
//	  └──anything else──▶ odd                                ┘
//
//	const w = new Watch('/api/v1/cluster', key, { doubt: (body) => ... })
//	w.addEventListener('answer', e => ...)  // detail: { body, at, offset }: offset in ms to add for the server's time
//	w.addEventListener('state', e => ...)   // detail: { state, status, rule }, after each read
//	w.start(); w.stop()
//
// It reads nothing while the page is hidden, and at once when it is shown again.

const DEFAULTS = {
  every: 2_000,            // ms from an answer to the next read
  timeout: 5_000,          // ms; for one read
  backoff: [1_000, 10_000],// ms; a random pause up to the first, doubled each time up to the second: somebody waits
  doubt: () => false,      // of a body: is it worth asking whether the store answers?
};

export class Watch extends EventTarget {
  #path; #key; #options; #timer = 0; #reading = null; #failures = 0; #started = false;

  constructor(path, key, options = {}) {
    super();
    this.#path = path;
    this.#key = key;
    this.#options = { ...DEFAULTS, ...options };
  }

  start() {
    this.#started = true;
    document.addEventListener('visibilitychange', this.#wake);
    window.addEventListener('pageshow', this.#wake);
    window.addEventListener('online', this.#wake);
    this.#read();
  }

  stop() {
    this.#started = false;
    document.removeEventListener('visibilitychange', this.#wake);
    window.removeEventListener('pageshow', this.#wake);
    window.removeEventListener('online', this.#wake);
    clearTimeout(this.#timer);
    this.#reading?.abort();
    this.#reading = null;
  }

  #wake = () => { this.#failures = 0; this.#read(); };

  async #read() {
    clearTimeout(this.#timer);
    if (!this.#started || this.#reading || document.visibilityState === 'hidden') return;
    const reading = this.#reading = new AbortController();
    const answer = await this.#ask(reading.signal);
    if (reading !== this.#reading) return; // it was stopped meanwhile
    this.#reading = null;
    const final = answer.state === 'refused' || answer.state === 'forbidden';
    if (final) this.stop();
    if (answer.body) this.dispatchEvent(new CustomEvent('answer', { detail: answer }));
    this.dispatchEvent(new CustomEvent('state', { detail: answer }));
    if (this.#started) this.#timer = setTimeout(() => this.#read(), this.#pause(answer));
  }

  #pause({ body, after = 0 }) {
    if (body) {
      this.#failures = 0;
      return this.#options.every;
    }
    const [first, most] = this.#options.backoff;
    return after + Math.random() * Math.min(most, first * 2 ** this.#failures++);
  }

  // ask never throws: { state, status, rule, after, body, at, offset }.
  async #ask(signal) {
    const answer = await this.#fetch(this.#path, { Authorization: `Bearer ${this.#key}` }, signal);
    if (!answer || answer.status === 502 || answer.status === 504) return { state: 'silent' };
    const { status, headers, body } = answer, at = Date.now();
    if (status === 200 && body) {
      const away = this.#options.doubt(body) && await this.#why(signal) === 'store';
      return { state: away ? 'store' : 'live', status, body, at, offset: (Date.parse(headers.get('Date')) || at) - at };
    }
    const after = 1000 * (Number(headers.get('Retry-After')) || 0);
    switch (status) {
      case 401: return { state: 'refused', status, rule: body?.rule };
      case 403: return { state: 'forbidden', status };
      case 429: return { state: 'busy', status, after };
      case 503: return { state: await this.#why(signal), status, after };
      default: return { state: 'odd', status };
    }
  }

  // why asks the node how it is, which needs no key.
  async #why(signal) {
    const answer = await this.#fetch('/api/status', {}, signal);
    return { store_unavailable: 'store', draining: 'draining' }[answer?.body?.status] ?? 'busy';
  }

  // fetch answers with { status, headers, body }, body null when it is no JSON; null when nothing came.
  async #fetch(path, headers, stopped) {
    try {
      // The buyer's cookie of this origin is no business of these reads.
      const r = await fetch(path, {
        headers, cache: 'no-store', credentials: 'omit', redirect: 'error',
        signal: AbortSignal.any([stopped, AbortSignal.timeout(this.#options.timeout)]),
      });
      return { status: r.status, headers: r.headers, body: parse(await r.text()) };
    } catch {
      return null;
    }
  }
}

function parse(json) {
  try { return JSON.parse(json); } catch { return null; }
}
