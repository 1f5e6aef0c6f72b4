/*
 * Goal: every sentence of the extension is there in both languages, and none too many; and what the
 * popup makes of the agent's words and of what was typed is right.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'node:test';

const extension = fileURLToPath(new URL('../../../browser/extension/', import.meta.url));
let spoken = 'en-US';
globalThis.browser = { i18n: { getUILanguage: () => spoken } };
const { language, say, words } = await import(join(extension, 'words.js'));
const text = await import(join(extension, 'popup/text.js'));

const KEY = /^[a-z]+\.[a-z-]+$/;
const FILE = /\.(js|html|css|svg|png|json)$/;

function sources(ending) {
  return readdirSync(extension, { recursive: true })
    .filter((name) => name.endsWith(ending) && name !== 'words.js')
    .map((name) => readFileSync(join(extension, name), 'utf8'));
}

/* Of scripts all that is quoted and looks like a key; tables of keys are found by that, too. */
function used() {
  const keys = new Set();
  for (const source of sources('.js')) {
    for (const [, it] of source.matchAll(/'([^'\n]*)'/g)) if (KEY.test(it) && !FILE.test(it)) keys.add(it);
  }
  for (const source of sources('.html')) {
    for (const [, it] of source.matchAll(/\sdata-word(?:-[a-z]+)?="([^"]*)"/g)) keys.add(it);
  }
  return keys;
}

