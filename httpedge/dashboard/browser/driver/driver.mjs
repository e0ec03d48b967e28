// driver runs one Chromium for a Go test. It reads one JSON request a line on stdin and answers each with
// one JSON line on stdout, in whatever order they finish. The end of stdin ends it and the browser.
//
//	{"id":1,"op":"open","dark":true}            {"id":1,"value":"1"}
//	{"id":2,"op":"goto","page":"1","url":...}   {"id":2,"value":200}
//	{"id":3,"op":"nonsense"}                    {"id":3,"error":"..."}

import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const patience = 60_000; // ms; as the Go side's: only waited for when a test fails

const browser = await chromium.launch({
  timeout: patience,
  executablePath: process.argv[2],
  // The browser's own background traffic has no place in a test, and no name resolves but this machine's.
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
    // Chromium's own says that it is headless, and pixels take it for a program. A page's setting would not do: what
    // is sent while a page ends does not have it.
    '--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  ],
  ignoreDefaultArgs: ['--disable-back-forward-cache'], // people press "back"
});

const pages = new Map();
let next = 1;

const ops = {
  async open({ dark, width, height, scripts, gpc }) {
    const context = await browser.newContext({
      colorScheme: dark ? 'dark' : 'light', viewport: { width: width || 1200, height: height || 800 },
      timezoneId: 'UTC', locale: 'en-GB', javaScriptEnabled: scripts,
      ...(gpc ? { extraHTTPHeaders: { 'Sec-GPC': '1' } } : {}),
    });
    // Chromium has no Global Privacy Control of its own: this is how browsers that have it look to a page.
    if (gpc) await context.addInitScript(() => { Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { value: true }); });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    const entry = { context, page, console: [], requests: [] };
    page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') entry.console.push(`${m.type()}: ${m.text()} ${m.location().url}`); });
    page.on('pageerror', (e) => entry.console.push(`uncaught: ${e.stack ?? e}`));
    page.on('request', (r) => entry.requests.push(`${r.method()} ${r.url()}`));
    const id = String(next++);
    pages.set(id, entry);
    return id;
  },
  async goto({ page, url }) {
    const answer = await of(page).page.goto(url, { waitUntil: 'load' });
    return answer?.status() ?? 0;
  },
  async back({ page }) { await of(page).page.goBack({ waitUntil: 'commit' }); },
  evaluate: ({ page, script }) => of(page).page.evaluate(script),
  // Playwright's own waiting evaluates the script in the page, which a page's security policy forbids.
  async wait({ page, script, timeout }) {
    for (const end = Date.now() + timeout; ;) {
      let last = null;
      const ok = await of(page).page.evaluate(script).catch((e) => { last = e; }); // a page being loaded has no answer
      if (ok) return;
      if (Date.now() > end) throw last ?? new Error(`not true within ${timeout} ms: ${script}`);
      await new Promise((again) => { setTimeout(again, 15); });
    }
  },
  async type({ page, text }) { await of(page).page.keyboard.type(text); },
  async press({ page, key }) { await of(page).page.keyboard.press(key); },
  async click({ page, selector }) { await of(page).page.click(selector); },
  async screenshot({ page, path }) { await of(page).page.screenshot({ path }); },
  async cookie({ page, url, name, value }) { await of(page).context.addCookies([{ url, name, value, httpOnly: true }]); },
  console: ({ page }) => of(page).console,
  requests: ({ page }) => of(page).requests,
  async close({ page }) {
    await of(page).context.close();
    pages.delete(page);
  },
};

function of(id) {
  const entry = pages.get(id);
  if (!entry) throw new Error(`no page ${id}`);
  return entry;
}

async function answer(line) {
  const request = JSON.parse(line);
  let reply;
  try {
    const op = ops[request.op];
    if (!op) throw new Error(`no operation ${request.op}`);
    reply = { id: request.id, value: (await op(request)) ?? null };
  } catch (e) {
    reply = { id: request.id, error: String(e?.message ?? e) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

process.stdout.write(`${JSON.stringify({ id: 0, value: browser.version() })}\n`);
const lines = createInterface({ input: process.stdin });
lines.on('line', answer);
lines.on('close', async () => {
  await browser.close();
  process.exit(0);
});
