// Tabs: which device each one shows, its icon and title, and how tabs are taken away from a device
// that isn't proved and brought back. An icon is always worked out anew from what is true now: the
// tab's own address, the agent's word, and whether its page was loaded after the login.
import { clearingOf, deviceOf, loopbackOf, placeOf, placeQuery } from '../shared/address.js';

const PLACE = 'place/place.html';
const LOOK_MS = 100;
const SIZES = [16, 32, 48];
const TOGETHER = 6; // a device has at most 8 links that wait to be opened

/**
 * The face of a tab: {device, icon, title}, device null where it shows none. `isReady(name)`: it is
 * in, and so are its rules; `stale`: the tab's page may be older than that.
 */
export function faceOf({ url, place, stale, devices, isReady }) {
  const here = deviceOf(url, devices);
  const placed = here ? null : devices.find(({ name }) => name === place?.name);
  const device = here ?? placed ?? null;
  if (here && !stale && here.state === 'in' && isReady(here.name)) {
    return { device, icon: 'proved', title: 'title.proved' };
  }
  if (device && (device.state === 'refused' || device.state === 'stranger')) {
    return { device, icon: 'trouble', title: 'title.trouble' };
  }
  return { device, icon: 'idle', title: 'title.idle' };
}

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const originOf = (url) => (loopbackOf(url) ? new URL(url).origin : '');

export class Tabs {
  #api;
  #firefox;
  #say;
  #devices; // () => all that are known
  #isReady;
  #stale = new Map(); // tab: the origin that its page, loaded before the login, is of
  #painted = new Set(); // tabs that don't look as tabs do by themselves
  #claimed = new Set(); // tabs that a login is about to fill
  #turns = new Map(); // tab: the last painting of it
  #due = new Set(); // tabs whose next painting hasn't begun
  #all = null; // all tabs' painting that hasn't begun

  constructor({ api, firefox, say, devices, isReady }) {
    this.#api = api;
    this.#firefox = firefox;
    this.#say = say;
    this.#devices = devices;
    this.#isReady = isReady;
  }

  /* ---- What they show -------------------------------------------------------------------- */

  /** All at http://*.localhost, at any port. */
  async loopback() {
    return this.#query({ url: 'http://*.localhost/*' });
  }

  async at(origin) {
    return (await this.loopback()).filter(({ url }) => originOf(url) === origin);
  }

  /** Our place page's facts, if the tab shows it. */
  placeIn(tab) {
    return tab.url?.startsWith(this.#api.runtime.getURL(PLACE)) ? placeOf(tab.url) : null;
  }

  /** It was updated; true if it came to another address, or loaded its own again. */
  updated(change, tab) {
    const origin = this.#stale.get(tab.id);
    if (origin && originOf(tab.url) !== origin) this.#stale.delete(tab.id);
    this.#paint(tab);
    // In Firefox a tab that begins to load still has its old address.
    return Boolean(change.url) || (!this.#firefox && change.status === 'loading');
  }

  removed(id) {
    this.#stale.delete(id);
    this.#painted.delete(id);
    this.#claimed.delete(id);
  }

  async #query(what) {
    try {
      return await this.#api.tabs.query(what);
    } catch (error) {
      console.error('Keyplate: tabs can’t be looked at:', error.message);
      return [];
    }
  }

  /* ---- Icons ----------------------------------------------------------------------------- */

  /** Once for all that changes together. */
  paintAll() {
    this.#all ??= Promise.resolve().then(async () => {
      this.#all = null;
      for (const tab of await this.#query({})) this.#paint(tab);
    });
    return this.#all;
  }

  /** A background that begins: tabs may look as one that was ended left them. */
  async paintAnew() {
    for (const tab of await this.loopback()) {
      this.#painted.add(tab.id);
      this.#paint(tab);
    }
  }

  /* One painting after the other for each tab, so that none that is older comes last. */
  #paint(tab) {
    const { id } = tab;
    const ours = this.#turns.has(id) || this.#painted.has(id) || loopbackOf(tab.url)
      || this.placeIn(tab);
    if (!ours || this.#due.has(id)) return;
    this.#due.add(id);
    const before = this.#turns.get(id) ?? Promise.resolve();
    // A tab that has gone needs nothing.
    const turn = before.then(() => this.#paintNow(id)).catch(() => {}).finally(() => {
      if (this.#turns.get(id) === turn) this.#turns.delete(id);
    });
    this.#turns.set(id, turn);
  }

