// Goal: an address means the right device or none, whatever it looks like.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  askable, clearingOf, deviceOf, hostOf, isName, loopbackOf, pathOf, patternsOf, placeOf,
  placeQuery, savedAt, typedOf,
} from '../../../browser/extension/shared/address.js';

const device = (name, where, more = {}) => ({
  name, where, saved: true, origin: `http://${name}.localhost:47110`, ...more,
});
const heating = device('heating', '192.168.1.77');
const boiler = device('boiler', '192.168.1.78:8443');
const all = [heating, boiler];

test('a tab is a device’s by its whole origin', () => {
  assert.equal(deviceOf('http://heating.localhost:47110/x?y#z', all), heating);
  assert.equal(deviceOf('http://HEATING.localhost:47110/', new Set(all)), heating);
  for (const url of ['http://heating.localhost:47111/', 'https://heating.localhost:47110/',
    'http://heating.localhost/', 'http://x.heating.localhost:47110/',
    'http://heating.localhost.x:47110/',
    'blob:http://heating.localhost:47110/1', 'view-source:http://heating.localhost:47110/',
    'http://x/http://heating.localhost:47110/', 'http://other.localhost:47110/', 'about:blank', '',
    undefined, 'http://heating.localhost:47110@evil.example/']) {
    assert.equal(deviceOf(url, all), null, url);
  }
});

test('what is at this computer’s names', () => {
  assert.deepEqual(loopbackOf('http://heating.localhost:1/x'), { name: 'heating', port: 1 });
  assert.deepEqual(loopbackOf('http://heating.localhost/'), { name: 'heating', port: 80 });
  for (const url of ['http://localhost:1/', 'http://a.b.localhost:1/', 'https://a.localhost:1/',
    'http://127.0.0.1:1/', 'ftp://a.localhost:1/', '']) assert.equal(loopbackOf(url), null, url);
  for (const name of ['a', 'a-b', '0', 'x'.repeat(63)]) assert.ok(isName(name), name);
  for (const name of ['', '-', 'a-', 'A', 'a.b', 'ä', 'x'.repeat(64), null, 'a\n']) {
    assert.ok(!isName(name), name);
  }
});

test('what is typed means the saved device', () => {
  const at = (url, devices = all) => savedAt(url, devices)?.name ?? null;
  for (const url of ['http://192.168.1.77/', 'https://192.168.1.77/a', 'http://192.168.1.77:80/',
    'https://192.168.1.77:443/', 'http://3232235853/']) assert.equal(at(url), 'heating', url);
  for (const url of ['http://192.168.1.78:8443/', 'https://192.168.1.78:8443/x']) {
    assert.equal(at(url), 'boiler', url);
  }
  for (const url of ['http://192.168.1.77:443/', 'https://192.168.1.77:80/', 'http://192.168.1.78/',
    'https://192.168.1.78/', 'http://192.168.1.79/', 'ftp://192.168.1.77/', 'nonsense']) {
    assert.equal(at(url), null, url);
  }
  assert.equal(at('http://192.168.1.77/', [{ ...heating, saved: false }]), null);
  assert.equal(at('http://[fe80::1]/', [device('v6', '[FE80:0::1]')]), 'v6');
  assert.equal(at('https://[fe80::1]:8443/', [device('v6', '[fe80::1]:8443')]), 'v6');
  assert.equal(at('http://Heating.local/', [device('n', 'heating.LOCAL')]), 'n');
  assert.equal(at('http://h.local/', [device('n', 'h.local:80')]), 'n');
  assert.equal(at('https://h.local:80/', [device('n', 'h.local:80')]), 'n');
});

test('what can’t stand in a rule has none', () => {
  for (const where of [
    '', '[fe80::1%eth0]', 'a b', 'a/b', 'a*', 'a|b', 'u@h', 'h:99999', 'x^', null,
    'h?x', 'h#x', 'a\\b', '[fe80::1', '%']) {
    assert.equal(hostOf(where), null, where);
    assert.deepEqual(patternsOf(device('x', where)), [], where);
  }
  for (const where of ['localhost', 'heating.localhost', 'heating.localhost:47110']) {
    assert.deepEqual(typedOf(device('x', where)), [], where);
  }
});

