// Rules of the network. Session rules let our tabs in at devices that are proved; they alone have
// secrets, and they never outlive the browser. Dynamic rules lead typed addresses to devices, where
// the person has allowed that. The agent's word and the permissions are all that decides.
import { typedOf } from '../shared/address.js';

const SECRET_FIELD = 'X-Keyplate-Secret';
const SECRET = /^[0-9a-f]{64}$/;
const SAYS_FIELD = 'X-Keyplate'; // doc/protocol.md: this browser can open password TLS
const KINDS = ['main_frame', 'sub_frame', 'stylesheet', 'script', 'image', 'font', 'object',
  'xmlhttprequest', 'ping', 'media', 'websocket', 'other'];
const DEVICES_MAX = 256;

function setField(header, value) {
  return { type: 'modifyHeaders', requestHeaders: [{ header, operation: 'set', value }] };
}

/**
 * Session rules of what is proved: [{origin, secret}]. Main frames alone: the answer to the first
 * one sets the cookie, which is SameSite=Strict, and which all that a page loads then has. A page
 * of whoever had the port before the login may still be there, in a frame of another site's: what
 * it asks for must not get the secret.
 */
export function secretRules(proved) {
  const rules = [];
  for (const { origin, secret } of proved.slice(0, DEVICES_MAX)) {
    if (!SECRET.test(secret)) continue;
    const action = setField(SECRET_FIELD, secret);
    const condition = { urlFilter: `|${origin}/`, resourceTypes: ['main_frame'] };
    rules.push({ action, condition });
  }
  return numbered(rules);
}

/** Dynamic rules for the typed addresses of devices; the first device has an address for itself. */
export function typedRules(devices) {
  const rules = [];
  const taken = new Set();
  for (const device of devices.slice(0, DEVICES_MAX)) {
    for (const { scheme, host, port } of typedOf(device)) {
      const address = `${scheme}://${host}${port && `:${port}`}/`;
      if (taken.has(address)) continue;
      taken.add(address);
      rules.push(leading(address, device));
      if (scheme === 'http' && port === '') rules.push(saying(address));
    }
  }
  return numbered(rules);
}

function leading(address, device) {
  const { hostname: host, port } = new URL(device.origin);
  const transform = { scheme: 'http', host, port: port || '80' };
  return {
    action: { type: 'redirect', redirect: { transform } },
    condition: { urlFilter: `|${address}`, resourceTypes: ['main_frame'], requestMethods: ['get'] },
  };
}

function saying(address) {
  const condition = { urlFilter: `|${address}`, resourceTypes: KINDS };
  return { action: setField(SAYS_FIELD, '1'), condition };
}

function numbered(rules) {
  return rules.map((rule, index) => ({ id: index + 1, priority: 1, ...rule }));
}

/* One set of rules: changes follow each other, and each takes what is wanted at its turn. */
class Sheet {
  #get;
  #update;
  #wanted;
  #last = null; // as they were put there; null: unknown
  #turn = Promise.resolve();

  constructor(get, update, wanted) {
    this.#get = get;
    this.#update = update;
    this.#wanted = wanted;
  }

  /** Resolves to whether they stand as they are wanted. */
  sync() {
    this.#turn = this.#turn.then(() => this.#once());
    return this.#turn;
  }

  async #once() {
    const addRules = this.#wanted();
    const text = JSON.stringify(addRules);
    if (text === this.#last) return true;
    try {
      const removeRuleIds = (await this.#get()).map(({ id }) => id);
      await this.#update({ removeRuleIds, addRules });
      this.#last = text;
      return true;
    } catch (error) {
      this.#last = null;
      console.error('Keyplate: rules weren’t taken:', error.message);
      return this.#empty();
    }
  }

  /* A rule that is too much is worse than one that is missing. */
  async #empty() {
    try {
      await this.#update({ removeRuleIds: (await this.#get()).map(({ id }) => id) });
    } catch (error) {
      console.error('Keyplate: rules weren’t removed:', error.message);
    }
    return false;
  }
}

export class Rules {
  #session;
  #dynamic;

  /** proved(): what secretRules() takes; typed(): what typedRules() takes. */
  constructor({ net, proved, typed }) {
    this.#session = new Sheet(() => net.getSessionRules(),
      (change) => net.updateSessionRules(change), () => secretRules(proved()));
    this.#dynamic = new Sheet(() => net.getDynamicRules(),
      (change) => net.updateDynamicRules(change), () => typedRules(typed()));
  }

  /** At once, after any change of what is proved. Before the first: nothing is. */
  syncSecrets() {
    return this.#session.sync();
  }

  syncTyped() {
    return this.#dynamic.sync();
  }
}