const places = (sentence) => [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test('each sentence is there in both languages, with the same placeholders', () => {
  for (const [key, both] of Object.entries(words)) {
    assert.match(key, KEY);
    assert.equal(both.length, 2, key);
    for (const one of both) assert.ok(typeof one === 'string' && one.trim() === one && one, key);
    assert.deepEqual(places(both[0]), places(both[1]), key);
  }
});

test('sentences are text and not HTML', () => {
  for (const [key, both] of Object.entries(words)) {
    for (const one of both) assert.doesNotMatch(one, /[<>]|&\w+;|[\u0000-\u001f]/, key);
  }
});

test('German speaks to people in one way', () => {
  for (const [key, [, german]] of Object.entries(words)) {
    assert.doesNotMatch(german, /\b(du|dein\w*|dich|dir)\b/i, key);
  }
});

test('each key that is used exists', () => {
  const keys = used();
  assert.ok(keys.size > 50);
  for (const key of keys) assert.ok(Object.hasOwn(words, key), key);
});

test('each key is used', () => {
  const keys = used();
  for (const key of Object.keys(words)) assert.ok(keys.has(key), key);
});

test('values go in as they are', () => {
  spoken = 'en-US';
  assert.equal(language(), 'en');
  assert.equal(say('forget.title', { name: '{name} $& <b>' }), 'Forget {name} $& <b>?');
  assert.equal(say('forget.title'), 'Forget {name}?');
  assert.throws(() => say('no.such'));
  spoken = 'de-AT';
  assert.equal(language(), 'de');
  assert.equal(say('forget.title', { name: 'x' }), 'x vergessen?');
  for (spoken of ['den', 'fr', 'en']) assert.equal(language(), 'en');
});

test('the password comes out of a link, and nothing else', () => {
  const take = text.takePassword;
  assert.deepEqual(take(' 192.168.1.1 '), { device: '192.168.1.1', password: null });
  const link = 'keyplate://K7F3@192.168.1.77/?v=1&user=admin';
  assert.deepEqual(take(`${link}#p=a%20b%26c%C3%A4`), { device: link, password: 'a b&cä' });
  assert.deepEqual(take(`${link}#p=x#y`), { device: link, password: 'x#y' });
  assert.deepEqual(take(`${link}#a=1&p=x&b=2`), { device: `${link}#a=1&b=2`, password: 'x' });
  assert.deepEqual(take(`${link}#p=`), { device: link, password: '' });
  assert.deepEqual(take(`${link}#top`), { device: `${link}#top`, password: null });
  assert.equal(take(`${link}#p=%E4`), null);
});

test('protocols in words', () => {
  const { protocolWords, versionWords } = text;
  assert.equal(protocolWords({ protocol: 'TLSv1.3', proof: 'spake2plus' }), 'TLS 1.3, SPAKE2+');
  assert.equal(protocolWords({ protocol: 'TLSv1.2', proof: 'srp' }), 'TLS 1.2, SRP');
  assert.equal(protocolWords({ protocol: 'TLSv1.4', proof: 'new' }), 'TLS 1.4, new');
  assert.equal(protocolWords({ protocol: null, proof: null }), '');
  spoken = 'en';
  assert.equal(versionWords(['1.2', '1.3']), 'TLS 1.2 and TLS 1.3');
  assert.equal(versionWords(['1.3']), 'TLS 1.3');
});

test('the agent’s texts become sentences', () => {
  const { sentence } = text;
  assert.equal(sentence('wrong name'), 'Wrong name.');
  assert.equal(sentence('über allem'), 'Über allem.');
  assert.equal(sentence('heating.local hung up', 'heating.local'), 'heating.local hung up.');
  assert.equal(sentence('stimmt die Adresse?'), 'Stimmt die Adresse?');
  assert.equal(sentence('http://x isn’t proved'), 'http://x isn’t proved.');
  assert.equal(sentence('httpd hung up'), 'Httpd hung up.');
  assert.equal(sentence(undefined), '');
});

test('a failure has a sentence, the agent’s own if there is one', () => {
  spoken = 'en';
  assert.equal(text.failureText({ error: 'busy', text: 'a login runs' }), 'A login runs.');
  const own = ['gone', 'late', 'busy', 'failed', 'new'].map((error) => text.failureText({ error }));
  assert.equal(new Set(own).size, 4);
  assert.equal(own[3], own[4]);
});

test('a device that isn’t saved has no name that the agent would know', () => {
  const device = { name: '192-168-1-77', where: '192.168.1.77' };
  assert.equal(text.typedFor({ ...device, saved: true }), device.name);
  assert.equal(text.typedFor({ ...device, saved: false }), device.where);
});

test('times are short', () => {
  spoken = 'de';
  const now = new Date(2026, 10, 23, 18, 0);
  const seconds = (...when) => new Date(...when).getTime() / 1000;
  assert.equal(text.timeWords(seconds(2026, 10, 23, 15, 4), now), 'heute, 15:04');
  assert.equal(text.timeWords(seconds(2026, 10, 22, 15, 4), now), '22. Nov., 15:04');
  assert.equal(text.timeWords(seconds(2025, 10, 22, 15, 4), now), '22. Nov. 2025, 15:04');
  assert.equal(text.dayWords(seconds(2026, 10, 23, 15, 4), now), 'heute');
  assert.equal(text.dayWords(seconds(2025, 10, 22, 15, 4), now), '22. Nov. 2025');
});

test('what an address bar holds', () => {
  const { bareAddress } = text;
  const same = ['192.168.1.1', 'heating', 'https://192.168.1.1/', 'http://192.168.1.1:8080/',
    'http://[fe80::1]:8080/', 'http://a@b/', 'keyplate://K7F3@192.168.1.77/?v=1'];
  for (const typed of same) assert.equal(bareAddress(typed), typed);
  assert.equal(bareAddress('http://192.168.1.1/'), '192.168.1.1');
  assert.equal(bareAddress('HTTP://heating.local:80'), 'heating.local');
  assert.equal(bareAddress('http://192.168.1.1/settings?x=1'), '192.168.1.1');
  assert.equal(bareAddress('http://[fe80::1]:80/'), '[fe80::1]');
  assert.equal(bareAddress('http://[fe80::1]/'), '[fe80::1]');
});

test('what is near', () => {
  const { nearAddress, strangersName } = text;
  assert.equal(nearAddress({ host: '192.168.1.77', port: 443 }), '192.168.1.77');
  assert.equal(nearAddress({ host: '192.168.1.77', port: 8443 }), '192.168.1.77:8443');
  assert.equal(nearAddress({ host: 'fe80::1', port: 443 }), '[fe80::1]');
  assert.equal(nearAddress({ host: 'fe80::1%eth0', port: 8443 }), '[fe80::1%eth0]:8443');
  assert.equal(strangersName('a\u202eb\u0000c\u2066d\u2028e ä'), 'abcde ä');
  assert.equal(strangersName(undefined), '');
});
