// Goal: a tab looks proved only while its device is in, its rules stand and its page is no older
// than the login; who is logged out loses rules, tabs and what was kept, in that order, whatever
// happens at the same time.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Devices, sameLogin } from '../../../browser/extension/background/devices.js';
import { Eraser } from '../../../browser/extension/background/erase.js';
import { Rules } from '../../../browser/extension/background/rules.js';
import { Stays } from '../../../browser/extension/background/stays.js';
import { faceOf, Tabs } from '../../../browser/extension/background/tabs.js';

const SELF = 'chrome-extension://abc/';
const ORIGIN = 'http://heating.localhost:47110';
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function told(state, more = {}) {
  return {
    name: 'heating', where: '192.168.1.77', user: 'admin', device_id: '', state, saved: true,
    since: state === 'in' ? 100 : null, ...more,
  };
}

test('what a tab looks like', () => {
  const face = (more) => faceOf({
    url: `${ORIGIN}/`, place: null, stale: false, isReady: () => true,
    devices: [{ ...told('in'), origin: ORIGIN }], ...more,
  }).icon;
  assert.equal(face({}), 'proved');
  assert.equal(face({ isReady: () => false }), 'idle');
  assert.equal(face({ stale: true }), 'idle');
  assert.equal(face({ devices: [{ ...told('proving'), origin: ORIGIN }] }), 'idle');
  assert.equal(face({ devices: [] }), 'idle');
  assert.equal(face({ url: 'http://evil.example/' }), 'idle');
  assert.equal(face({ url: SELF, place: { name: 'heating' } }), 'idle');
  const login = { ...told('in'), origin: ORIGIN };
  assert.ok(sameLogin(login, { ...login, device_id: 'learned' }));
  for (const other of [{ user: 'x' }, { since: 1 }, { origin: 'http://x:2' }, { state: 'out' }]) {
    assert.ok(!sameLogin(login, { ...login, ...other }));
  }
});

/* A browser with tabs, and the background in it but for its agent's port. */
class House {
  constructor() {
    this.tabs = new Map();
    this.held = new Set(); // tabs with a page that doesn't let go
    this.log = [];
    this.titles = new Map();
    this.icons = new Map(); // whether it is teal
    this.session = [{ id: 9 }];
    this.secret = 'a'.repeat(64);
    this.agent = { ready: true, ask: (type, members) => this.#answer(type, members) };
    this.api = {
      runtime: { getURL: (path) => SELF + path },
      tabs: {
        query: (what) => this.#query(what), update: (id, how) => this.#update(id, how),
        get: (id) => this.#get(id),
      },
      action: {
        setIcon: async ({ tabId, path }) => {
          await sleep(this.lag?.() ?? 0);
          this.icons.set(tabId, path[16].includes('proved'));
        },
        setTitle: async ({ tabId, title }) => { this.titles.set(tabId, title); },
      },
    };
    this.begin();
  }

  /** The background, which knows nothing of one that was before. */
  begin() {
    const { api, agent } = this;
    this.devices = new Devices({
      turned: (now, was) => this.stays.turned(now, was), changed: () => {},
    });
    this.board = new Tabs({
      api, firefox: false, say: (key) => key, devices: () => this.devices.all(),
      isReady: (name) => this.stays.isReady(name),
    });
    const remove = async ({ origins }, kinds) => {
      this.log.push(`${kinds.cookies ? 'all' : 'workers'} of ${origins.join(' ')}`);
    };
    this.erase = new Eraser({ data: { remove }, firefox: false });
    const net = {
      getSessionRules: async () => this.session,
      updateSessionRules: async ({ addRules = [] }) => {
        this.session = addRules;
        this.log.push(`${addRules.length} rules`);
      },
    };
    this.rules = new Rules({ net, proved: () => this.stays.proved(), typed: () => [] });
    this.stays = new Stays({
      agent, devices: this.devices, tabs: this.board, erase: this.erase, rules: this.rules,
      patience: { away: 150, leave: 120 },
    });
  }

  async #answer(type, { path }) {
    if (this.slow) await sleep(this.slow);
    const link = `${ORIGIN}/.keyplate/open/${'0'.repeat(64)}${path}`;
    return { ok: true, link, secret: this.secret };
  }

