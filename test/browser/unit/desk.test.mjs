// Goal: only our own pages are heard, only what they may ask is done, and neither links nor secrets
// nor passwords come back to them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { answerFor, Desk, requestFrom } from '../../../browser/extension/background/desk.js';
import { deviceFrom, Devices } from '../../../browser/extension/background/devices.js';
import { Grants } from '../../../browser/extension/background/grants.js';

const POPUP = 'chrome-extension://abc/popup/popup.html';
const PLACE = 'chrome-extension://abc/place/place.html';
const tick = () => new Promise((resolve) => { setTimeout(resolve, 1); });

function portOf(url = POPUP, { id = 'abc', name = 'view' } = {}) {
  const port = {
    name, sender: { id, url }, got: [], closed: false,
    onMessage: { addListener: (listener) => { port.say = listener; } },
    onDisconnect: { addListener: (listener) => { port.leave = listener; } },
    postMessage: (message) => port.got.push(structuredClone(message)),
    disconnect: () => { port.closed = true; },
  };
  return port;
}

function desk() {
  const it = {
    asked: [], needs: [], opened: [], paths: [], url: 'about:blank', answer: { ok: true },
  };
  const devices = new Devices({ turned: () => {}, changed: () => {} });
  it.desk = new Desk({
    api: { runtime: { id: 'abc', getURL: (path) => `chrome-extension://abc/${path}` } },
    agent: {
      ready: true,
      need: (person) => it.needs.push(person),
      info: () => ({ is: 'ready', nearby: true }),
      ask: async (type, members) => { it.asked.push([type, members]); return it.answer; },
    },
    devices,
    stays: {
      settled: async () => {}, bringBack: () => {},
      link: async (name, path) => {
        it.paths.push(path);
        return { ok: true, link: 'http://link', secret: 'x' };
      },
    },
    tabs: {
      claim: () => {}, unclaim: () => {},
      urlOf: async () => it.url,
      isStill: async (tab, was) => tab !== null && was === it.url,
      open: async (tab, link) => it.opened.push([tab, link]),
    },
    grants: {
      has: (device) => it.grants?.has(device) ?? false,
      giveBack: async (...of) => it.grants?.giveBack(...of),
    },
    typedOrigins: () => ['http://192.168.1.77/*'],
    changed: () => it.desk.push(),
    relist: async () => {},
  });
  it.devices = devices;
  return it;
}

test('who is heard', () => {
  for (const [url, options] of [['http://evil.example/', {}], [POPUP, { id: 'other' }],
    [POPUP, { name: 'x' }], ['chrome-extension://abc/privacy.html', {}], [undefined, {}],
    [`http://evil.example/?${POPUP}`, {}], [`${POPUP}.evil`, {}], [POPUP, { id: undefined }]]) {
    const it = desk();
    const port = portOf(url, options);
    if (url === undefined) delete port.sender.url;
    if ('id' in options && options.id === undefined) delete port.sender.id;
    it.desk.connect(port);
    assert.ok(port.closed, url);
    assert.deepEqual(it.needs, []);
  }
  const it = desk();
  it.desk.connect(portOf(`${POPUP}?tab=5`));
  it.desk.connect(portOf(`${PLACE}?what=out#x`));
  assert.deepEqual(it.needs, [true, false]);
  assert.ok(it.desk.busy);
});

test('a view at once, one for all that changes together', async () => {
  const it = desk();
  const port = portOf();
  it.desk.connect(port);
  it.desk.push();
  it.desk.push();
  await tick();
  assert.equal(port.got.length, 1);
  assert.equal(port.got[0].push, 'view');
  port.leave();
  it.desk.push();
  await tick();
  assert.equal(port.got.length, 1);
  assert.ok(!it.desk.busy);
});

test('requests have the shape that they must have, and nothing more', () => {
  assert.deepEqual(requestFrom({ id: 1, ask: 'find', device: 'x', evil: 1, type: 'login' }),
    { ask: 'find', device: 'x' });
  for (const message of [null, {}, { ask: 'link', name: 'x' }, { ask: 'toString' }, { ask: 'find' },
    { ask: 'constructor' }, { ask: 'find', device: 5 }, { ask: 'find', device: 'x'.repeat(3000) },
    { ask: 'login', device: 'x', tab: '5' }, { ask: 'login', device: 'x', password: {} },
    { ask: 'login', device: 'x', tab: -1 }, { ask: 'near', on: 1 }, { ask: 'open' },
    { ask: 'login', device: 'x', password: 'x'.repeat(5000) }, { ask: '__proto__' }]) {
    assert.equal(requestFrom(message), null, JSON.stringify(message));
  }
});

