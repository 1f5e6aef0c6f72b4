// The wire from our own pages to the background: views come in, requests go out. It knows nothing
// of what is shown. A background that went (browsers put it to sleep) is called again.
import { api } from './api.js';

const AGAIN_MS = 500;

export class Talk {
  #port = null;
  #nextId = 1;
  #waiting = new Map();
  #onView;

  constructor(onView) {
    this.#onView = onView;
    this.#connect();
  }

  #connect() {
    this.#port = api.runtime.connect({ name: 'view' });
    this.#port.onMessage.addListener((message) => this.#take(message));
    this.#port.onDisconnect.addListener(() => this.#gone());
  }

  #take(message) {
    if (message.push === 'view') {
      this.#onView(message.view);
      return;
    }
    const answer = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    answer?.(message);
  }

  #gone() {
    for (const answer of this.#waiting.values()) answer({ ok: false, error: 'gone' });
    this.#waiting.clear();
    this.#port = null;
    setTimeout(() => this.#reconnect(), AGAIN_MS);
  }

  #reconnect() {
    try {
      this.#connect();
    } catch {
      // The extension itself was removed or replaced: this page goes with it.
    }
  }

  /** Resolves with the answer, {ok: false, error: 'gone'} if none can come; never rejects. */
  ask(request) {
    return new Promise((resolve) => {
      if (!this.#port) {
        resolve({ ok: false, error: 'gone' });
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, resolve);
      try {
        this.#port.postMessage({ ...request, id });
      } catch {
        this.#take({ id, ok: false, error: 'gone' });
      }
    });
  }
}
