// The pixel: what a page reports of its visitor. It is served as it stands here, without its comments and
// its indentation, behind one call with the pixel's settings:
//
//   script(function (c) { ... })({"id":"shop","allow":["/**"],"deny":[],"consent":false})
//
// It keeps these rules:
//   - It never throws into the page, and changes nothing that the page can see but history's two methods.
//   - No e-mail and no phone leaves the page in clear: what cannot be hashed is not sent.
//   - Before a consent that is required nothing is sent and nothing is kept on the machine.
//   - It reads nothing but the page's address, title and referrer: no fingerprint.
//   - Whatever waits is bounded: 50 hits, one request at a time, one more try.
(function (c) {
  'use strict';
  var w = window, d = document, n = navigator, l = location, key = 'leadwire_v';
  var script = d.currentScript, before = w.leadwire;
  // It may be on the page twice.
  if (before && before.on) return;
  var to = script && script.src ? script.src.split('?')[0].replace(/\.js$/, '') : c.to;
  // The browser says so to the server too, by Sec-GPC; unless it is an add-on that says it.
  var gpc = n.globalPrivacyControl;
  // 1: yes, 0: not known yet, -1: denied.
  var granted = c.consent ? 0 : 1;
  var queue = [], busy, failed, timer, visitor, fresh;
  // Of the page view under way; view is false on a page that is not reported.
  var url, referrer = d.referrer, view, seen, since;

  // safe keeps our mistakes from the page.
  function safe(f) {
    return function () {
      try { return f.apply(this, arguments); } catch (e) {}
    };
  }

  function listen(target, type, f) { target.addEventListener(type, safe(f)); }

  function later(f, ms) { return setTimeout(safe(f), ms); }

  function uuid() {
    return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, function (x) {
      return (x ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> x / 4).toString(16);
    });
  }

  // who is the fallback for browsers that send no cookie. One who opted out gets a new id with each page.
  function who() {
    if (!visitor) {
      try { visitor = gpc ? 0 : localStorage[key]; } catch (e) {}
      if (!visitor) {
        visitor = uuid();
        fresh = 1;
        try { if (!gpc) localStorage[key] = visitor; } catch (e) {}
      }
    }
    return visitor;
  }

  // matches: does a path match one of the patterns? They are those of package actors/glob.
  function matches(globs, path) {
    return (globs || []).some(function (g) {
      return RegExp('^' + g.replace(/\/\*\*|\*\*?|[.+?^${}()|[\]\\]/g, function (s, at) {
        return s == '/**' ? '(/[^]*)?' :
          s == '**' || s == '*' && at && at == g.length - 1 && !/[*/]/.test(g[at - 1]) ? '[^]*' :
          s == '*' ? '[^/]*' : '\\' + s;
      }) + '$').test(path);
    });
  }

  // scrub takes the fragment off an address, and e-mails out of its parameters.
  function scrub(u) {
    return u.split('#')[0].replace(/([?&][^=&]*=)[^&]*(@|%40)[^&]*/gi, '$1');
  }

  function push(type, more) {
    if (granted < 0 || !view) return;
    var hit = { id: uuid(), type: type, view: view, url: url, at: Date.now() };
    for (var k in more) hit[k] = more[k];
    queue.push(hit);
    queue = queue.slice(-50);
    // What comes in one go leaves in one go.
    later(flush);
  }

  // post answers with a promise of the status, 0 for none; or with nothing when the browser sees to it.
  function post(query, body, leaving) {
    var at = to + '?px=' + c.id + query + (gpc ? '&gpc=1' : '') + '&t=' + Date.now();
    if (leaving && n.sendBeacon && n.sendBeacon(at, body)) return;
    return fetch(at, { method: 'POST', body: body, keepalive: true, credentials: 'include' })
      .then(function (r) { return r.status; }, function () { return 0; });
  }

  // flush sends what waits. 20,000 characters are under the 64 KiB a browser takes, whatever they are.
  function flush(leaving) {
    if (granted < 1 || !queue.length || busy && !leaving) return;
    var many = queue.length, body, batch, sent;
    while ((body = JSON.stringify(queue.slice(0, many))).length > 2e4 && many > 1) many--;
    batch = queue.splice(0, many);
    sent = post('&v=' + who() + (fresh ? '&n=1' : ''), body, leaving);
    if (!sent) return flush(leaving);
    busy = 1;
    sent.then(function (s) {
      // Not all of it was kept: once more, after as long as the server's Retry-After asks for by default. It knows
      // what it has already.
      failed = !failed && (!s || s == 200 || s == 429 || s > 499);
      if (failed) queue = batch.concat(queue).slice(0, 50);
      else fresh = 0;
      later(function () {
        busy = 0;
        flush();
      }, failed ? 1e4 + 1e4 * Math.random() : 0);
    });
  }

  // leave ends a page's time on the screen. It may come again: seen is all of it.
  function leave() {
    if (!since) return;
    seen += Date.now() - since;
    since = 0;
    push('page_leave', { duration: seen });
  }

  function enter() {
    if (d.visibilityState != 'hidden' && !since) since = Date.now();
  }

  function look() {
    clearTimeout(timer);
    timer = 0;
    var now = scrub(l.href);
    if (now == url) return;
    leave();
    if (url) referrer = url;
    url = now;
    seen = 0;
    view = (!c.allow || matches(c.allow, l.pathname)) && !matches(c.deny, l.pathname) && uuid();
    push('page_view', { title: d.title, referrer: scrub(referrer) });
    enter();
  }

  // soon waits for the page to have its new title, and for the last of several changes.
  function soon() {
    clearTimeout(timer);
    timer = later(look, 50);
  }

  function hide() {
    if (timer) look();
    leave();
    flush(1);
  }

  function hex(buffer) {
    return [].map.call(new Uint8Array(buffer), function (b) { return (b + 256).toString(16).slice(1); }).join('');
  }

  // md5 of bytes: what a browser does not have, and most lists of hashed e-mails do.
  function md5(bytes) {
    var k = [], i = 0, a, b, m, o, f, t, h = [1732584193, -271733879, -1732584194, 271733878];
    var words = [], size = bytes.length, end = (size + 8 >> 6) * 16 + 14;
    for (; i < 64;) k[i] = 0 | Math.abs(Math.sin(++i)) * 4294967296;
    for (i = 0; i <= size; i++) words[i >> 2] |= (i < size ? bytes[i] : 128) << i % 4 * 8;
    words[end] = size * 8;
    for (o = 0; o < end; o += 16) {
      m = h;
      for (i = 0; i < 64; i++) {
        a = m[1]; b = m[2]; t = m[3];
        f = i < 16 ? a & b | ~a & t : i < 32 ? t & a | ~t & b : i < 48 ? a ^ b ^ t : b ^ (a | ~t);
        f += m[0] + k[i] + (words[o + (i < 16 ? i : i < 32 ? 5 * i + 1 : i < 48 ? 3 * i + 5 : 7 * i) % 16] | 0);
        k.s = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21][(i >> 4) * 4 + i % 4];
        m = [t, a + (f << k.s | f >>> 32 - k.s) | 0, a, b];
      }
      h = h.map(function (x, y) { return x + m[y] | 0; });
    }
    return hex(new Int32Array(h).buffer);
  }

  function hash(name, text) {
    return crypto.subtle.digest(name, new TextEncoder().encode(text)).then(hex);
  }

  function hem(variant, text) {
    return Promise.all([hash('SHA-1', text), hash('SHA-256', text)]).then(function (sums) {
      return { variant: variant, md5: md5(new TextEncoder().encode(text)), sha1: sums[0], sha256: sums[1] };
    });
  }

  // Only letters of ASCII: so does everybody else who hashes e-mails, package actors/identity among them.
  function lower(text) {
    return (text || '').trim().replace(/[A-Z]+/g, function (s) { return s.toLowerCase(); });
  }

  // identify takes an e-mail, or {email, phone}; each may be a hash already. What it cannot hash it leaves.
  function identify(x) {
    if (gpc) return;
    if (!crypto.subtle) return console.info('leadwire: identify needs https');
    var email = lower(x.trim ? x : x.email), phone = lower(x.phone).replace(/[\s().-]/g, '');
    var at = Date.now(), hems = [], given = {}, digest = /^[a-f\d]+$/;
    var name = { 32: 'md5', 40: 'sha1', 64: 'sha256' }[email.length];
    var gmail = email.match(/^\.*([^@+.][^@+]*)[^@]*(@g(oogle)?mail\.com)$/);
    gmail = gmail && gmail[1].replace(/\./g, '') + gmail[2];
    if (name && digest.test(email)) {
      given.variant = 'lower';
      given[name] = email;
      hems[0] = given;
    } else if (/^[^@\s]+@[^@\s]+$/.test(email)) {
      hems[0] = hem('lower', email);
      if (gmail && gmail != email) hems[1] = hem('gmail_canonical', gmail);
    }
    phone = /^\+[1-9]\d{6,14}$/.test(phone) ? hash('SHA-256', phone) : phone.length == 64 && digest.test(phone) ? phone : '';
    Promise.all([phone].concat(hems)).then(function (all) {
      phone = all.shift();
      if (phone || all[0]) push('identify', { at: at, phone: phone, hems: all });
    });
  }

  function consent(word) {
    // After a denial the view has to be begun again.
    if (granted < 0) url = 0;
    granted = word == 'granted' ? 1 : -1;
    if (granted > 0) {
      look();
      return flush();
    }
    leave();
    queue = [];
    view = 0;
    try {
      // The server takes its cookie back, which a script cannot reach.
      if (visitor || localStorage[key]) post('&forget=1', '[]');
      visitor = 0;
      delete localStorage[key];
    } catch (e) {}
  }

  var does = { identify: identify, consent: consent, track: function (name) { push('custom', { name: name }); } };

  function start() {
    w.leadwire = safe(function (what, x) { does[what](x); });
    w.leadwire.on = 1;
    ['pushState', 'replaceState'].forEach(function (name) {
      var was = history[name];
      history[name] = function () {
        var r = was.apply(this, arguments);
        soon();
        return r;
      };
    });
    listen(w, 'popstate', soon);
    listen(w, 'pageshow', function (e) { if (e.persisted) { url = 0; look(); } });
    listen(w, 'pagehide', hide);
    listen(d, 'visibilitychange', function () { d.visibilityState == 'hidden' ? hide() : enter(); });
    look();
    (before && before.q || []).forEach(function (args) { w.leadwire.apply(0, args); });
  }

  if (d.prerendering) d.addEventListener('prerenderingchange', safe(start), { once: true });
  else safe(start)();
})
