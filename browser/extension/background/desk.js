// Answers our own pages, the popup and the place page: what they are shown, and what they may ask.
// Nobody else is heard. Links and secrets never go to a page, and a password goes through once and
// is kept nowhere.
import { isName } from '../shared/address.js';

const PAGES = ['popup/popup.html', 'place/place.html'];
const POPUP = PAGES[0];
const PORTS_MAX = 64;
const ASKED_MAX = 16; // at once, by one page

const LOGIN_S = 150;
const PROBE_S = 60;
const CLAIM_MS = 2000; // until a tab that was sent somewhere is there

const isText = (max) => (it) => typeof it === 'string' && it.length <= max;
const isFlag = (it) => typeof it === 'boolean';
const isTab = (it) => it === null || (Number.isInteger(it) && it >= 0);
const maybe = (test) => (it) => it === undefined || test(it);
const DEVICE = isText(2048);
const NAME = isText(64);
const PATH = isText(2048);

/* What each request has to have; what isn't here isn't taken. */
const ASKS = {
  find: { device: DEVICE },
  probe: { device: DEVICE },
  near: { on: isFlag },
  again: {},
  login: {
    device: DEVICE, user: maybe(isText(1024)), password: maybe(isText(4096)),
    remember: maybe(isFlag), check: maybe(isFlag), device_id: maybe(isText(1024)),
    tab: maybe(isTab), path: maybe(PATH),
  },
  open: { name: NAME, tab: maybe(isTab) },
  logout: { name: NAME },
  forget: { name: NAME },
  untyped: { name: NAME },
};

/** {ask, ...} with its own members alone, or null if it is no request of ours. */
export function requestFrom(message) {
  const shape = Object.hasOwn(ASKS, message?.ask) ? ASKS[message.ask] : null;
  if (!shape || !Object.entries(shape).every(([key, fits]) => fits(message[key]))) return null;
  const members = Object.keys(shape).filter((key) => message[key] !== undefined)
    .map((key) => [key, message[key]]);
  return { ask: message.ask, ...Object.fromEntries(members) };
}

/** What of the agent's answer a page may see. */
export function answerFor({ link, secret, ...rest }) {
  return rest;
}

export class Desk {
  #given;
  #ports = new Map(); // port: {near, asked}
  #pushing = false;

  /** api, agent, devices, stays, tabs, grants; changed(): pages came or went; relist(): the agent
      is asked for its devices anew. */
  constructor(given) {
    this.#given = given;
  }

  get busy() {
    return this.#ports.size > 0;
  }

