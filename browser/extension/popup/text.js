// What the popup makes of the agent's words and of what was typed: pure functions, no page.
import { language, say } from '../words.js';

const PROOFS = { spake2plus: 'SPAKE2+', srp: 'SRP' };

/** "TLS 1.3, SPAKE2+" of a device that is in, else ''. */
export function protocolWords({ protocol, proof }) {
  if (!protocol) return '';
  const version = protocol.replace(/^TLSv/, 'TLS ');
  return proof ? `${version}, ${PROOFS[proof] ?? proof}` : version;
}

/** "TLS 1.3 and TLS 1.2" of the versions that a probe found. */
export function versionWords(speaks) {
  const names = speaks.map((version) => `TLS ${version}`);
  return names.length === 2 ? say('ask.and', { a: names[0], b: names[1] }) : names.join(', ');
}

/* The person's own way to write dates, if it is of the language that is spoken here. */
function locale() {
  const own = globalThis.navigator?.language ?? '';
  return own.startsWith(language()) ? own : language();
}

function isToday(then, now) {
  return then.toDateString() === now.toDateString();
}

/** The day, in the person's words. */
export function dayWords(seconds, now = new Date()) {
  const then = new Date(seconds * 1000);
  if (isToday(then, now)) return say('fact.day');
  const day = { day: 'numeric', month: 'short' };
  if (then.getFullYear() !== now.getFullYear()) day.year = 'numeric';
  return then.toLocaleDateString(locale(), day);
}

/** The day and the time. */
export function timeWords(seconds, now = new Date()) {
  const then = new Date(seconds * 1000);
  const time = then.toLocaleTimeString(locale(), { hour: 'numeric', minute: '2-digit' });
  return isToday(then, now) ? say('fact.today', { time }) : `${dayWords(seconds, now)}, ${time}`;
}

/** The agent's text as a sentence of its own: it begins small and has no full stop. An address, a
    link or a name at its beginning stays as it is written. */
export function sentence(text, ...asWritten) {
  if (!text) return '';
  const kept = /^[a-z]+:\/\//.test(text)
    || asWritten.some((start) => start && text.startsWith(start));
  const whole = kept ? text : text[0].toLocaleUpperCase(language()) + text.slice(1);
  return /[.!?:…)]$/.test(whole) ? whole : `${whole}.`;
}

/* Of the background: of an agent that is gone, silent, or asked too much already. */
const ERRORS = { gone: 'error.gone', late: 'error.late', busy: 'error.busy' };

/** The sentence for a request that failed; the agent's own where it has one. */
export function failureText(answer, ...asWritten) {
  if (answer.text) return sentence(answer.text, ...asWritten);
  return say(ERRORS[answer.error] ?? 'error.other');
}

/** What find and login take for a device: they know the names of saved ones alone, and would take
    another for a host's. */
export function typedFor({ saved, name, where }) {
  return saved ? name : where;
}

/** What find and login take for something that is near. */
export function nearAddress({ host, port }) {
  const bare = host.includes(':') ? `[${host}]` : host;
  return port === 443 ? bare : `${bare}:${port}`;
}

/** What a stranger may have chosen, a name, a user or an id, without what would change how the text
    around it is read; '' of nothing. */
export function strangersName(name) {
  return (name ?? '').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
}

/** What an address bar holds of a device, as find and login take it: they take no http://. */
export function bareAddress(typed) {
  const [, host] = /^http:\/\/([^/?#@\s]+?)(?::80)?(?:[/?#]\S*)?$/i.exec(typed) ?? [];
  return host && !/[^:]:\d+$/.test(host.replace(/^\[.*\]/, '_')) ? host : typed;
}

/**
 * Takes the password out of a link (#p=...), as agents refuse one there: {device, password}, where
 * password is null if there is none; null if it can't be decoded.
 */
export function takePassword(typed) {
  const device = typed.trim();
  const at = device.indexOf('#');
  if (at < 0) return { device, password: null };
  const others = [];
  let password = null;
  for (const part of device.slice(at + 1).split('&')) {
    if (part.startsWith('p=')) password = part.slice(2);
    else if (part !== '') others.push(part);
  }
  if (password === null) return { device, password };
  try {
    password = decodeURIComponent(password);
  } catch {
    return null;
  }
  const rest = others.length > 0 ? `#${others.join('&')}` : '';
  return { device: device.slice(0, at) + rest, password };
}
