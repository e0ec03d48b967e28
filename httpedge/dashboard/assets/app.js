// app shows a LeadStream as a table. What it decides is how rows merge, and when they are painted; the
// protocol is leadstream's.

import { LeadStream, now } from './leadstream.js';

const MOST_ROWS = 500;     // on the page; older ones are a pull away
const MOST_MARKS = 2_000;  // waiting for a frame
const MEDIAN_OF = 50;      // newest measurements
const FLASH = 2_000;       // ms a changed row stays marked

const $ = (id) => document.getElementById(id);
const stream = new LeadStream();

// ---- rows ------------------------------------------------------------------------------------------

const rows = new Map();    // lead id -> { lead, tr, seen }
const dirty = new Set();   // lead ids to paint in the next frame
const marks = [];          // { id, seq, at, receivedAt }: painted in the next frame
const times = [];          // newest times to seen, ms
let epoch = null, listed = false, frame = 0, asOf = now();

// fromEvent makes of an event the row that a pull would answer.
function fromEvent(e, old) {
  return {
    id: e.lead, campaign: e.campaign, source: e.source, contact: e.contact, last_seq: e.seq,
    assign_seq: e.type === 'lead.assigned' ? e.seq : old?.assign_seq,
    received_at: e.type === 'lead.assigned' ? e.received_at : old?.received_at,
  };
}

// keep takes a newer state of a lead; an older one is let go.
function keep(lead) {
  const row = rows.get(lead.id);
  if (row && row.lead.last_seq > lead.last_seq) return false;
  if (row) row.lead = lead;
  else rows.set(lead.id, { lead, tr: null, seen: null });
  dirty.add(lead.id);
  return true;
}

stream.addEventListener('lead', ({ detail: { event, at } }) => {
  asOf = at;
  const old = rows.get(event.lead)?.lead;
  // An update of a lead that is not on the page: it is older than what is shown.
  if (event.type !== 'lead.assigned' && !old) return;
  if (!keep(fromEvent(event, old))) return;
  // A replayed event was late before it was sent: its time says nothing of this page.
  if (!event.replay) marks.push({ id: event.lead, seq: event.seq, at, receivedAt: event.received_at });
  if (event.type === 'lead.assigned') news(event);
  trim();
  paintSoon();
});

stream.addEventListener('page', ({ detail: { leads, place, more } }) => {
  asOf = now();
  const all = place.epoch !== epoch; // the store was restored: nothing of before counts
  const named = new Set(leads.map((l) => l.id));
  const oldest = more ? Math.min(...leads.map((l) => l.assign_seq)) : 0;
  for (const [id, row] of rows) {
    // Not in the page, and neither newer nor older than it: it is not the buyer's any more.
    const beyond = row.lead.last_seq > place.seq || row.lead.assign_seq < oldest;
    if (all || (!named.has(id) && !beyond)) drop(id);
  }
  for (const lead of leads.toReversed()) keep(lead); // oldest first, as events come
  epoch = place.epoch;
  listed = true;
  paintSoon();
});

stream.addEventListener('fresh', () => { asOf = now(); });

function drop(id) {
  rows.get(id)?.tr?.remove();
  rows.delete(id);
  dirty.delete(id);
}

// ---- paint -----------------------------------------------------------------------------------------

// All that arrives between two frames is one repaint, however much it is.
function paintSoon() { frame ||= requestAnimationFrame(paint); }

function paint() {
  frame = 0;
  const body = $('rows');
  const fresh = [];
  for (const id of dirty) {
    const row = rows.get(id);
    if (!row) continue;
    const isNew = !row.tr;
    if (isNew) {
      row.tr = document.createElement('tr');
      row.tr.dataset.lead = id;
      for (const [, label] of CELLS) {
        const td = row.tr.insertCell();
        td.dataset.label = label;
      }
      row.tr.cells[CELLS.length - 1].className = 'number';
      fresh.push(row);
    }
    fill(row);
  }
  dirty.clear();
  place(body, fresh);
  trim();
  const shown = rows.size > 0;
  $('leads').hidden = !shown;
  $('empty').hidden = shown || !listed;
  $('count').textContent = String(rows.size);
  if (marks.length > 0) afterPaint(marks.splice(0));
}

// place puts new rows where their assignment belongs: newest on top. Mostly that is above all others.
function place(body, fresh) {
  fresh.sort((a, b) => a.lead.assign_seq - b.lead.assign_seq);
  for (const row of fresh) {
    let next = body.firstElementChild;
    while (next && rows.get(next.dataset.lead).lead.assign_seq > row.lead.assign_seq) next = next.nextElementSibling;
    body.insertBefore(row.tr, next);
  }
}

// trim drops what was taken first. It also runs when nothing is painted: a hidden page gets no frames.
function trim() {
  while (rows.size > MOST_ROWS) drop(rows.keys().next().value);
  if (marks.length > MOST_MARKS) marks.splice(0, marks.length - MOST_MARKS);
}

// afterPaint runs when the frame that is being made is on the screen: a message posted in an animation
// frame is handled after the paint that the frame ends with.
function afterPaint(painted) {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    channel.port1.close();
    const rendered = now();
    for (const mark of painted) measured(mark, rendered);
    figures();
  };
  channel.port2.postMessage(null);
}

