// key keeps the operator's API key: in this tab's session, never in an address, a cookie or a lasting store.

const NAME = 'leadwire_ops_key';
const FORM = /^lwk_[0-9a-f]{12}_[\w-]{43}$/;
let held = null; // where a browser keeps nothing for pages

// formed says whether a text can be a key. What cannot is not sent: it may be something else that is secret.
export const formed = (text) => FORM.test(text);

export function kept() {
  try { return sessionStorage.getItem(NAME) ?? held; } catch { return held; }
}

export function keep(key) {
  held = key;
  try { sessionStorage.setItem(NAME, key); } catch { /* held until the page is closed */ }
}

export function forget() {
  held = null;
  try { sessionStorage.removeItem(NAME); } catch { /* nothing was kept */ }
}
