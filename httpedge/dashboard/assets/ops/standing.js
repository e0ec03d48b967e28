// standing makes of GET /api/v1/cluster what is worth telling: who is a member, who is not, and whether everything
// is held. It knows no page.

export const PARTITIONS = 256;

// judge returns { members, strangers, absent, held, verdict }. Rows have { address, url, node, local, proposed, held, actors,
// messages, lease, notes }, url where browsers reach it or '', lease in seconds or null; absent is how many nodes gossip knows of and nothing else is known.
export function judge(s) {
  const leases = s.leases ?? [], shares = s.members ?? [];
  const own = leases.find((l) => l.node === s.node);
  const view = new Set(own?.view);
  const met = (l) => l === own || (own ? view.has(l.node) : shares.some((m) => m.address === l.address));
  const open = new Set(leases);
  const take = (fits) => {
    const found = leases.find((l) => open.has(l) && fits(l));
    open.delete(found);
    return found;
  };
  const members = shares.map((m) => {
    const l = take((o) => (m.local ? o === own : o.address === m.address && met(o)));
    return m.local ? here(s, m.proposed) : row({ ...m, ...l }, m.proposed, l ? [] : ['no lease']);
  });
  if (!members.some((m) => m.local)) { // it has withdrawn
    open.delete(own);
    members.push(here(s, 0));
  }
  for (const l of leases) {
    if (open.has(l) && met(l)) {
      open.delete(l);
      members.push(row(l, 0, ['drained or leaving: it gets no share']));
    }
  }
  members.sort((a, b) => (a.address < b.address ? -1 : 1));
  const strangers = [...open].map((l) => row(l, 0, estranged(s, l, members)));
  const unleased = [...view].filter((id) => !leases.some((l) => l.node === id)).length;
  const held = [...members, ...strangers].reduce((sum, r) => sum + r.held, 0);
  return {
    members, strangers, held, verdict: verdict(s, held),
    absent: Math.max(0, unleased - members.filter((m) => m.lease === null && !m.local).length),
  };
}

function verdict(s, held) {
  if (!(s.lease_seconds > 0)) return 'unknown';
  if (held < PARTITIONS) return 'missing';
  return held > PARTITIONS ? 'twice' : 'whole';
}

// here is this node, of which more is known than what it told the store last.
function here(s, proposed) {
  const notes = [];
  if (!(s.lease_seconds > 0)) notes.push('no lease: it does nothing until the store grants one');
  if (s.outvoted) notes.push('stands down: it does not see the others, and they are more');
  if (s.withdrawn) notes.push('drained: it gets no share');
  return {
    address: s.address, url: '', node: s.node, local: true, proposed, held: s.held, notes,
    actors: Object.values(s.alive ?? {}).reduce((sum, n) => sum + n, 0), messages: s.messages,
    lease: s.lease_seconds > 0 ? s.lease_seconds : null,
  };
}

function row(l, proposed, notes) {
  return {
    address: l.address, url: l.url ?? '', node: l.node ?? '', local: false, proposed, notes, lease: l.lease_seconds ?? null,
    held: l.load?.partitions ?? 0, actors: l.load?.actors ?? 0, messages: l.load?.messages ?? 0,
  };
}

function estranged(s, l, members) {
  if (members.some((m) => m.address === l.address)) return ['an earlier run of a member: its lease runs out'];
  return [l.view?.includes(s.node) ? 'it sees this node, and this node does not see it' : 'neither sees the other'];
}