test('a login: the password goes through, a link is opened, no secret comes back', async () => {
  const it = desk();
  const port = portOf();
  it.desk.connect(port);
  it.answer = { ok: true, device: { name: 'heating' }, link: 'http://one/', secret: 's3cret' };
  port.say({ id: 7, ask: 'login', device: 'x', user: 'u', password: 'pass', tab: 3, path: '/p' });
  assert.equal('password' in it.asked.at(-1)[1], false); // it was posted, and is gone
  await tick();
  assert.deepEqual(it.opened, [[3, 'http://link']]);
  const answer = port.got.find(({ id }) => id === 7);
  assert.deepEqual(answer, { ok: true, device: { name: 'heating' }, id: 7 });
  assert.ok(!/pass|s3cret|http:\/\/(one|link)/.test(JSON.stringify(port.got)));
  assert.deepEqual(answerFor({ ok: true, link: 'a', secret: 'b', text: 'c' }), { ok: true, text: 'c' });
});

test('a tab that went elsewhere during the login is left alone', async () => {
  const it = desk();
  const port = portOf();
  it.desk.connect(port);
  it.answer = { ok: true, device: { name: 'heating' } };
  port.say({ id: 7, ask: 'login', device: 'x', tab: 3 });
  await null;
  it.url = 'http://evil.example/';
  await tick();
  assert.deepEqual(it.opened, [[null, 'http://link']]);
});

test('what is opened is the first page, but for a link that was pasted', async () => {
  const it = desk();
  const port = portOf();
  it.desk.connect(port);
  it.answer = { ok: true, device: { name: 'heating' } };
  port.say({ id: 1, ask: 'open', name: 'heating', path: '/reset', tab: 3 });
  port.say({ id: 2, ask: 'login', device: 'x', path: '/pasted', tab: 3 });
  await tick();
  assert.deepEqual(it.paths, ['/', '/pasted']);
});

test('what is refused opens nothing', async () => {
  const it = desk();
  const port = portOf();
  it.desk.connect(port);
  it.answer = { ok: false, error: 'refused', text: 'no' };
  port.say({ id: 8, ask: 'login', device: 'x', user: 'u', password: 'p', tab: null });
  port.say({ id: 9, ask: 'nonsense' });
  port.say({ ask: 'find', device: 'x' });
  await tick();
  assert.deepEqual(it.opened, []);
  assert.deepEqual(port.got.filter(({ id }) => id).map(({ id, error }) => [id, error]).sort(),
    [[8, 'refused'], [9, 'misused']]);
});

test('near is watched while a page wants it', async () => {
  const it = desk();
  const [one, two] = [portOf(), portOf()];
  it.desk.connect(one);
  it.desk.connect(two);
  one.say({ id: 1, ask: 'near', on: true });
  two.say({ id: 1, ask: 'near', on: true });
  one.leave();
  assert.deepEqual(it.asked.at(-1), ['watch', { nearby: true }]);
  two.leave();
  assert.deepEqual(it.asked.at(-1), ['watch', { nearby: false }]);
});

test('of what the agent tells nothing malformed is kept, and no origin is believed', () => {
  const right = { name: 'a', state: 'in', where: 'h', origin: 'http://evil.example' };
  assert.equal(deviceFrom(right, 47110).origin, 'http://a.localhost:47110');
  assert.equal(deviceFrom(right, 80).origin, 'http://a.localhost');
  assert.equal('secret' in deviceFrom({ ...right, secret: 'x' }, 1), false);
  for (const wrong of [null, {}, { ...right, name: 'a.b' }, { ...right, state: 'fine' }, 'x']) {
    assert.equal(deviceFrom(wrong, 47110), null);
  }
  const devices = new Devices({ turned: () => {}, changed: () => {} });
  for (let i = 0; i < 300; i++) {
    devices.heard({ event: 'said', text: `t${i}`, level: 'x', name: '<b>' });
    devices.heard({ event: 'near', device: { name: `n${i}`, host: 'h', port: 1 } });
    devices.heard({ event: 'state', device: { ...right, name: `d${i}` } });
  }
  const kept = [devices.said().length, devices.near().length, devices.all().length];
  assert.deepEqual(kept, [5, 64, 256]);
  assert.deepEqual(devices.said().at(-1), { name: null, level: 'note', text: 't299' });
});

