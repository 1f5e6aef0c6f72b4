// Which devices' typed addresses the person lets us lead to them: the browser's permissions, asked
// anew after every change, as they can be taken back in its settings.
import { patternsOf } from '../shared/address.js';

export class Grants {
  #permissions;
  #granted = new Set(); // names
  #round = 0;

  constructor(permissions) {
    this.#permissions = permissions;
  }

  has(device) {
    return this.#granted.has(device.name);
  }

  /** Resolves to whether it is the newest look, all of which is known now. */
  async look(devices) {
    const round = ++this.#round;
    const granted = new Set();
    await Promise.all(devices.map(async (device) => {
      if (device.saved && await this.#contains(patternsOf(device))) granted.add(device.name);
    }));
    if (round !== this.#round) return false;
    this.#granted = granted;
    return true;
  }

  /** Gives back the permission for a device; `others` keep theirs. */
  async giveBack(device, others) {
    const kept = new Set(others.filter((it) => it.name !== device.name && this.has(it))
      .flatMap((it) => patternsOf(it)));
    const origins = patternsOf(device).filter((pattern) => !kept.has(pattern));
    if (origins.length > 0) await this.#permissions.remove({ origins });
  }

  async #contains(origins) {
    try {
      return origins.length > 0 && await this.#permissions.contains({ origins });
    } catch {
      return false; // the browser takes no such pattern
    }
  }
}
