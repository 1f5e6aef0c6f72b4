// What happens when a device comes in and when it goes out, and in which order: rules, tabs, and
// what the browser kept. All of it follows from the agent's word; nothing of it is remembered.
//
// In: pages that are older than the login are taken away first, then what could answer in the
// device's place, then the secret goes into rules. Out: rules at once, then tabs, then what was
// kept.
import { pathOf } from '../shared/address.js';
import { sameLogin } from './devices.js';

/* Milliseconds for pages to go: before a login counts, and after it ended. */
const PATIENCE = { away: 3000, leave: 1500 };
const SWEEP_MS = 50; // for devices that are heard of together

export class Stays {
  #agent;
  #devices;
  #tabs;
  #erase;
  #rules;
  #patience;
  #ready = new Map(); // name: {name, origin, secret}
  #turns = new Map(); // name: the last thing that is being done about it
  #wasIn = new Set(); // names of devices that were in and logged out
  #swept = new Set(); // origins that were cleared for not being in when they were first heard of
  #sweeping = null; // {origins, done}: those that are about to be

  constructor({ agent, devices, tabs, erase, rules, patience = PATIENCE }) {
    this.#agent = agent;
    this.#devices = devices;
    this.#tabs = tabs;
    this.#erase = erase;
    this.#rules = rules;
    this.#patience = patience;
  }

  isReady(name) {
    return this.#ready.has(name);
  }

