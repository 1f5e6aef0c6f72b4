/*
 * What a page can make its browser send to another web server.  Each attack's requests are marked by
 * its name (?attack=MARKNAME), and it returns what it got to read there, or null.  path: instead of the
 * attack's own.
 *
 *      attack({target, mark, path})    all at once: {name: what it read}
 *      follow(...)                     the same of the links
 */
'use strict';

const PATIENCE = 8000;

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

function element(name, attributes) {
  const made = document.createElement(name);
  return new Promise((done) => {
    made.onload = () => done(made);
    made.onerror = () => done(null);
    made.onloadeddata = made.onload;
    Object.assign(made, attributes);
    (name === 'link' ? document.head : document.body).append(made);
  });
}

function form(url, fields, attributes) {
  const made = document.createElement('form');
  Object.assign(made, { action: url, method: 'post', ...attributes });
  const query = made.method === 'get' ? new URL(url).searchParams : []; // a GET form replaces it
  for (const [name, value] of [...Object.entries(fields), ...query]) {
    const input = document.createElement('input');
    Object.assign(input, { type: 'hidden', name, value });
    made.append(input);
  }
  document.body.append(made);
  made.submit();
}

function frame(attributes = {}) {
  const made = document.createElement('iframe');
  Object.assign(made, attributes);
  document.body.append(made);
  return made;
}

/* What the page that comes into a window or frame shows, once it is there; null if that is none of
 * ours to see. */
async function seen(made) {
  for (let tries = 0; made && tries < PATIENCE / 50; tries++) {
    await wait(50);
    if (made.closed) return null; // or cut off, as the page wants it
    try {
      const text = made.location.href !== 'about:blank' && made.document.body.innerText;
      if (text) return text;
    } catch (error) {
      if (error instanceof DOMException) return null; // else there isn't a page yet
    }
  }
  return null;
}

/* A form that is sent into a frame of this page. */
async function framed_form(url, enctype, fields) {
  const name = `frame-${Math.random()}`;
  const made = frame({ name });
  form(url, fields, { enctype, target: name });
  return seen(made.contentWindow);
}

/* Something that is sent into a window of its own; send gets its name. */
async function opened(send) {
  const name = `window-${Math.random()}`;
  const made = window.open('about:blank', name);
  send(name);
  const text = await seen(made);
  if (made) made.close();
  return text;
}

async function text_of(url, options = {}) {
  const answer = await fetch(url, { credentials: 'include', ...options });
  return (await answer.text()) || null;
}

/* By way of the attacker's own server: the method and the body stay. */
function redirected(url) {
  return `/redirect?status=307&to=${encodeURIComponent(url)}`;
}

const FORM = 'application/x-www-form-urlencoded';
const CHANGE = { step: 'up', logout: '1', forget: '1' };