  async #query({ url }) {
    await sleep(0);
    const part = url?.startsWith(SELF) ? SELF : '.localhost';
    const fits = (it) => !url || it.includes(part);
    return [...this.tabs].filter(([, it]) => fits(it)).map(([id, it]) => ({ id, url: it }));
  }

  async #get(id) {
    await sleep(0);
    if (!this.tabs.has(id)) throw new Error('no tab');
    return { id, url: this.tabs.get(id) };
  }

  async #update(id, { url }) {
    if (this.held.has(id)) return;
    // A link is used up and leads to its path.
    this.come(id, url.replace(/\.keyplate\/open\/0+\//, ''));
  }

  come(id, url) {
    this.tabs.set(id, url);
    this.titles.set(id, 'title.idle');
    this.icons.set(id, false);
    if (this.board.updated({ url }, { id, url })) this.stays.visited({ id, url });
    this.stays.tabMoved();
  }

  state(state, more) {
    this.devices.heard({ event: 'state', device: told(state, more) });
  }

  async start(state) {
    this.devices.list([told(state)], 47110);
    await this.settle();
  }

  async settle() {
    for (let i = 0; i < 4; i++) {
      await this.stays.settled('heating');
      await sleep(5);
    }
  }

  proved(id) {
    assert.equal(this.icons.get(id), this.titles.get(id) === 'title.proved');
    return this.icons.get(id);
  }
}

test('in: old pages go first, then workers, then the secret; the tabs come back', async () => {
  const house = new House();
  house.come(1, `${ORIGIN}/old?x`);
  house.come(2, 'http://evil.example/');
  await house.start('in');
  assert.deepEqual(house.log, [`workers of ${ORIGIN}`, '1 rules']);
  assert.equal(house.tabs.get(1), `${ORIGIN}/`);
  assert.ok(house.proved(1) && !house.proved(2));
});

test('out: rules, tabs, what was kept', async () => {
  const house = new House();
  await house.start('in');
  house.come(1, `${ORIGIN}/a`);
  house.come(2, 'http://boiler.localhost:47110/');
  house.log.length = 0;
  house.state('out');
  assert.equal(house.stays.proved().length, 0);
  await house.settle();
  assert.deepEqual(house.log, ['0 rules', `all of ${ORIGIN}`]);
  assert.equal(house.tabs.get(1), `${SELF}place/place.html?what=logged-out&name=heating`);
  assert.equal(house.tabs.get(2), 'http://boiler.localhost:47110/');
  house.come(1, `${ORIGIN}/b`);
  await house.settle();
  assert.match(house.tabs.get(1), /what=logged-out&name=heating$/);
  house.state('in');
  await house.settle();
  assert.equal(house.tabs.get(1), `${ORIGIN}/`);
  assert.ok(house.proved(1));
});

for (const [why, what] of [['refused', 'refused'], ['stranger', 'stranger']]) {
  test(`${why} is told on the place page, and by the icon`, async () => {
    const house = new House();
    await house.start('in');
    house.come(1, `${ORIGIN}/`);
    house.state(why);
    await house.settle();
    assert.ok(house.tabs.get(1).includes(`what=${what}&`));
    assert.equal(house.titles.get(1), 'title.trouble');
  });
}

test('the agent goes', async () => {
  const house = new House();
  await house.start('in');
  house.come(1, `${ORIGIN}/`);
  house.agent.ready = false;
  house.devices.clear();
  await house.settle();
  assert.ok(house.tabs.get(1).includes('what=ended&'));
  assert.deepEqual(house.session, []);
});

test('a page that holds on is idle, also after the next login, and cleared when gone', async () => {
  const house = new House();
  await house.start('in');
  house.come(1, `${ORIGIN}/`);
  house.held.add(1);
  house.state('out');
  await house.settle();
  assert.equal(house.tabs.get(1), `${ORIGIN}/`);
  assert.ok(!house.proved(1));
  house.state('in', { since: 200 });
  await house.settle();
  house.come(1, `${ORIGIN}/#moved`);
  house.come(2, `${ORIGIN}/new`);
  await house.settle();
  assert.ok(!house.proved(1) && house.proved(2));
  house.state('out');
  await house.settle();
  house.log.length = 0;
  house.come(1, 'http://evil.example/');
  await house.settle();
  assert.deepEqual(house.log, [`all of ${ORIGIN}`]);
});

test('out while it comes in: nothing is let in', async () => {
  const house = new House();
  house.slow = 20;
  house.devices.list([told('in')], 47110);
  await sleep(10);
  house.state('out');
  await house.settle();
  assert.equal(house.stays.proved().length, 0);
  assert.ok(!house.log.includes('1 rules'));
  assert.equal(house.log.at(-1), `all of ${ORIGIN}`);
});

test('out and in at once: in, and cleared between', async () => {
  const house = new House();
  await house.start('in');
  house.come(1, `${ORIGIN}/`);
  house.log.length = 0;
  house.state('out');
  house.state('in', { since: 300 });
  await house.settle();
  assert.deepEqual(house.log, ['0 rules', `all of ${ORIGIN}`, `workers of ${ORIGIN}`, '1 rules']);
  assert.ok(house.proved(1));
});

