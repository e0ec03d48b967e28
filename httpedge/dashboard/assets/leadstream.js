// leadstream follows one buyer's leads: what is there (pull) and what happens (events), as one story
// without gaps or repeats. It is the one place that knows the protocol, and depends on nothing.
//
//	pull ──200, 304──▶ open ──event──▶ live ──closed, silent──▶ wait (full jitter) ──▶ pull
//	  └──401──▶ signed-out                 └──gap, resync──▶ pull (one at a time)
//
// The stream is kept at the node that the buyer lives on, where browsers can reach it: before each connection the server is
// asked for it. One that cannot be opened there is opened where the page came from, which is as whole; and when the buyer
// moves, the new stream is open before the old one is closed. A move that fails is tried a few times more.
//
//	const leads = new LeadStream()
//	leads.addEventListener('page',  e => ...)  // detail: { leads, place, more }: all of the first page
//	leads.addEventListener('lead',  e => ...)  // detail: { event, at }: one event, in order, once
//	leads.addEventListener('state', e => ...)  // detail: { state, since }
//	leads.start()
//	leads.seen(seq, receivedAt, renderedAt)    // reported to the server in batches

const DEFAULTS = {
  leads: '/api/buyer/leads',
  events: '/api/buyer/events',
  home: '/api/buyer/stream',
  report: '/api/buyer/seen',
  silence: 2.5,          // heartbeats missed before a connection is given up
  heartbeat: 17_000,     // ms; until the first heartbeat says how often they come
  backoff: [500, 30_000],// ms; a random pause up to the first, doubled each time up to the second
  timeout: 15_000,       // ms; for one pull
  openWithin: 5_000,     // ms; for the buyer's own node to answer, before the stream is opened here
  spread: 3_000,         // ms; over which the pages of a node come back when it is gone, and follow when buyers move
  reportEvery: 1_000,    // ms
  reportMost: 300,       // rows: 31 KB, half of what a browser lets beacons have in flight
  reportKept: 2_000,     // rows; measurements, not truth: the oldest go first
};

// now is wall-clock time in ms that never runs backwards while the page lives.
export const now = () => performance.timeOrigin + performance.now();

// parsePlace reads "<epoch>-<seq>"; null when it is none.
export function parsePlace(id) {
  const cut = (id || '').lastIndexOf('-');
  const seq = Number(id?.slice(cut + 1));
  return cut > 0 && Number.isSafeInteger(seq) && seq >= 0 ? { epoch: id.slice(0, cut), seq } : null;
}

export class LeadStream extends EventTarget {
  #options; #source = null; #next = null; #etag = null; #place = null;
  #pulling = null; #pullAgain = false;
  #failures = 0; #retryTimer = 0; #silenceTimer = 0; #reportTimer = 0; #moveTimer = 0; #moveWait = 0; #moves = 0;
  #every; #state = 'idle'; #started = false;
  #clock = new Clock(); #marks = [];

  constructor(options = {}) {
    super();
    this.#options = { ...DEFAULTS, ...options };
    this.#every = this.#options.heartbeat;
  }

