// A LeadStream in a world of its own: timers that run when the test says so, each after the longest pause it may have, streams that
// open and break when it says so, and a server whose answers it chooses.
(async () => {
  const { LeadStream } = await import('/assets/leadstream.js');
  const timers = new Map();
  const opened = [];
  const later = window.setTimeout;
  const settle = () => new Promise((done) => later(done, 0)); // every promise that is kept by then has been heard
  let time = 0, last = 0, asked = 0;
  Math.random = () => 1;
  window.setTimeout = (run, pause) => { timers.set(++last, { run, due: time + pause }); return last; };
  window.clearTimeout = (timer) => timers.delete(timer);
  window.EventSource = class extends EventTarget {
    static OPEN = 1;
    static CLOSED = 2;
    readyState = 0;
    constructor(url) {
      super();
      this.at = url.host === location.host ? 'here' : url.host.split('.')[0];
      opened.push(this);
    }
    close() { this.readyState = 2; }
  };
  const at = (node) => ({ owner: node, local: false, url: `http://${node}.example.com/api/buyer/events?ticket=t1` });
  const story = {
    homes: [], // what is answered to who asks for the buyer's home: one after the other, the last for good
    at,
    async advance(ms) {
      for (const end = time + ms; ;) {
        await settle();
        const [timer, next] = [...timers].sort(([, a], [, b]) => a.due - b.due)[0] ?? [];
        if (!next || next.due > end) { time = end; return; }
        timers.delete(timer);
        time = next.due;
        next.run();
      }
    },
    // opens and breaks are what becomes of the stream that was opened last.
    async opens() { await settle(); const s = opened.at(-1); s.readyState = 1; s.dispatchEvent(new Event('open')); },
    async breaks() { await settle(); opened.at(-1).onerror(); },
    // tell has the stream that is in use say that the buyer has moved.
    async tell() { await settle(); opened.findLast((s) => s.readyState === 1).dispatchEvent(new Event('owner')); },
  };
  // A Response of the browser's own would read its body in its own time.
  const answer = (status, body) => ({ ok: status === 200, status, headers: new Headers({ ETag: '"e1-0"' }), json: async () => body });
  window.fetch = async (path) => {
    if (!path.includes('/stream')) return answer(200, { head: 'e1-0', leads: [] });
    asked++;
    const home = story.homes.length > 1 ? story.homes.shift() : story.homes[0];
    return home ? answer(200, home) : answer(503);
  };
  const stream = new LeadStream({ silence: 1e9, spread: 1_000, backoff: [500, 8_000] });
  const told = (TELL)(story); // as far as its first wait: what is answered is known then
  stream.start();
  await told;
  return { opened: opened.map((s) => s.at), asked };
})()