const attacks = {
  'fetch': (at) => text_of(at('/secret')),
  'fetch-no-cors': (at) => text_of(at('/secret'), { mode: 'no-cors' }),
  'fetch-head': (at) => text_of(at('/secret'), { method: 'HEAD' }),
  'fetch-post': (at) => text_of(at('/secret'), {
    method: 'POST', body: new URLSearchParams(CHANGE) }),
  'fetch-post-no-cors': (at) => text_of(at('/secret'), {
    method: 'POST', mode: 'no-cors', body: 'step=up' }),
  'fetch-post-no-referrer': (at) => text_of(at('/secret'), {
    method: 'POST', mode: 'no-cors', referrerPolicy: 'no-referrer', body: new URLSearchParams(CHANGE) }),
  'fetch-post-json': (at) => text_of(at('/secret'), {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' }),
  'fetch-delete': (at) => text_of(at('/secret'), { method: 'DELETE' }),
  'fetch-keepalive': (at) => text_of(at('/secret'), {
    method: 'POST', mode: 'no-cors', keepalive: true, body: 'x' }),
  'fetch-redirected': (at) => text_of(redirected(at('/secret')), {
    method: 'POST', body: new URLSearchParams(CHANGE) }),
  'fetch-redirected-no-cors': (at) => text_of(redirected(at('/secret')), {
    method: 'POST', mode: 'no-cors', body: new URLSearchParams(CHANGE) }),
  'beacon': async (at) => void navigator.sendBeacon(at('/secret'), new URLSearchParams(CHANGE)),
  'xhr-own-header': (at) => new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open('PUT', at('/secret'));
    request.withCredentials = true;
    request.setRequestHeader('X-Keyplate-Secret', '0'.repeat(64));
    request.onloadend = () => done(request.responseText || null);
    request.send('x');
  }),
  'img': async (at) => (await element('img', { src: at('/secret.svg') }) ? 'loaded' : null),
  'img-cors': async (at) => {
    const made = await element('img', { crossOrigin: 'use-credentials', src: at('/secret.svg') });
    return made ? 'loaded' : null;
  },
  'script': async (at) => {
    return await element('script', { src: at('/secret.js') }) && self.leaked;
  },
  'script-module': async (at) => {
    await import(at('/secret.js'));
    return self.leaked || null;
  },
  'stylesheet': async (at) => {
    const made = await element('link', { rel: 'stylesheet', href: at('/secret.css') });
    return made && getComputedStyle(document.documentElement).getPropertyValue('--leaked');
  },
  'prefetch': async (at) => void element('link', { rel: 'prefetch', href: at('/secret') }),
  'preload': async (at) => void element('link', { rel: 'preload', as: 'fetch', href: at('/secret') }),
  'object': async (at) => void element('object', { data: at('/secret') }),
  'embed': async (at) => void element('embed', { type: 'text/html', src: at('/secret') }),
  'video': async (at) => void element('video', {
    preload: 'auto', crossOrigin: 'use-credentials', src: at('/secret') }),
  'track': async (at) => {
    const video = document.createElement('video');
    video.crossOrigin = 'use-credentials';
    const track = document.createElement('track');
    Object.assign(track, { default: true, src: at('/secret') });
    video.append(track);
    document.body.append(video);
    track.track.mode = 'hidden';
  },
  'iframe': (at) => seen(frame({ src: at('/secret') }).contentWindow),
  'form-urlencoded': (at) => framed_form(at('/secret'), FORM, CHANGE),
  'form-multipart': (at) => framed_form(at('/secret'), 'multipart/form-data', CHANGE),
  'form-text': (at) => framed_form(at('/secret'), 'text/plain', { '{"step":"up","x":"': '"}' }),
  'form-redirected': (at) => framed_form(redirected(at('/secret')), FORM, CHANGE),
  'form-no-origin': async (at) => { // a page without an origin: Origin: null
    const inner = `<form method=post action="${at('/secret')}"><input name=step value=up></form>` +
      '<script>document.forms[0].submit()</scr' + 'ipt>';
    frame({ sandbox: 'allow-scripts allow-forms', srcdoc: inner });
    return null;
  },
  'fetch-no-origin': async (at) => {
    const script = `fetch(${JSON.stringify(at('/secret'))}, ` +
      "{method: 'POST', credentials: 'include', body: 'x'})" +
      ".then((r) => r.text()).catch(() => null).then((t) => parent.postMessage(t, '*'))";
    const made = frame({ sandbox: 'allow-scripts', srcdoc: `<script>${script}</scr` + 'ipt>' });
    const answer = new Promise((done) => addEventListener('message', (event) => {
      if (event.source === made.contentWindow) done(event.data);
    }));
    return answer;
  },
  'worker': (at) => new Promise((done) => {
    const script = `try { importScripts(${JSON.stringify(at('/secret.js'))}) } catch (e) {}` +
      'postMessage(self.leaked || null)';
    const made = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
    made.onmessage = (event) => done(event.data);
  }),
  'websocket': (at, ws) => new Promise((done) => {
    const made = new WebSocket(ws('/ws'));
    made.onmessage = (event) => { done(event.data); made.close(); };
    made.onclose = () => done(null);
  }),
  'events': (at) => new Promise((done) => {
    const made = new EventSource(at('/events'), { withCredentials: true });
    made.onmessage = (event) => { done(event.data); made.close(); };
    made.onerror = () => { done(null); made.close(); };
  }),
  'window-post': (at) => opened((target) => form(at('/secret'), CHANGE, { target })),
};

/* A link that is followed: a page of the device may be shown by it, to the person alone. */
const moves = {
  'window': (at) => opened((target) => window.open(at('/secret'), target)),
  'link': (at) => opened((target) => {
    const made = document.createElement('a');
    Object.assign(made, { href: at('/secret'), target });
    document.body.append(made);
    made.click();
  }),
  'form-get': (at) => opened((target) => form(at('/secret'), CHANGE, { method: 'get', target })),
};

async function tried(run, at, ws) {
  try {
    return (await Promise.race([run(at, ws), wait(PATIENCE).then(() => null)])) ?? null;
  } catch (error) {
    return null;
  }
}

async function all(kinds, { target, mark = '', path = '' }) {
  const read = {};
  await Promise.all(Object.entries(kinds).map(async ([name, run]) => {
    const sign = path.includes('?') ? '&' : '?';
    const at = (where) => `${target}${path || where}${sign}attack=${mark}${name}`;
    read[name] = await tried(run, at, (where) => at(where).replace(/^http/, 'ws'));
  }));
  return read;
}

self.attack = (it) => all(attacks, it);
self.follow = (it) => all(moves, it);