  get state() { return this.#state; }
  get offset() { return this.#clock.offset; } // ms to add to now() for the server's time

  start() {
    if (this.#started) return;
    this.#started = true;
    document.addEventListener('visibilitychange', this.#onVisibility);
    window.addEventListener('pageshow', this.#onPageShow);
    window.addEventListener('pagehide', this.#onPageHide);
    window.addEventListener('online', this.#wake);
    window.addEventListener('offline', this.#onOffline);
    this.#connect();
  }

  stop() {
    this.#started = false;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    window.removeEventListener('pageshow', this.#onPageShow);
    window.removeEventListener('pagehide', this.#onPageHide);
    window.removeEventListener('online', this.#wake);
    window.removeEventListener('offline', this.#onOffline);
    this.#close();
    clearTimeout(this.#retryTimer);
    this.#flushAll();
    this.#become('idle');
  }

  // retry tries at once, whatever the pause was.
  retry() { this.#failures = 0; this.#connect(); }

  // ---- connection --------------------------------------------------------------------------------

  async #connect() {
    clearTimeout(this.#retryTimer);
    this.#close();
    if (this.#state !== 'live' && this.#state !== 'waiting') this.#become('connecting');
    const moves = ++this.#moves; // of two that ask, the last one opens
    const [answer, home] = await Promise.all([this.pull(), this.#ask()]);
    if (!this.#started || this.#source || moves !== this.#moves) return;
    if (answer.ok) {
      this.#open(home ?? {});
      if (!home) this.#follow();
    } else if (answer.status === 401) this.#signedOut();
    else this.#later(answer.after);
  }

  // ask learns where the stream is best opened: { owner, url }, its URL for one connection, or none for where the page came
  // from. null: nobody could say, or who was asked knows of no owner.
  async #ask() {
    try {
      const r = await fetch(this.#options.home, { cache: 'no-store', signal: AbortSignal.timeout(this.#options.openWithin) });
      if (r.ok) {
        const home = await r.json();
        return home.owner || home.local ? home : null;
      }
      return r.status >= 500 || r.status === 429 ? null : {};
    } catch {
      return null;
    }
  }

  // open opens a stream, at its owner's URL or, without one, where the page came from. One that is open already is left
  // when the new one has answered; when that does not come, the move is tried again, at most wait (ms) from now.
  #open({ owner, url: at }, wait = 0) {
    const url = new URL(at ?? this.#options.events, location.href);
    if (this.#place) url.searchParams.set('last', `${this.#place.epoch}-${this.#place.seq}`);
    const source = new EventSource(url);
    const stream = this.#next = { source, owner: at ? owner : null, wait, answered: false, timer: 0 };
    if (!this.#source) this.#source = stream;
    if (stream.owner) stream.timer = setTimeout(() => this.#broke(stream), this.#options.openWithin);
    const on = (type, handle) => source.addEventListener(type, (e) => {
      if (stream !== this.#source) return; // one that was given up has nothing to say
      this.#listen();
      this.#become('live');
      handle(e);
    });
    source.addEventListener('open', () => this.#answered(stream));
    on('open', () => { this.#failures = 0; });
    on('heartbeat', (e) => this.#beat(e));
    on('resync', (e) => this.#resync(e));
    on('owner', () => this.#follow());
    on('lead.assigned', (e) => this.#lead(e));
    on('lead.updated', (e) => this.#lead(e));
    source.onerror = () => this.#broke(stream);
    if (stream === this.#source) this.#listen();
  }

  #answered(stream) {
    clearTimeout(stream.timer);
    stream.answered = true;
    if (stream !== this.#next) return;
    this.#next = null;
    if (stream === this.#source) return;
    this.#source?.source.close();
    this.#source = stream;
  }

  // broke is the end of a connection, or of the hope for one.
  #broke(stream) {
    const { source } = stream;
    if (stream !== this.#source) { // it was to take the place of one that goes on
      clearTimeout(stream.timer);
      source.close();
      if (stream !== this.#next) return;
      this.#next = null;
      this.#follow(stream.wait);
    } else if (stream.owner && !stream.answered) { // the owner cannot be reached from here, or is gone: any node will do
      this.#close();
      this.#open({});
      this.#follow(2 * this.#options.spread); // it may be back
    } else if (stream.owner) { // its URL was for one connection; and the server's "retry" is not for us to see
      this.#later(0, this.#options.spread);
    } else if (source.readyState === EventSource.CLOSED) {
      this.#later(); // for CLOSED is for ever
    } else {
      this.#become('waiting'); // the browser comes back by itself, after the server's own retry
    }
  }

  // follow goes where the buyer has moved, at most wait from now. There is no hurry: the stream goes on here. What is in the
  // way (no answer, one from before the move, an opening that has not ended, one that failed) is met again after twice the
  // wait, until that is too long: the next move or connection asks anew. Of two moves the one that has more tries left goes on.
  #follow(wait = this.#options.spread) {
    if (wait > this.#options.backoff[1] || (this.#moveTimer && this.#moveWait <= wait)) return;
    clearTimeout(this.#moveTimer);
    this.#moveWait = wait;
    this.#moveTimer = setTimeout(async () => {
      this.#moveTimer = 0;
      const moves = ++this.#moves;
      const home = await this.#ask();
      if (!this.#started || !this.#source || moves !== this.#moves) return;
      if (!home || this.#next || (home.owner && home.owner === this.#source.owner)) this.#follow(2 * wait);
      else if (home.url) this.#open(home, 2 * wait);
    }, Math.random() * wait);
  }

  #close() {
    clearTimeout(this.#silenceTimer);
    clearTimeout(this.#moveTimer);
    this.#moveTimer = 0;
    for (const stream of [this.#source, this.#next]) {
      clearTimeout(stream?.timer);
      stream?.source.close();
    }
    this.#source = this.#next = null;
  }

  // later tries again after a pause drawn from the whole range: a thousand pages that lost one server do
  // not come back together.
  #later(atLeast = 0, spread = 0) {
    this.#close();
    this.#become('waiting');
    const [first, most] = this.#options.backoff;
    const range = Math.max(spread, Math.min(most, first * 2 ** this.#failures++));
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), atLeast + Math.random() * range);
  }

  #signedOut() {
    this.#close();
    this.#become('signed-out');
  }

  // listen begins the silence anew: a connection nobody hears from is given up, for a network that died
  // without a word looks open for ever.
  #listen() {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#later(), this.#every * this.#options.silence);
  }

  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: { state, since: now() } }));
  }

  #onVisibility = () => {
    if (document.visibilityState === 'visible') this.#wake();
    else this.#flushAll();
  };
  // A page that is left may be kept, for "back". It must not hold a stream there: a buyer has few.
  #onPageHide = () => { this.#close(); clearTimeout(this.#retryTimer); this.#flushAll(); };
  #onPageShow = (e) => { if (e.persisted) this.#wake(); };
  #onOffline = () => { if (this.#state === 'live') this.#become('waiting'); };

  // wake looks at once: the page may have slept, and what it slept through is in the pull.
  #wake = () => {
    if (this.#source?.source.readyState === EventSource.OPEN) {
      this.pull().then((answer) => {
        if (answer.ok && this.#source?.source.readyState === EventSource.OPEN) this.#become('live');
        else if (answer.status === 401) this.#signedOut();
      });
    } else {
      this.retry();
    }
  };

  // ---- events ------------------------------------------------------------------------------------

  #beat(e) {
    const every = parse(e.data)?.every_ms;
    if (every > 0) this.#every = every;
    this.#listen();
  }

  #resync(e) {
    const head = parsePlace(parse(e.data)?.head);
    if (head) this.#place = head;
    this.#etag = null;
    this.#refetch();
  }

  #lead(e) {
    const at = now();
    const event = parse(e.data);
    const place = parsePlace(e.lastEventId);
    if (!event || !place) { this.#refetch(); return; }
    const before = this.#place;
    const same = before?.epoch === place.epoch;
    if (same && place.seq <= before.seq) return; // seen already
    if (same && place.seq > before.seq + 1) this.#refetch(); // it should not be; the truth tells
    this.#place = place;
    if (!event.replay) this.#clock.heard(event.published_at, at);
    if (event.refetch) this.#refetch();
    else this.dispatchEvent(new CustomEvent('lead', { detail: { event, at } }));
  }

  // refetch is a pull that must not be lost: if it does not succeed the connection is made anew, which
  // begins with one.
  async #refetch() {
    const answer = await this.pull();
    if (answer.ok || !this.#started || !this.#source) return;
    if (answer.status === 401) this.#signedOut();
    else this.#later(answer.after);
  }

  // ---- pull --------------------------------------------------------------------------------------

  // pull fetches the first page if it changed. Calls while one runs become one more run after it. It never
  // throws: { ok, status, after }, status 0 for a network that failed, after in ms for "not before".
  pull() {
    if (this.#pulling) {
      this.#pullAgain = true;
      return this.#pulling;
    }
    this.#pulling = this.#pullUntilQuiet().finally(() => { this.#pulling = null; });
    return this.#pulling;
  }

  async #pullUntilQuiet() {
    let answer;
    do {
      this.#pullAgain = false;
      answer = await this.#pullOnce();
    } while (this.#pullAgain && answer.ok && this.#started);
    return answer;
  }

  async #pullOnce() {
    const headers = this.#etag ? { 'If-None-Match': this.#etag } : {};
    const sent = now();
    try {
      // no-store: the browser's own cache would turn a 304 into a 200, and its body be read for nothing.
      const r = await fetch(this.#options.leads, {
        headers, cache: 'no-store', signal: AbortSignal.timeout(this.#options.timeout),
      });
      this.#clock.sample(sent, now(), r.headers.get('Leadwire-Now'));
      if (r.status === 304) {
        this.dispatchEvent(new CustomEvent('fresh'));
        return { ok: true, status: 304 };
      }
      if (!r.ok) return { ok: false, status: r.status, after: 1000 * (Number(r.headers.get('Retry-After')) || 0) };
      const page = await r.json();
      this.#adopt(page, r.headers.get('ETag'));
      return { ok: true, status: 200 };
    } catch {
      return { ok: false, status: 0 };
    }
  }

  #adopt(page, etag) {
    const head = parsePlace(page.head);
    if (!head) throw new Error(`a page without a place: ${page.head}`);
    this.#etag = etag;
    // Never backwards within one history: events past this page may have been told already.
    if (this.#place?.epoch !== head.epoch || head.seq > this.#place.seq) this.#place = head;
    this.dispatchEvent(new CustomEvent('page', { detail: { leads: page.leads, place: head, more: Boolean(page.next_cursor) } }));
  }

  // ---- marks -------------------------------------------------------------------------------------

  // seen keeps when an event's bytes arrived and when its row was on the screen, both by now().
  seen(seq, receivedAt, renderedAt) {
    this.#marks.push([seq, receivedAt, renderedAt]);
    if (this.#marks.length > this.#options.reportKept) this.#marks.shift();
    this.#reportTimer ||= setTimeout(() => { this.#reportTimer = 0; this.#flush(); }, this.#options.reportEvery);
  }

  // flush sends one batch. False: the browser took none, because others are still under way.
  #flush() {
    const batch = this.#marks.slice(0, this.#options.reportMost);
    if (batch.length === 0) return false;
    const time = (t) => new Date(t + this.#clock.offset).toISOString();
    const body = JSON.stringify(batch.map(([seq, received, rendered]) => (
      { seq, client_received_at: time(received), rendered_at: time(rendered) })));
    const taken = navigator.sendBeacon(this.#options.report, body);
    if (taken) this.#marks.splice(0, batch.length);
    if (this.#marks.length > 0) {
      this.#reportTimer ||= setTimeout(() => { this.#reportTimer = 0; this.#flush(); }, this.#options.reportEvery);
    }
    return taken;
  }

  #flushAll = () => { while (this.#flush()); };
}

// Clock knows between which bounds the server's time is ahead of now(), and takes the middle. An answer
// was written after its request was sent and before it was received; an event arrived after it was
// published. The bounds only narrow, until they are ten minutes old: clocks drift.
class Clock {
  #low = -Infinity; #high = Infinity; #since = 0;

  get offset() { return Number.isFinite(this.#low + this.#high) ? (this.#low + this.#high) / 2 : 0; }

  sample(sent, received, serverNow) {
    const server = Date.parse(serverNow ?? '');
    if (Number.isNaN(server)) return;
    const low = server - received, high = server + 1 - sent; // it was cut to whole milliseconds
    const fits = Math.max(low, this.#low) <= Math.min(high, this.#high);
    if (!fits || received - this.#since > 600_000) {
      [this.#low, this.#high, this.#since] = [low, high, received];
    } else {
      this.#low = Math.max(low, this.#low);
      this.#high = Math.min(high, this.#high);
    }
  }

  heard(published, at) {
    const low = Date.parse(published ?? '') - at;
    if (low > this.#low) this.#low = Math.min(low, this.#high);
  }
}

function parse(json) {
  try { return JSON.parse(json); } catch { return null; }
}