  /** What may be let in, for rules. */
  proved() {
    return [...this.#ready.values()];
  }

  /** Resolves when all that has been begun about that device is done. */
  settled(name) {
    return this.#turns.get(name) ?? Promise.resolve();
  }

  /** The agent says something new of a device; null: it isn't there (any more). */
  turned(now, before) {
    const wasIn = before?.state === 'in';
    const isIn = now?.state === 'in';
    if (wasIn && isIn) {
      if (now.where !== before.where || now.user !== before.user) this.#tabs.paintAll();
      if (!sameLogin(now, before)) this.#again(now, before);
      return;
    }
    if (wasIn) this.#leave(before, this.#whyOut(now, true));
    if (isIn) this.#enter(now);
    else if (!wasIn && now) this.#keepOut(now, before);
  }

  /** A tab came to an address. */
  visited(tab) {
    const place = this.#tabs.placeIn(tab);
    if (place) this.bringBack(place.name);
    if (!tab.url || !this.#agent.ready) return;
    const device = this.#devices.all().find(({ origin }) => tab.url.startsWith(`${origin}/`));
    if (device && !this.#mayStay(device)) this.#tabs.take(tab, this.#whyOut(device), device.name);
  }

  /** A tab went somewhere or was closed: what had to be left for it is cleared. */
  async tabMoved() {
    for (const origin of this.#erase.pending()) {
      if ((await this.#tabs.at(origin)).length > 0 || !this.#erase.notLater(origin)) continue;
      const name = new URL(origin).hostname.replace(/\.localhost$/, '');
      const job = () => (this.isReady(name) ? null : this.#erase.all(origin, this.#agent.ready));
      this.#then(name, job);
    }
  }

  /** {link} to a path of a device that is in, or the agent's answer. */
  async link(name, path) {
    const whole = pathOf(`http://x${path}`);
    const at = whole.indexOf('#');
    const [sent, hash] = at < 0 ? [whole, ''] : [whole.slice(0, at), whole.slice(at)];
    const answer = await this.#agent.ask('link', { name, path: sent });
    const origin = this.#devices.get(name)?.origin;
    const ours = typeof answer.link === 'string' && origin
      && answer.link.startsWith(`${origin}/.keyplate/open/`);
    if (!answer.ok || !ours) return { ...answer, ok: false, link: null, secret: null };
    return { ok: true, link: answer.link + hash, secret: answer.secret };
  }

  #mayStay({ state }) {
    return state === 'in' || state === 'proving';
  }

  #whyOut(now, wasIn = false) {
    if (!now) return this.#agent.ready ? 'logged-out' : 'ended';
    if (now.state === 'refused' || now.state === 'stranger') return now.state;
    return wasIn || this.#wasIn.has(now.name) ? 'logged-out' : 'out';
  }

  /* One thing after the other for each device. */
  #then(name, job) {
    const turn = this.settled(name).then(job).catch((error) => {
      console.error('Keyplate:', error.message);
    }).finally(() => {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    });
    this.#turns.set(name, turn);
  }

  #leave({ name, origin }, what) {
    this.#ready.delete(name);
    if (this.#agent.ready) this.#wasIn.add(name);
    this.#rules.syncSecrets();
    this.#tabs.paintAll();
    this.#then(name, async () => {
      const ms = this.#patience.leave;
      if (what === 'logged-out' && this.#agent.ready) await this.#tabs.passBy(origin, ms);
      const left = await this.#tabs.clear(origin, what, name, ms);
      await this.#erase.all(origin, this.#agent.ready);
      if (left > 0) this.#erase.later(origin);
    });
  }

  /* It was logged in to once more: the tabs stay if what lets them in is the same. */
  #again(now, before) {
    if (now.user !== before.user || !this.isReady(now.name)) {
      this.#leave(before, 'out');
      this.#enter(now);
      return;
    }
    this.#then(now.name, async () => {
      const { ok, secret } = await this.link(now.name, '/');
      const known = this.#ready.get(now.name);
      if (!known || !ok || secret === known.secret) return; // without an answer nothing is new
      this.#leave(before, 'out');
      this.#enter(now);
    });
  }

  #enter(device) {
    this.#then(device.name, () => this.#letIn(device));
  }

  async #letIn(device) {
    const { name, origin } = device;
    const still = () => {
      const now = this.#devices.get(name);
      return now !== null && now.state === 'in' && now.user === device.user;
    };
    if (!still()) return;
    await this.#tabs.clear(origin, 'out', name, this.#patience.away);
    if (this.#erase.notLater(origin)) await this.#erase.all(origin, false);
    else await this.#erase.workers(origin);
    if (!still()) return;
    const answer = await this.link(name, '/');
    if (!answer.ok || !still()) return;
    this.#ready.set(name, { name, origin, secret: answer.secret });
    this.#wasIn.delete(name);
    await this.#rules.syncSecrets();
    await this.#tabs.paintAll();
    this.bringBack(name);
  }

  /** Tabs that wait at the place page for a device that is in go on to it. */
  bringBack(name) {
    if (!this.isReady(name)) return;
    const link = async () => (await this.link(name, '/')).link;
    this.#tabs.bringBack(name, link).catch((error) => console.error('Keyplate:', error.message));
  }

  /* Not in, and wasn't: whatever was kept is of a time that this background knows nothing of. */
  #keepOut(now, before) {
    const { name, origin, state } = now;
    if (this.#mayStay(now) || (state === before?.state && origin === before.origin)) return;
    const sweep = !before && !this.#swept.has(origin);
    this.#swept.add(origin);
    this.#tabs.paintAll();
    this.#then(name, async () => {
      if (this.#devices.get(name)?.state === 'in') return;
      const left = await this.#tabs.clear(origin, this.#whyOut(now), name, this.#patience.leave);
      if (sweep) await this.#sweep(origin);
      if (left > 0) this.#erase.later(origin);
    });
  }

  /* All together: a list has many, and each call takes the browser its time. */
  #sweep(origin) {
    this.#sweeping ??= { origins: [], done: this.#sweepSoon() };
    this.#sweeping.origins.push(origin);
    return this.#sweeping.done;
  }

  async #sweepSoon() {
    await new Promise((resolve) => { setTimeout(resolve, SWEEP_MS); });
    const { origins } = this.#sweeping;
    this.#sweeping = null;
    await this.#erase.sweep(origins);
  }
}
