// words says times and kinds as people do.

// What changed who owns what, by its kind. Of partitions it is this node that tells.
export const MOVES = {
  held: 'The store granted partitions',
  given_back: 'Handed partitions over',
  fenced: 'Lost partitions: others had claimed them',
  lapsed: 'Dropped everything: the lease ran out',
  joined: 'Joined',
  left: 'Left',
  withdrew: 'Withdrew: its share goes to the others',
  returned: 'Takes its share again',
};

// ago says how long something is past.
export function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 90) return `${s} s ago`;
  if (s < 90 * 60) return `${Math.round(s / 60)} min ago`;
  if (s < 36 * 3600) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86_400)} days ago`;
}

// clock is a time on this device, with its day unless that is today.
export function clock(at) {
  const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  return at.toDateString() === new Date().toDateString() ? time : `${at.toLocaleDateString()} ${time}`;
}

export const count = (n) => n.toLocaleString('en');
export const many = (n, one, more = `${one}s`) => `${count(n)} ${n === 1 ? one : more}`;
