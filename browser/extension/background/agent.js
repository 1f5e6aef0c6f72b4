// The agent behind its native port: it is started when somebody needs it, greeted, asked and
// heard; and why it is missing. This knows the messages' envelope (doc/agent.md), not what they
// mean, and begins nothing by itself: no request is ever sent twice.
export const HOST = 'org.keyplate.agent';
const PROTOCOL = 1;
const HELLO_MS = 15000;
const WAITING_MAX = 24; // an agent refuses more than 32
const RETRY_MS = 5000; // after a failure; sooner only for a person
const ID_MAX = 0x7fffffff;
const TEXT_MAX = 500;

/** What the end of the port means, by what the browser says of it; `spoke`: it had answered. */
export function whyGone(message, spoke) {
  if (spoke) return 'broken';
  // Firefox has one sentence for what isn't there and what isn't allowed.
  if (/not found|no such native|not installed|failed to start/i.test(message)) return 'missing';
  return /forbidden|permission/i.test(message) ? 'refused' : 'broken';
}

export class Agent {
  #given; // what the constructor was given
  #port = null;
  #is = 'starting';
  #facts = {};
  #text = '';
  #failedAt = 0;
  #lastId = 0;
  #waiting = new Map(); // id: {settle, timer}

  /**
   * connect() makes the port; reason(port) is the browser's word for its end; language; up(facts)
   * when it has answered hello; down() when all that it told is void; heard(event) for events;
   * changed() when info() says something else.
   */
  constructor(given) {
    this.#given = given;
  }

  get ready() {
    return this.#is === 'ready';
  }

  get connected() {
    return this.#port !== null;
  }

  info() {
    return { is: this.#is, text: this.#text, ...this.#facts };
  }

  /** Somebody needs it. `person`: by an act of theirs, so that a failure is tried once more. */
  need(person) {
    if (this.#port) return;
    if (!person && Date.now() - this.#failedAt < RETRY_MS) return;
    this.#begin();
  }

  again() {
    this.drop();
    this.#begin();
  }

  /** Nobody needs it. */
  drop() {
    if (!this.#port) return;
    const port = this.#port;
    this.#port = null;
    port.disconnect();
    this.#end('starting', '');
  }

  /** Resolves with the answer, {ok: false, error} if none came; never rejects. What is in
      `members` isn't kept. */
  ask(type, members = {}, seconds = 20) {
    if (!this.ready) return Promise.resolve({ ok: false, error: 'gone' });
    return this.#send(type, members, seconds * 1000);
  }

  #begin() {
    this.#set('starting', '', {});
    let port;
    try {
      port = this.#given.connect();
    } catch (error) {
      this.#fail(whyGone(String(error?.message), false), String(error?.message));
      return;
    }
    this.#port = port;
    port.onMessage.addListener((message) => { if (port === this.#port) this.#take(message); });
    port.onDisconnect.addListener(() => {
      const reason = this.#given.reason(port); // has to be read, also of a port that was dropped
      if (port === this.#port) this.#gone(reason);
    });
    this.#hello();
  }

  async #hello() {
    const port = this.#port;
    const answer = await this.#send('hello', {
      protocol: PROTOCOL, client: 'browser', lasting: false, language: this.#given.language,
    }, HELLO_MS);
    if (port !== this.#port || answer.error === 'gone') return;
    const { protocol, version, port: number } = answer;
    const facts = {
      version: String(version ?? '').slice(0, 40), port: number, ownPort: answer.own_port === true,
      keyring: answer.keyring === true, nearby: answer.nearby === true,
    };
    if (answer.ok && protocol === PROTOCOL && Number.isInteger(number) && number > 0
      && number < 65536) {
      this.#set('ready', '', facts);
      this.#given.up(facts);
    } else {
      const other = answer.error === 'protocol' || (answer.ok && protocol !== PROTOCOL);
      const is = other ? 'other' : 'broken';
      this.#hangUp(is, String(answer.text ?? ''), { version: facts.version });
    }
  }

  #send(type, members, ms) {
    if (this.#waiting.size >= WAITING_MAX) return Promise.resolve({ ok: false, error: 'busy' });
    this.#lastId = this.#lastId % ID_MAX + 1;
    const id = this.#lastId;
    return new Promise((settle) => {
      const timer = setTimeout(() => this.#settle(id, { ok: false, error: 'late' }), ms);
      this.#waiting.set(id, { settle, timer });
      try {
        this.#port.postMessage({ ...members, id, type });
      } catch {
        this.#settle(id, { ok: false, error: 'gone' });
      }
    });
  }

  #settle(id, answer) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return; // it came too late
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.settle(answer);
  }

  #take(message) {
    if (message && typeof message === 'object' && Number.isInteger(message.id)) {
      const { id, ...answer } = message;
      this.#settle(id, { ...answer, ok: message.ok === true });
    } else if (message?.event === 'restarted') {
      this.#end('starting', '');
      this.#hello();
    } else if (typeof message?.event === 'string') {
      if (this.ready) this.#given.heard(message);
    } else {
      this.#hangUp('broken', '', {});
    }
  }

  /* It said what no agent of ours says. */
  #hangUp(is, text, facts) {
    const port = this.#port;
    this.#port = null;
    port.disconnect();
    this.#fail(is, text, facts);
  }

  #gone(reason) {
    this.#port = null;
    this.#fail(whyGone(reason, this.#facts.version !== undefined), reason);
  }

  #fail(is, text, facts) {
    this.#failedAt = Date.now();
    this.#end(is, text, facts);
  }

  #end(is, text, facts = {}) {
    this.#set(is, text, facts);
    this.#void();
  }

  /* All that it told, and all that it was asked. */
  #void() {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, { ok: false, error: 'gone' });
    this.#given.down();
  }

  #set(is, text, facts) {
    this.#is = is;
    this.#text = text.slice(0, TEXT_MAX);
    this.#facts = facts;
    this.#given.changed();
  }
}