  async #paintNow(id) {
    this.#due.delete(id);
    const tab = await this.#api.tabs.get(id);
    const face = faceOf({
      url: tab.url ?? '', place: this.placeIn(tab), stale: this.#stale.has(id),
      devices: this.#devices(), isReady: this.#isReady,
    });
    if (!face.device && !this.#painted.has(id)) return;
    if (face.device) this.#painted.add(id);
    else this.#painted.delete(id);
    const { action, pageAction } = this.#api;
    const done = this.#dress(action, id, face);
    if (this.#firefox) {
      done.push(...this.#dress(pageAction, id, face));
      done.push(face.device ? pageAction.show(id) : pageAction.hide(id));
    }
    await Promise.allSettled(done);
  }

  #dress(button, tabId, { icon, title, device }) {
    const path = Object.fromEntries(SIZES.map((size) => [size, `/icons/${icon}-${size}.png`]));
    return [
      button.setIcon({ tabId, path }),
      button.setTitle({ tabId, title: this.#say(title, device ?? {}) }),
    ];
  }

  /* ---- Away and back --------------------------------------------------------------------- */

  /** To the place page. What its device's page was is left behind, unless the page holds on. */
  async take(tab, what, name) {
    const url = this.#api.runtime.getURL(PLACE) + placeQuery(what, name);
    await this.go(tab.id, url, true);
  }

  /** Firefox clears its HTTP cache by the word of a page of that origin alone: so its tabs pass by
      the agent's page that says so, for `ms` at most. What doesn't move stays where it is. */
  async passBy(origin, ms) {
    if (!this.#firefox) return;
    const moving = await this.at(origin);
    const gone = new Set(moving.map(({ id }) => id));
    const clearing = clearingOf(origin);
    await Promise.all(moving.map((tab) => this.go(tab.id, clearing, true)));
    for (const end = Date.now() + ms; gone.size > 0 && Date.now() < end;) {
      await wait(LOOK_MS);
      const there = new Map((await this.at(origin)).map((tab) => [tab.id, tab]));
      for (const id of gone) {
        const tab = there.get(id);
        if (!tab || (tab.url === clearing && tab.status === 'complete')) gone.delete(id);
      }
    }
  }

  /** Takes all tabs of origin away; resolves to how many stay after `ms`. They are stale: no login
      that comes now is theirs. */
  async clear(origin, what, name, ms) {
    let left = await this.at(origin);
    for (const tab of left) this.#stale.set(tab.id, origin);
    await Promise.all(left.map((tab) => this.take(tab, what, name)));
    for (const end = Date.now() + ms; left.length > 0 && Date.now() < end;) {
      await wait(LOOK_MS);
      left = (await this.at(origin)).filter(({ id }) => this.#stale.has(id));
    }
    return left.length;
  }

  /** A login will fill this tab itself. */
  claim(id) {
    if (id !== null) this.#claimed.add(id);
  }

  unclaim(id) {
    this.#claimed.delete(id);
  }

  /** Place pages of a device that is in now go to its first page; link() makes the way. */
  async bringBack(name, link) {
    const all = await this.#query({ url: `${this.#api.runtime.getURL(PLACE)}*` });
    const mine = all.filter((tab) => !this.#claimed.has(tab.id)
      && this.placeIn(tab)?.name === name);
    for (let i = 0; i < mine.length && this.#isReady(name); i += TOGETHER) {
      if (i > 0) await wait(2000);
      await Promise.all(mine.slice(i, i + TOGETHER).map(async (tab) => {
        const url = await link();
        if (url) await this.go(tab.id, url, true);
      }));
    }
  }

  /** Resolves to whether there is such a tab. `instead`: nobody wants to come back to what it
      shows. */
  async go(id, url, instead = false) {
    const how = this.#firefox && instead ? { url, loadReplace: true } : { url };
    for (let tries = 0; tries < 3; tries++) {
      try {
        await this.#api.tabs.update(id, how);
        return true;
      } catch {
        await wait(3 * LOOK_MS); // a tab that is being dragged can't be changed
      }
    }
    return false;
  }

  /** What tab `id` shows, as far as we may know it; null where there is no such tab. */
  async urlOf(id) {
    if (id === null) return null;
    return this.#api.tabs.get(id).then(({ url }) => url ?? '', () => null);
  }

  /** Whether tab `id` shows what it did, or our place page of that device: it was taken there. */
  async isStill(id, was, name) {
    const url = await this.urlOf(id);
    return url !== null && (url === was || this.placeIn({ url })?.name === name);
  }

  /** In tab `id`, or in a new one: also for a page that doesn't let go of its tab. */
  async open(id, url) {
    const origin = this.#stale.get(id);
    const holds = origin && originOf(await this.urlOf(id)) === origin;
    if (id !== null && !holds && await this.go(id, url, true)) return;
    await this.#api.tabs.create({ url });
  }
}
