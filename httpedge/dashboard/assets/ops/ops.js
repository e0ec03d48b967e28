// ops is the shell of the operator's page: it asks for a key, lets sections be read, and says how that goes and how old
// what they show is. What a section shows is its own: { path, section, doubt, show, tick, clear }.

import { cluster } from './cluster.js';
import * as keys from './key.js';
import { Watch } from './watch.js';
import { ago, clock } from './words.js';

const section = cluster;

const WORDS = {
  'no-key': ['No key'],
  connecting: ['Connecting…'],
  live: ['Live'],
  silent: ['No answer', 'This node does not answer.'],
  store: ['No store', 'This node answers, and its store does not.'],
  draining: ['Shutting down', 'This node is shutting down. Open another one.'],
  busy: ['Busy', 'This node answers, and cannot say how the cluster stands. It is asked again.'],
  odd: ['Not understood', 'What answers here is no Leadwire node, or one with a fault'],
};

const REFUSALS = {
  unknown: 'The node does not know this key: it was revoked, or is of another cluster.',
  forged: 'This is not the key that was made: its last part is another one.',
  expired: 'This key has expired.',
  malformed: 'This is no API key. One begins with lwk_ and has 60 characters.',
  forbidden: 'This key does not have the scope cluster:read, so it shows nothing here.',
};

const $ = (id) => document.getElementById(id);
let watch = null, at = 0, typed = false;

// ---- the key ---------------------------------------------------------------------------------------

function ask(why = '') {
  leave();
  become('no-key');
  $('ask').hidden = false;
  $('ask-why').textContent = why;
  $('ask-why').hidden = why === '';
  $('key').value = '';
  $('key').focus();
}

// leave lets go of the key and of all that it has shown.
function leave() {
  watch?.stop();
  watch = null;
  at = 0;
  keys.forget();
  section.clear();
  $(section.section).hidden = true;
  $('forget').hidden = true;
  $('age').hidden = true;
}

$('ask-form').addEventListener('submit', (e) => {
  e.preventDefault();
  const key = $('key').value.trim();
  if (!keys.formed(key)) {
    ask(REFUSALS.malformed);
    return;
  }
  keys.keep(key);
  typed = true;
  open(key);
});

$('forget').addEventListener('click', () => ask());

// ---- reading ---------------------------------------------------------------------------------------

function open(key) {
  $('ask').hidden = true;
  $('key').value = '';
  $('forget').hidden = false;
  become('connecting');
  watch = new Watch(section.path, key, { doubt: section.doubt });
  watch.addEventListener('answer', ({ detail }) => {
    at = detail.at;
    const first = $(section.section).hidden;
    $(section.section).hidden = false;
    if (first && typed) $(`${section.section}-title`).focus(); // the form that had the focus is gone
    section.show(detail.body, detail.at, detail.offset);
    age();
  });
  watch.addEventListener('state', ({ detail: { state, status, rule } }) => {
    if (state === 'refused') ask(REFUSALS[rule] ?? 'The key was refused.');
    else if (state === 'forbidden') ask(REFUSALS.forbidden);
    else become(state, status);
  });
  watch.start();
}

function become(state, status) {
  const [word, trouble] = WORDS[state];
  $('state').dataset.state = state;
  if ($('state-text').textContent !== word) $('state-text').textContent = word;
  const said = trouble ? [trouble + (state === 'odd' ? ` (HTTP ${status}).` : ''), stale(state)].join(' ').trim() : '';
  if ($('banner').textContent !== said) $('banner').textContent = said;
  $('banner').hidden = said === '';
}

// stale says of when what is shown is. It does not count seconds: a banner that changes is read out again.
function stale(state) {
  return at > 0 && state !== 'store' ? `Below is how it was at ${clock(new Date(at))}.` : '';
}

function age() {
  $('age').hidden = at === 0;
  if (at > 0) $('age').textContent = ago(Date.now() - at);
}

setInterval(() => { // both change with the time, whether somebody answers or not
  if (document.visibilityState === 'hidden' || at === 0) return;
  age();
  if ($('state').dataset.state === 'live') section.tick(Date.now());
}, 1_000);

const key = keys.kept();
if (key) open(key);
else ask();
