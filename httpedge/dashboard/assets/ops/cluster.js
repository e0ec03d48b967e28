// cluster shows how the cluster stands, as one node sees it: whether everything is held, by whom, and what moved when.

import { PARTITIONS, judge } from './standing.js';
import { bar, element, fill } from './table.js';
import { MOVES, ago, clock, count, many } from './words.js';

const ALARM = 10_000; // ms that partitions may be held by nobody: a node that dies is missed, and replaced, within half of it
const UNSEEN = 30_000; // ms without an answer, after which nobody knows since when something is so

const $ = (id) => document.getElementById(id);
let seen = null; // { judged, newest: the last move, offset, at }
let since = 0;   // when partitions began to be missing
let from = '';   // which node told

export const cluster = {
  path: '/api/v1/cluster',
  section: 'cluster',

  // Without a lease this node does not hear from the store: is that the store's doing?
  doubt: (s) => !(s.lease_seconds > 0),

  show(s, at, offset) {
    const judged = judge(s), moves = (s.moves ?? []).toReversed();
    if (judged.verdict !== 'missing') since = 0;
    else if (!since || at - seen.at > UNSEEN) since = at;
    seen = { judged, newest: moves[0], offset, at };
    fill($('member-rows'), judged.members.map(member));
    fill($('stranger-rows'), judged.strangers.map(stranger));
    fill($('move-rows'), moves.map((m) => move(m, s.address)));
    $('strangers').hidden = judged.strangers.length === 0;
    $('moves').hidden = moves.length === 0;
    $('absent').hidden = judged.absent === 0;
    put($('absent'), `${many(judged.absent, 'more node is', 'more nodes are')} known to gossip, without a lease and so without a share.`);
    const figures = { from: s.address, gossip: s.gossip, claiming: count(s.claiming), draining: count(s.draining) };
    for (const [id, value] of Object.entries(figures)) put($(id), value || '–');
    if (from !== '' && from !== s.address) $('turns').hidden = false;
    from = s.address;
    this.tick(at);
  },

  // tick says anew what depends on the time.
  tick(now) {
    if (!seen) return;
    const [verdict, line, more] = sum(seen.judged, now - since);
    $('sum').dataset.verdict = verdict;
    put($('sum-line'), line);
    put($('sum-more'), more);
    $('sum-more').hidden = more === '';
    put($('last'), last(seen, now));
    document.title = `${verdict === 'unknown' ? '?' : Math.min(seen.judged.held, PARTITIONS)}/${PARTITIONS} · Operations · Leadwire`;
  },

  clear() {
    seen = null;
    since = 0;
    from = '';
    for (const id of ['member-rows', 'stranger-rows', 'move-rows']) $(id).replaceChildren();
    for (const id of ['sum-line', 'sum-more', 'last', 'from', 'gossip', 'claiming', 'draining', 'absent']) $(id).textContent = '';
    $('turns').hidden = true;
    document.title = 'Operations · Leadwire';
  },
};

// put writes a text where it is another: a live region would say it again.
function put(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

function sum({ held, verdict, members, strangers }, missingFor) {
  const of = (n) => `${n} of ${PARTITIONS} partitions held`;
  const holders = [...members, ...strangers].filter((r) => r.held > 0).length;
  const missing = PARTITIONS - held;
  switch (verdict) {
    case 'unknown': return ['unknown', 'This node cannot say who holds what', 'It has no lease. The other nodes are shown as the store told of them last.'];
    case 'missing': return [
      missingFor < ALARM ? 'moving' : 'missing', of(held),
      `${missing} held by nobody, for ${Math.max(0, Math.round(missingFor / 1000))} s. What is in them waits.`,
    ];
    case 'twice': return [
      'moving', of(PARTITIONS), `${-missing} are counted twice: they have just changed hands, and a node tells twice a second what it holds.`,
    ];
    default: return ['whole', of(PARTITIONS), `by ${many(holders, 'node')}`];
  }
}

function last({ newest, offset }, now) {
  if (!newest) return 'Nothing has changed hands since this node began.';
  const words = MOVES[newest.what] ?? newest.what;
  const what = newest.members ? `${newest.members}: ${lower(words)}` : `this node: ${lower(words)}`;
  return `Last change ${ago(now + offset - Date.parse(newest.at))}: ${what}${newest.partitions ? ` (${newest.partitions})` : ''}`;
}

const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);

function member(r) {
  return {
    key: r.local ? r.address : `${r.address} ${r.node}`,
    cells: [
      { label: 'Address', content: address(r) },
      { label: 'Proposed', content: count(r.proposed), kind: 'number' },
      { label: 'Held', content: count(r.held), kind: 'number' },
      { label: 'Share of 256', content: bar(r.held, r.proposed, PARTITIONS) },
      ...load(r),
    ],
  };
}

function stranger(r) {
  return { key: r.node, cells: [{ label: 'Address', content: address(r) }, { label: 'Held', content: count(r.held), kind: 'number' }, ...load(r)] };
}

function load(r) {
  return [
    { label: 'Actors', content: count(r.actors), kind: 'number' },
    { label: 'Messages', content: count(r.messages), kind: 'number' },
    { label: 'Lease left', content: r.lease === null ? 'none' : `${r.lease.toFixed(1)} s`, kind: 'number' },
    { label: 'Notes', content: r.notes.join('; ') },
  ];
}

function address(r) {
  const e = element(reachable(r.url) ? 'a' : 'span', '', r.address);
  if (e instanceof HTMLAnchorElement) e.href = new URL('/ops', r.url);
  if (r.node) e.title = r.node;
  if (r.local) e.append(' ', element('span', 'tag', 'this node'));
  return e;
}

// reachable says whether a node's own page can be linked to: data becomes no link of another kind.
const reachable = (url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

function move(m, self) {
  const at = new Date(m.at);
  const time = element('time', '', Number.isNaN(at.getTime()) ? m.at : clock(at));
  time.dateTime = time.title = m.at;
  return {
    key: `${m.at} ${m.what} ${m.members ?? ''}`,
    cells: [
      { label: 'When', content: time },
      { label: 'What', content: MOVES[m.what] ?? m.what },
      { label: 'Partitions', content: m.partitions ? count(m.partitions) : '', kind: 'number' },
      { label: 'Who', content: m.members || self },
    ],
  };
}