function measured({ id, seq, at, receivedAt }, rendered) {
  stream.seen(seq, at, rendered);
  const took = rendered + stream.offset - Date.parse(receivedAt);
  if (!Number.isFinite(took)) return;
  times.push(Math.max(0, took)); // the clocks agree to within a round trip
  if (times.length > MEDIAN_OF) times.shift();
  const row = rows.get(id);
  if (!row?.tr) return;
  row.seen = took;
  row.tr.cells[CELLS.length - 1].textContent = millis(took);
  flash(row.tr);
}

function flash(tr) {
  tr.classList.add('fresh');
  setTimeout(() => tr.classList.remove('fresh'), FLASH);
}

function figures() {
  const sorted = [...times].sort((a, b) => a - b);
  $('last').textContent = millis(times.at(-1));
  $('median').textContent = millis(sorted[sorted.length >> 1]);
}

const millis = (ms) => (ms === undefined ? '–' : `${Math.max(0, Math.round(ms)).toLocaleString('en')} ms`);

// ---- cells: data is text, and links are made of data that looks like what they link to -----------------

const CELLS = [
  [received, 'Received'], [name, 'Name'], [reach, 'Contact'], [where, 'Place'], [campaign, 'Campaign'], [seen, 'Time to seen'],
];

function fill(row) {
  CELLS.forEach(([write], i) => {
    const td = row.tr.cells[i];
    td.replaceChildren();
    write(td, row.lead, row);
    if (td.childNodes.length === 0) td.append(element('span', 'none', '–'));
  });
}

function received(td, lead) {
  const at = new Date(lead.received_at);
  if (Number.isNaN(at.getTime())) return;
  const time = element('time', '', at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' }));
  time.dateTime = at.toISOString();
  time.title = at.toLocaleString();
  td.append(time);
  if (at.toDateString() !== new Date().toDateString()) td.append(element('small', '', at.toLocaleDateString()));
}

function name(td, { contact: c = {} }) {
  const full = c.name || [c.first_name, c.last_name].filter(Boolean).join(' ');
  if (full || c.company) td.append(element('strong', '', full || c.company));
  else td.append(element('span', 'none', 'No name'));
  if (c.company && full) td.append(element('small', '', c.company));
  if (c.status) td.append(element('span', 'tag', c.status));
}

function reach(td, { contact: c = {} }) {
  if (c.phone) td.append(link(c.phone, /^\+?[\d ()./-]{5,24}$/, 'tel:', c.phone.replace(/[^\d+]/g, '')));
  if (c.email) td.append(link(c.email, /^[^\s@<>"']+@[^\s@<>"']+$/, 'mailto:', encodeURIComponent(c.email)));
}

function where(td, { contact: c = {} }) {
  const text = [c.city, [c.state, c.postal_code].filter(Boolean).join(' '), c.country].filter(Boolean).join(', ');
  if (text) td.append(text);
}

function campaign(td, lead) {
  td.append(lead.campaign || '', element('small', '', lead.contact?.channel || lead.source || ''));
}

function seen(td, lead, row) { if (row.seen !== null) td.append(millis(row.seen)); }

function element(tag, kind, text) {
  const el = document.createElement(tag);
  if (kind) el.className = kind;
  el.textContent = text;
  return el;
}

function link(text, looks, scheme, target) {
  if (!looks.test(text)) return element('span', '', text);
  const a = element('a', '', text);
  a.href = scheme + target;
  return a;
}

// ---- what is said aloud, and in the tab's title ------------------------------------------------------

let unseen = 0, unsaid = [];

function news(event) {
  if (document.hidden) document.title = `(${++unseen}) Leads · Leadwire`;
  const c = event.contact ?? {};
  unsaid.push(c.name || [c.first_name, c.last_name].filter(Boolean).join(' ') || 'without a name');
  if (unsaid.length === 1) setTimeout(say, 1_000); // a burst is one sentence
}

function say() {
  $('news').textContent = unsaid.length === 1 ? `New lead: ${unsaid[0]}` : `${unsaid.length} new leads`;
  unsaid = [];
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  unseen = 0;
  document.title = 'Leads · Leadwire';
});

// ---- connection ------------------------------------------------------------------------------------

const WORDS = { connecting: 'Connecting…', live: 'Live', waiting: 'Reconnecting…', 'signed-out': 'Signed out', idle: 'Stopped' };
const PATIENCE = 1_500; // ms a lost connection may take to come back before it is worth a banner
let bannerTimer = 0;

stream.addEventListener('state', ({ detail: { state } }) => {
  $('state').dataset.state = state;
  $('state-text').textContent = WORDS[state];
  $('signin').hidden = state !== 'signed-out';
  $('feed').hidden = state === 'signed-out';
  clearTimeout(bannerTimer);
  $('banner').hidden = true;
  if (state === 'live') asOf = now();
  if (state === 'waiting') bannerTimer = setTimeout(warn, PATIENCE);
});

function warn() {
  const why = navigator.onLine ? 'The connection to Leadwire is lost.' : 'This device is offline.';
  $('banner').textContent = `${why} Leads are shown as of ${new Date(asOf).toLocaleTimeString()}; new ones appear once it is back.`;
  $('banner').hidden = false;
}

$('again').addEventListener('click', () => stream.retry());

stream.start();
