// Which device an address means, and what an address may be asked for. Pure functions on strings:
// they know no browser and look nothing up.

const PLACES = ['out', 'logged-out', 'ended', 'stranger', 'refused'];
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const TO_MAX = 2048;
const USUAL = { 'http:': '80', 'https:': '443' };
const PATH_OF_LINK = /^\/\.keyplate\/open\/[^/]*/;
const CLEARING = '/.keyplate/out';
const LOCAL_ENDINGS = ['.local', '.internal', '.home.arpa'];

function parsed(url) {
  try {
    return new URL(url);
  } catch {
    return null; // not an address at all
  }
}

function web(url) {
  const it = parsed(url);
  return it && (it.protocol === 'http:' || it.protocol === 'https:') && it.hostname ? it : null;
}

/** Whether `text` is the name of a device, as agents choose them. */
export function isName(text) {
  return typeof text === 'string' && NAME.test(text);
}

/**
 * Of http://NAME.localhost[:PORT]: {name, port}, a number; null of other addresses.
 */
export function loopbackOf(url) {
  const it = web(url);
  const name = it && it.hostname.endsWith('.localhost') ? it.hostname.slice(0, -10) : '';
  if (!isName(name) || it.protocol !== 'http:') return null;
  return { name, port: Number(it.port || 80) };
}

/** The device whose origin is url's origin, or null. */
export function deviceOf(url, devices) {
  const it = web(url);
  if (!it || it.protocol !== 'http:') return null;
  return [...devices].find(({ origin }) => origin === it.origin) ?? null;
}

/** The host and port of a device's `where`, as they stand in URLs: port is '' for the usual one;
    null of what can't stand there, as an address with a zone. */
export function hostOf(where) {
  if (typeof where !== 'string' || where === '' || /[\s/?#@\\%*^|]/.test(where)) return null;
  // The scheme has a usual port that no device has, so that 80 and 443 are kept.
  const it = parsed(`ftp://${where}/`);
  if (!it || it.hostname === '') return null;
  const http = parsed(`http://${it.hostname}/`); // in the form that http addresses have
  if (!http) return null;
  return { host: http.hostname, port: it.port === '443' ? '' : it.port };
}

/**
 * What a person may have typed for a device: [{scheme, host, port}], port '' for the scheme's usual
 * one. A device at its usual port is meant by http and https without one; else by its port alone.
 */
export function typedOf(device) {
  const at = hostOf(device.where);
  if (!at || at.host === 'localhost' || at.host.endsWith('.localhost')) return [];
  return ['http', 'https'].map((scheme) => {
    const port = at.port === USUAL[`${scheme}:`] ? '' : at.port;
    return { scheme, host: at.host, port };
  });
}

/** The saved device that a typed address means, or null. */
export function savedAt(url, devices) {
  const it = web(url);
  if (!it) return null;
  const means = ({ scheme, host, port }) => (
    it.protocol === `${scheme}:` && it.hostname === host && it.port === port);
  return [...devices].find((device) => device.saved && typedOf(device).some(means)) ?? null;
}

/** Match patterns for the permission to lead a device's typed address; [] if it can't be. */
export function patternsOf(device) {
  return typedOf(device).map(({ scheme, host }) => `${scheme}://${host}/*`);
}

/**
 * What can be asked about the page at url: {device, local}, or null where there is nothing to ask.
 * device: what probe and find take; local: an address that isn't on the internet.
 */
export function askable(url) {
  const it = web(url);
  if (!it) return null;
  const host = it.hostname.replace(/\.$/, '');
  if (host === '' || host.endsWith('.localhost')) return null;
  const port = it.port === '' || it.port === '443' ? '' : `:${it.port}`;
  return { device: `${host}${port}`, local: isLocal(host) };
}

function isLocal(host) {
  if (host.startsWith('[')) return isLocalIpv6(host.slice(1, -1));
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return isLocalIpv4(host.split('.').map(Number));
  return !host.includes('.') || LOCAL_ENDINGS.some((ending) => host.endsWith(ending));
}

/* RFC 1918, loopback, link-local (RFC 3927). */
function isLocalIpv4([a, b]) {
  return a === 10 || a === 127 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)
    || (a === 169 && b === 254);
}

/* Loopback, unique local (RFC 4193), link-local (RFC 4291). */
function isLocalIpv6(text) {
  if (text === '::1') return true;
  const first = Number.parseInt(text.split(':')[0] || '0', 16);
  return (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80;
}

/* A path of this site, whatever was put there: another site's begins with two slashes. */
function pathOnly(text) {
  const fits = text.length <= TO_MAX && text.startsWith('/') && !/^\/[/\\]/.test(text)
    && !/[\u0000-\u0020\u007f]/.test(text);
  return fits ? text : '/';
}

/** Of a device that was logged out: the page of the agent's that clears what the browser kept at
    its origin. */
export function clearingOf(origin) {
  return `${origin}${CLEARING}`;
}

/** The path of url, without that of a one-time link, which is used up. */
export function pathOf(url) {
  const it = web(url);
  return it ? pathOnly(it.pathname.replace(PATH_OF_LINK, '') + it.search + it.hash) : '/';
}

/** {what, name} of our own place page's url, or null. It has no path to come back to: whoever led
    the tab there chose that, and it would be opened with the person's authority. */
export function placeOf(url) {
  const it = parsed(url);
  const ours = it?.protocol.endsWith('-extension:') && it.pathname === '/place/place.html';
  if (!ours) return null;
  const of = (key) => it.searchParams.get(key) ?? '';
  const what = PLACES.includes(of('what')) ? of('what') : 'out';
  return { what, name: isName(of('name')) ? of('name') : '' };
}

/** The part of a place page's address after place/place.html. */
export function placeQuery(what, name) {
  return `?${new URLSearchParams({ what, name })}`;
}
