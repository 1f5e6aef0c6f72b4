// Removes what the browser kept of one device's origin, and of nothing else. What each browser can
// do by origin was measured: Firefox wants the host, for cookies and workers, and the host with its
// port, for storage. Caches and files that scripts made it clears by the word of the origin itself
// alone (Clear-Site-Data), which the agent gives for who is logged out; and its HTTP cache, where a
// page is told that: see Tabs.passBy.
import { clearingOf } from '../shared/address.js';

const CHROMIUM = ['cookies', 'localStorage', 'indexedDB', 'cacheStorage', 'fileSystems',
  'serviceWorkers', 'cache'];
const FIREFOX = ['cookies', 'localStorage', 'indexedDB', 'serviceWorkers', 'cache'];
/* What could answer in the device's place: the gateway lets no device have a service worker. */
const WORKERS = ['serviceWorkers', 'cacheStorage', 'cache'];

/** The arguments of browsingData.remove. */
export function removalOf(origins, firefox, workersOnly) {
  const hostnames = origins.map((origin) => new URL(origin))
    .flatMap(({ hostname, host }) => [hostname, host]);
  const kinds = (firefox ? FIREFOX : CHROMIUM)
    .filter((kind) => !workersOnly || WORKERS.includes(kind));
  return [
    firefox ? { hostnames } : { origins },
    Object.fromEntries(kinds.map((kind) => [kind, true])),
  ];
}

const WORD_MS = 5000; // for the agent's word

export class Eraser {
  #data;
  #firefox;
  #get;
  #pending = new Set(); // origins with a tab that stayed: it can write again until it is gone

  constructor({ data, firefox, get }) {
    this.#data = data;
    this.#firefox = firefox;
    this.#get = get;
  }

  /** `there`: the agent is, so that nobody else answers at its port. Not for a device that is in. */
  async all(origin, there) {
    await this.#remove([origin], false);
    if (this.#firefox && there) await this.#hear(origin);
  }

  /** Of devices that weren't in as far as anybody knows: what scripts may have kept isn't worth a
      request to each of them. */
  async sweep(origins) {
    await this.#remove(origins, false);
  }

  async workers(origin) {
    await this.#remove([origin], true);
  }

  later(origin) {
    this.#pending.add(origin);
  }

  /** It is in again, or was erased. */
  notLater(origin) {
    return this.#pending.delete(origin);
  }

  pending() {
    return [...this.#pending];
  }

  async #hear(origin) {
    try {
      const signal = AbortSignal.timeout(WORD_MS);
      await this.#get(clearingOf(origin), { cache: 'no-store', signal });
    } catch (error) {
      console.error('Keyplate: caches of scripts weren’t cleared:', error.message);
    }
  }

  async #remove(origins, workersOnly) {
    try {
      await this.#data.remove(...removalOf(origins, this.#firefox, workersOnly));
    } catch (error) {
      console.error('Keyplate: not all could be cleared:', error.message);
    }
  }
}