test('one more login: tabs stay if the secret does, and go if the user is another', async () => {
  const house = new House();
  await house.start('in');
  house.come(1, `${ORIGIN}/`);
  house.log.length = 0;
  house.state('in', { since: 200, device_id: 'X' });
  await house.settle();
  assert.deepEqual(house.log, []);
  const { ask } = house.agent;
  house.agent.ask = async () => ({ ok: false, error: 'late' });
  house.state('in', { since: 250 });
  await house.settle();
  assert.deepEqual(house.log, []);
  house.agent.ask = ask;
  house.secret = 'b'.repeat(64);
  house.state('in', { since: 300 });
  await house.settle();
  assert.ok(house.log.includes(`all of ${ORIGIN}`) && house.log.at(-1) === '1 rules');
  house.log.length = 0;
  house.state('in', { since: 300, user: 'other' });
  await house.settle();
  assert.ok(house.log.includes(`all of ${ORIGIN}`));
});

test('what isn’t in at first is cleared once, and taken', async () => {
  const house = new House();
  house.come(1, `${ORIGIN}/.keyplate/open/${'0'.repeat(64)}/a`);
  await house.start('out');
  assert.deepEqual(house.log, [`all of ${ORIGIN}`]);
  assert.ok(house.tabs.get(1).endsWith('what=out&name=heating'));
  house.state('proving');
  house.come(2, `${ORIGIN}/`);
  await house.settle();
  assert.equal(house.tabs.get(2), `${ORIGIN}/`);
  assert.ok(!house.proved(2));
  house.state('out');
  await house.settle();
  assert.ok(house.tabs.get(2).includes('what=out&'));
});

test('a link that isn’t the device’s is none', async () => {
  const house = new House();
  await house.start('in');
  house.agent.ask = async () => ({ ok: true, link: 'http://evil.example/', secret: 'x' });
  const answer = await house.stays.link('heating', '/');
  assert.deepEqual([answer.ok, answer.link, answer.secret], [false, null, null]);
});

test('a tab that a login fills isn’t brought back beside it', async () => {
  const house = new House();
  await house.start('out');
  house.come(1, `${ORIGIN}/a`);
  house.come(2, `${ORIGIN}/b`);
  await house.settle();
  house.board.claim(1);
  house.state('in');
  await house.settle();
  assert.ok(house.tabs.get(1).startsWith(SELF));
  assert.equal(house.tabs.get(2), `${ORIGIN}/`);
});

test('a background that begins leaves no tab proved', async () => {
  const house = new House();
  await house.start('in');
  house.come(1, `${ORIGIN}/`);
  await house.settle();
  assert.ok(house.proved(1));
  house.begin(); // the one before was ended, its agent is gone
  await house.board.paintAnew();
  await sleep(5);
  assert.ok(!house.proved(1));
});

test('the last painting is of what is true last, however long each takes', async () => {
  const house = new House();
  await house.start('in');
  house.come(1, `${ORIGIN}/`);
  await house.settle();
  let lag = 60;
  house.lag = () => { lag -= 30; return lag; }; // each is faster than the one before
  for (const url of [`${ORIGIN}/a`, 'http://evil.example/']) {
    house.come(1, url);
    await sleep(10);
  }
  await sleep(80);
  assert.ok(!house.proved(1));
});

test('all that are out at first are cleared at once, and once', async () => {
  const house = new House();
  const two = [told('out'), told('out', { name: 'boiler' })];
  house.devices.list(two, 47110);
  await sleep(80);
  const swept = [`all of ${ORIGIN} http://boiler.localhost:47110`];
  assert.deepEqual(house.log, swept);
  house.devices.list(two, 47110);
  await sleep(80);
  assert.deepEqual(house.log, swept);
});

test('a page that holds on isn’t opened over', async () => {
  const house = new House();
  const made = [];
  house.api.tabs.create = async ({ url }) => made.push(url);
  await house.start('in');
  house.come(1, `${ORIGIN}/`);
  house.held.add(1);
  house.state('out');
  await house.settle();
  await house.board.open(1, 'http://link/');
  assert.deepEqual(made, ['http://link/']);
});

test('a device that is in at another address is painted anew', async () => {
  const house = new House();
  let painted = 0;
  await house.start('in');
  house.board.paintAll = () => { painted++; };
  house.state('in', { where: '192.168.1.78' });
  house.state('in', { where: '192.168.1.78' });
  assert.equal(painted, 1);
});