test('permissions are for the host, without its port', () => {
  assert.deepEqual(patternsOf(heating), ['http://192.168.1.77/*', 'https://192.168.1.77/*']);
  assert.deepEqual(patternsOf(boiler), ['http://192.168.1.78/*', 'https://192.168.1.78/*']);
  assert.deepEqual(patternsOf(device('v', '[fe80::1]:8443')),
    ['http://[fe80::1]/*', 'https://[fe80::1]/*']);
});

test('what may be asked about, and what of it without a question', () => {
  const local = { '10.0.0.1': 1, '172.16.0.1': 1, '172.31.9.9': 1, '192.168.0.1': 1,
    '169.254.1.1': 1, '127.0.0.77': 1, '172.32.0.1': 0, '172.15.0.1': 0, '192.169.0.1': 0,
    '100.64.0.1': 0, '8.8.8.8': 0, '11.0.0.1': 0, '[fe80::1]': 1, '[febf::1]': 1, '[fec0::1]': 0, '[fd00::1]': 1, '[fc00::1]': 1,
    '[::1]': 1, '[2001:db8::1]': 0, '[::ffff:a00:1]': 0, '[::]': 0, 'heating.local': 1,
    'h.home.arpa': 1, 'h.internal': 1, fritz: 1, 'example.org': 0, 'local.example': 0,
    'notlocal': 1, '10.0.0.1.example': 0, 'xlocal.example': 0 };
  for (const [host, is] of Object.entries(local)) {
    assert.deepEqual(askable(`http://${host}/x`), { device: host, local: is === 1 }, host);
  }
  assert.equal(askable('https://192.168.1.1:8443/').device, '192.168.1.1:8443');
  assert.equal(askable('http://192.168.1.1:443/').device, '192.168.1.1');
  assert.equal(askable('http://u:p@192.168.1.1/').device, '192.168.1.1');
  assert.equal(askable('http://h.local./').device, 'h.local');
  for (const url of ['http://a.localhost:1/', 'https://a.b.localhost/', 'http://a.localhost./',
    'about:blank', 'file:///etc', 'chrome://x', 'moz-extension://a/place/place.html', '', undefined]) {
    assert.equal(askable(url), null, url);
  }
});

test('a place page’s address holds its facts, and no path that a stranger chose', () => {
  const url = (query) => `chrome-extension://abc/place/place.html${query}`;
  const facts = { what: 'ended', name: 'heating' };
  assert.equal(placeQuery('ended', 'heating', '/settings?reset'), '?what=ended&name=heating');
  assert.deepEqual(placeOf(url('?what=ended&name=heating&to=/settings?reset')), facts);
  assert.deepEqual(placeOf(url('?what=x&name=A.b')), { what: 'out', name: '' });
  for (const other of ['http://x/place/place.html?what=out',
    'chrome-extension://abc/popup/popup.html', 'about:blank', undefined]) assert.equal(placeOf(other), null);
});

test('a path to open is of one site, and has no used link in it', () => {
  assert.equal(pathOf('http://a.localhost:1/x?y#z'), '/x?y#z');
  assert.equal(pathOf('http://a.localhost:1/.keyplate/open/0123/x?y'), '/x?y');
  assert.equal(pathOf('http://a.localhost:1/.keyplate/open/0123'), '/');
  assert.equal(pathOf('http://a.localhost:1/.keyplate/open/0123//evil'), '/');
  const long = `/${'x'.repeat(3000)}`;
  for (const path of ['//evil', '/\\evil', long]) {
    assert.equal(pathOf(`http://a${path}`), '/', path);
  }
  assert.equal(pathOf('nonsense'), '/');
  assert.equal(clearingOf('http://a.localhost:1'), 'http://a.localhost:1/.keyplate/out');
});