test('a login that failed leaves no device, one that ended does', () => {
  const devices = new Devices({ turned: () => {}, changed: () => {} });
  const names = () => devices.all().map(({ name }) => name);
  const state = (name, is, more) => (
    devices.heard({ event: 'state', device: { name, state: is, ...more } }));
  for (const is of ['proving', 'out']) state('failed', is);
  for (const is of ['proving', 'in', 'out']) state('ended', is);
  state('kept', 'out', { saved: true });
  assert.deepEqual(names(), ['ended', 'kept']);
  devices.list(['failed', 'ended', 'kept'].map((name) => ({ name, state: 'out' })), 1);
  assert.deepEqual(names(), ['ended']);
  devices.clear();
  state('ended', 'out');
  assert.deepEqual(names(), []);
});

test('what is so each time is said once', () => {
  const devices = new Devices({ turned: () => {}, changed: () => {} });
  devices.warn('half');
  devices.warn('half');
  assert.deepEqual(devices.said(), [{ name: null, level: 'warning', text: 'half' }]);
});

test('a state that can’t be read ends what was', () => {
  const turns = [];
  const devices = new Devices({
    turned: (now, before) => turns.push([now?.state ?? null, before?.state ?? null]),
    changed: () => {},
  });
  devices.heard({ event: 'state', device: { name: 'a', state: 'in' } });
  devices.heard({ event: 'state', device: { name: 'a', state: 'paused' } });
  devices.heard({ event: 'state', device: { name: 'b', state: 'paused' } });
  for (const device of [null, undefined, 5, {}]) devices.heard({ event: 'state', device });
  assert.deepEqual(turns, [['in', null], [null, 'in']]);
  assert.deepEqual(devices.all(), []);
});

test('notices of why a device was out go when it is in again; warnings stay', () => {
  const devices = new Devices({ turned: () => {}, changed: () => {} });
  const state = (is) => devices.heard({ event: 'state', device: { name: 'a', state: is } });
  const hear = (name, level) => devices.heard({ event: 'said', name, level, text: level });
  state('refused');
  for (const level of ['failure', 'note', 'warning']) hear('a', level);
  hear('b', 'failure');
  hear(null, 'note');
  state('in');
  const left = devices.said().map(({ name, level }) => [name, level]);
  assert.deepEqual(left, [['a', 'warning'], ['b', 'failure'], [null, 'note']]);
  hear('a', 'note');
  state('in');
  assert.equal(devices.said().length, 4);
});

test('a permission that is taken back goes, whoever else is at that host', async () => {
  const it = desk();
  const [removed, granted] = [[], new Set()];
  const host = (origins) => origins.map((origin) => new URL(origin.replace('*', '')).host);
  it.grants = new Grants({
    contains: async ({ origins }) => host(origins).every((one) => granted.has(one)),
    remove: async ({ origins }) => { removed.push(origins); },
  });
  for (const [name, where] of [['a', '192.168.1.77'], ['b', '192.168.1.77:8443'], ['c', 'c.local']]) {
    granted.add(where.split(':')[0]);
    it.devices.heard({ event: 'state', device: { name, where, state: 'out', saved: true } });
  }
  await it.grants.look(it.devices.all());
  const port = portOf();
  it.desk.connect(port);
  port.say({ id: 1, ask: 'untyped', name: 'a' });
  await tick();
  assert.deepEqual(removed, [['http://192.168.1.77/*', 'https://192.168.1.77/*']]);
  // Who is forgotten takes it along only if nobody else there has it.
  port.say({ id: 2, ask: 'forget', name: 'a' });
  port.say({ id: 3, ask: 'forget', name: 'c' });
  await tick();
  assert.deepEqual(removed.slice(1), [['http://c.local/*', 'https://c.local/*']]);
});
