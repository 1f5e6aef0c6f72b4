// Removes what the browser kept of one device's origin, and of nothing else. What each browser can
// do by origin was measured: Firefox wants the host, for cookies and workers, and the host with its
// port, for storage; it keeps caches and files of scripts, which the gateway's Clear-Site-Data
// removes, and the HTTP cache.
const CHROMIUM = ['cookies', 'localStorage', 'indexedDB', 'cacheStorage', 'fileSystems',
  'serviceWorkers', 'cache'];
const FIREFOX = ['cookies', 'localStorage', 'indexedDB', 'serviceWorkers', 'cache'];
/* What could answer in the device's place: the gateway lets no device have a service worker. */
const WORKERS = ['serviceWorkers', 'cacheStorage', 'cache'];

/** The arguments of browsingData.remove. */
export function removalOf(origin, firefox, workersOnly) {
  const { hostname, host } = new URL(origin);
  const kinds = (firefox ? FIREFOX : CHROMIUM)
    .filter((kind) => !workersOnly || WORKERS.includes(kind));
  return [
    firefox ? { hostnames: [hostname, host] } : { origins: [origin] },
    Object.fromEntries(kinds.map((kind) => [kind, true])),
  ];
}

export class Eraser {
  #data;
  #firefox;
  #pending = new Set(); // origins with a tab that stayed: it can write again until it is gone

  constructor({ data, firefox }) {
    this.#data = data;
    this.#firefox = firefox;
  }

  async all(origin) {
    await this.#remove(origin, false);
  }

  async workers(origin) {
    await this.#remove(origin, true);
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

  async #remove(origin, workersOnly) {
    try {
      await this.#data.remove(...removalOf(origin, this.#firefox, workersOnly));
    } catch (error) {
      console.error('Keyplate: not all could be cleared:', error.message);
    }
  }
}
