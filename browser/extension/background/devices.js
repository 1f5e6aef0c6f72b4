// What the agent has told: devices, what is near, and what it said to people. Keeps the latest and
// says what has changed; it does nothing about it. Of what is malformed nothing is kept.
import { isName } from '../shared/address.js';

const STATES = ['out', 'proving', 'in', 'refused', 'stranger'];
const DEVICES_MAX = 256;
const NEAR_MAX = 64;
const SAID_MAX = 5;
const TEXT_MAX = 1000;
const LEVELS = ['note', 'warning', 'failure'];

const text = (value) => (typeof value === 'string' ? value.slice(0, TEXT_MAX) : '');
const number = (value) => (Number.isFinite(value) ? value : null);
const words = (value) => (Array.isArray(value) ? value.slice(0, 8).map(text) : []);

/** One device of the agent's, or null. Its origin is made here of its name and the agent's port:
    no other is ever believed. */
export function deviceFrom(it, port) {
  if (!it || !isName(it.name) || !STATES.includes(it.state)) return null;
  const origin = `http://${it.name}.localhost${port === 80 ? '' : `:${port}`}`;
  return {
    name: it.name, where: text(it.where), user: text(it.user), device_id: text(it.device_id),
    state: it.state, broke_off: it.broke_off === true, protocol: text(it.protocol) || null,
    proof: text(it.proof) || null, suite: text(it.suite) || null, since: number(it.since),
    seen: number(it.seen), versions: words(it.versions), saved: it.saved === true, origin,
  };
}

function nearFrom(it) {
  if (!it || typeof it.name !== 'string' || typeof it.host !== 'string') return null;
  const port = Number.isInteger(it.port) && it.port > 0 && it.port < 65536 ? it.port : 443;
  return {
    name: text(it.name), host: text(it.host), host_name: text(it.host_name), port, id: text(it.id),
    versions: words(it.versions), path: text(it.path) || '/', saved_name: text(it.saved_name),
  };
}

/** Whether it is the same login. The device's id may be learned after it. */
export function sameLogin(a, b) {
  return a.state === 'in' && b.state === 'in' && a.user === b.user && a.since === b.since
    && a.origin === b.origin;
}

export class Devices {
  #devices = new Map();
  #near = new Map();
  #said = [];
  #been = new Set(); // names of those that were in
  #port = 0;
  #turned;
  #changed;

  /** turned(now, before): one of them may be null; changed(): anything. */
  constructor({ turned, changed }) {
    this.#turned = turned;
    this.#changed = changed;
  }

  /** All, of one agent's list at that port. */
  list(told, port) {
    this.#port = port;
    const all = (Array.isArray(told) ? told : []).slice(0, DEVICES_MAX)
      .map((it) => deviceFrom(it, port)).filter(Boolean);
    const names = new Set(all.map(({ name }) => name));
    for (const old of this.all()) if (!names.has(old.name)) this.#put(old.name, null);
    for (const device of all) this.#put(device.name, device);
    this.#changed();
  }

  heard(event) {
    if (event.event === 'state') this.#state(event.device);
    else if (event.event === 'said') this.#hear(event);
    else if (event.event === 'near') this.#come(nearFrom(event.device));
    else if (event.event === 'gone') this.#near.delete(event.name);
    else return;
    this.#changed();
  }

  /** Nothing is known any more. */
  clear() {
    for (const old of this.all()) this.#put(old.name, null);
    this.#near.clear();
    this.#changed();
  }

  noNear() {
    this.#near.clear();
    this.#changed();
  }

  all() {
    return [...this.#devices.values()];
  }

  get(name) {
    return this.#devices.get(name) ?? null;
  }

  near() {
    return [...this.#near.values()];
  }

  said() {
    return this.#said;
  }

  /* A device whose new state can't be read isn't what it was, either. */
  #state(told) {
    const now = deviceFrom(told, this.#port);
    const known = this.#devices.has(told?.name);
    if (known || (now && this.#devices.size < DEVICES_MAX)) this.#put(told.name, now);
  }

  #put(name, now) {
    const before = this.get(name);
    if (now?.state === 'in') this.#been.add(name);
    else if (!now) this.#been.delete(name);
    if (this.#isKept(now)) this.#devices.set(name, now);
    else this.#devices.delete(name);
    if (now?.state === 'in' && before?.state !== 'in') this.#settle(name);
    this.#turned(now, before);
  }

  /* A login that failed leaves nothing that a person knows. */
  #isKept(now) {
    return now !== null && (now.state !== 'out' || now.saved || this.#been.has(now.name));
  }

  /* Why it wasn't in any more is old news once it is again; a warning may be of this login. */
  #settle(name) {
    this.#said = this.#said.filter((it) => it.name !== name || it.level === 'warning');
  }

  /** What is so each time that it is asked for is said once. */
  warn(what) {
    if (this.#said.some((it) => it.name === null && it.text === text(what))) return;
    this.heard({ event: 'said', level: 'warning', text: what });
  }

  #hear({ name, level, text: what }) {
    if (typeof what !== 'string') return;
    const one = {
      name: isName(name) ? name : null,
      level: LEVELS.includes(level) ? level : 'note',
      text: text(what),
    };
    this.#said = [...this.#said, one].slice(-SAID_MAX);
  }

  #come(near) {
    if (!near || (!this.#near.has(near.name) && this.#near.size >= NEAR_MAX)) return;
    this.#near.set(near.name, near);
  }
}