  /** runtime.onConnect's listener. */
  connect(port) {
    const page = this.#pageOf(port);
    if (!page || this.#ports.size >= PORTS_MAX) {
      port.disconnect();
      return;
    }
    this.#ports.set(port, { near: false, asked: 0 });
    port.onMessage.addListener((message) => this.#heard(port, message));
    port.onDisconnect.addListener(() => this.#left(port));
    this.#given.agent.need(page === POPUP);
    if (page === POPUP) this.#given.relist();
    this.#given.changed();
  }

  /** All pages get the view, once for all that changes now. */
  push() {
    if (this.#pushing || !this.busy) return;
    this.#pushing = true;
    Promise.resolve().then(() => {
      this.#pushing = false;
      const message = { push: 'view', view: this.#view() };
      for (const port of this.#ports.keys()) this.#post(port, message);
    });
  }

  /** The agent is there (again): what pages wanted of it. */
  up() {
    this.#watch();
  }

  #pageOf({ name, sender }) {
    const { runtime } = this.#given.api;
    if (name !== 'view' || sender?.id !== runtime.id) return null;
    const bare = String(sender.url ?? '').replace(/[?#].*$/s, '');
    return PAGES.find((page) => bare === runtime.getURL(page)) ?? null;
  }

  #view() {
    const { agent, devices, grants, typedOrigins } = this.#given;
    const typed = (device) => ({ origins: typedOrigins(device), granted: grants.has(device) });
    return {
      agent: agent.info(),
      devices: devices.all().map((device) => ({ ...device, typed: typed(device) })),
      near: devices.near(),
      said: devices.said(),
    };
  }

  #post(port, message) {
    try {
      port.postMessage(message);
    } catch {
      this.#left(port); // it was closed
    }
  }

  #left(port) {
    if (!this.#ports.delete(port)) return;
    this.#watch();
    this.#given.changed();
  }

  #watch() {
    const { agent, devices } = this.#given;
    const nearby = [...this.#ports.values()].some(({ near }) => near);
    if (!nearby) devices.noNear();
    if (agent.ready && agent.info().nearby) agent.ask('watch', { nearby });
  }

  async #heard(port, message) {
    const id = Number.isInteger(message?.id) ? message.id : null;
    const page = this.#ports.get(port);
    const request = requestFrom(message);
    if (id === null || !page) return;
    let answer;
    if (!request) answer = { ok: false, error: 'misused' };
    else if (page.asked >= ASKED_MAX) answer = { ok: false, error: 'busy' };
    else answer = await this.#counted(page, request);
    if (this.#ports.has(port)) this.#post(port, { ...answerFor(answer), id });
  }

  async #counted(page, request) {
    page.asked++;
    try {
      return await this.#answer(page, request);
    } catch (error) {
      return { ok: false, error: 'failed', text: error.message };
    } finally {
      page.asked--;
    }
  }

  #answer(page, { ask, ...members }) {
    const { agent } = this.#given;
    switch (ask) {
      case 'find': return agent.ask('find', members);
      case 'probe': return agent.ask('probe', members, PROBE_S);
      case 'near': return this.#near(page, members.on);
      case 'login': return this.#login(members);
      case 'open': return this.#open(members);
      case 'logout': return agent.ask('logout', members);
      case 'forget': return this.#forget(members.name);
      case 'untyped': return this.#untyped(members.name);
      default: return this.#again();
    }
  }

  #again() {
    this.#given.agent.again();
    return { ok: true };
  }

  #near(page, on) {
    page.near = on;
    this.#watch();
    return { ok: true };
  }

  /* The message is the only thing that has the password, and it ends with the request. */
  async #login({ tab = null, path = '/', ...members }) {
    const { agent, stays, tabs } = this.#given;
    let name = null;
    tabs.claim(tab);
    const was = tabs.urlOf(tab);
    try {
      const asking = agent.ask('login', members, LOGIN_S);
      delete members.password;
      const answer = await asking;
      if (!answer.ok || !isName(answer.device?.name)) return answer;
      ({ name } = answer.device);
      const still = await tabs.isStill(tab, await was, name);
      const opened = await this.#open({ name, path, tab: still ? tab : null });
      return opened.ok ? answer : opened;
    } finally {
      setTimeout(() => {
        tabs.unclaim(tab);
        if (name !== null) stays.bringBack(name); // if it didn't get there
      }, CLAIM_MS);
    }
  }

  /* path: of a link that the person pasted, and of nothing else. */
  async #open({ name, path = '/', tab = null }) {
    const { stays, tabs } = this.#given;
    await stays.settled(name);
    const answer = await stays.link(name, path);
    if (answer.ok) await tabs.open(tab, answer.link);
    return answer;
  }

  async #forget(name) {
    const { agent, devices, grants, relist } = this.#given;
    const device = devices.get(name);
    const answer = await agent.ask('forget', { name });
    if (answer.ok && device) {
      await grants.giveBack(device, devices.all())
        .catch((error) => console.error('Keyplate:', error.message));
    }
    await relist();
    return answer;
  }

  async #untyped(name) {
    const { devices, grants } = this.#given;
    const device = devices.get(name);
    if (!device) return { ok: false, error: 'misused' };
    // It is a host's: other devices there, at other ports, lose it, too, as they got it.
    await grants.giveBack(device, []);
    return { ok: true };
  }
}
