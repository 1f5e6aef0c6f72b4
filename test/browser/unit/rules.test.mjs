// Goal: a secret goes to its own device's origin alone, and a typed address to its own device; what
// the browser holds follows what is true, one change after the other.
import assert from 'node:assert/strict';
import test from 'node:test';
import { removalOf } from '../../../browser/extension/background/erase.js';
import { Rules, secretRules, typedRules } from '../../../browser/extension/background/rules.js';

const SECRET = 'a'.repeat(64);
const originOf = (name) => `http://${name}.localhost:47110`;
const proved = (name, secret = SECRET) => ({ name, origin: originOf(name), secret });
const saved = (name, where) => ({ name, where, origin: originOf(name) });

test('rules of a device that is in', () => {
  const rules = secretRules([proved('heating'), proved('boiler', 'b'.repeat(64))]);
  assert.deepEqual(rules.map(({ id }) => id), [1, 2]);
  assert.deepEqual(rules[0].action.requestHeaders, [
    { header: 'X-Keyplate-Secret', operation: 'set', value: SECRET }]);
  // Frames and what pages load have the cookie, or nothing.
  assert.deepEqual(rules.map(({ condition }) => condition), ['heating', 'boiler'].map((name) => (
    { urlFilter: `|${originOf(name)}/`, resourceTypes: ['main_frame'] })));
  assert.deepEqual(secretRules([proved('x', 'short'), proved('y', null)]), []);
});

test('rules of typed addresses', () => {
  const rules = typedRules([saved('a', '192.168.1.1'), saved('b', '192.168.1.1'),
    saved('c', '192.168.1.1:8443'), saved('d', '[fe80::1%e]')]);
  const leads = rules.filter(({ action }) => action.type === 'redirect')
    .map(({ action, condition }) => [condition.urlFilter, action.redirect.transform.host]);
  assert.deepEqual(leads, [
    ['|http://192.168.1.1/', 'a.localhost'], ['|https://192.168.1.1/', 'a.localhost'],
    ['|http://192.168.1.1:8443/', 'c.localhost'], ['|https://192.168.1.1:8443/', 'c.localhost'],
  ]);
  const says = rules.filter(({ action }) => action.type === 'modifyHeaders');
  assert.deepEqual(says.map(({ condition }) => condition.urlFilter), ['|http://192.168.1.1/']);
  assert.equal(rules[0].action.redirect.transform.port, '47110');
});

/* A browser's rules: session and dynamic, slow, and failing when told. */
function net() {
  const it = { session: [{ id: 77 }], dynamic: [{ id: 5 }], fail: false, updates: 0 };
  let slow = 30; // each is faster than the one before
  const later = () => {
    slow = Math.max(1, slow - 8);
    return new Promise((resolve) => { setTimeout(resolve, slow); });
  };
  const change = (key) => async ({ removeRuleIds = [], addRules = [] }) => {
    await later();
    it.updates++;
    if (it.fail && addRules.length > 0) throw new Error('no');
    it[key] = [...it[key].filter(({ id }) => !removeRuleIds.includes(id)), ...addRules];
  };
  return Object.assign(it, {
    getSessionRules: async () => { await later(); return it.session; },
    getDynamicRules: async () => it.dynamic,
    updateSessionRules: change('session'),
    updateDynamicRules: change('dynamic'),
  });
}

test('rules of before go at the first look', async () => {
  const browser = net();
  const rules = new Rules({ net: browser, proved: () => [], typed: () => [] });
  assert.equal(await rules.syncSecrets(), true);
  assert.deepEqual(browser.session, []);
  assert.deepEqual(browser.dynamic, [{ id: 5 }]);
});

test('many changes at once end at the last', async () => {
  const browser = net();
  let now = [];
  const rules = new Rules({ net: browser, proved: () => now, typed: () => [] });
  const turns = [];
  for (const next of [[proved('a')], [proved('b')], []]) {
    now = next;
    turns.push(rules.syncSecrets());
  }
  await Promise.all(turns);
  assert.deepEqual(browser.session, []);
});

test('rules that aren’t taken leave none', async () => {
  const browser = net();
  let now = [proved('a')];
  const rules = new Rules({ net: browser, proved: () => now, typed: () => [] });
  await rules.syncSecrets();
  assert.equal(browser.session.length, 1);
  const { error } = console;
  console.error = () => {};
  browser.fail = true;
  now = [proved('b')];
  assert.equal(await rules.syncSecrets(), false);
  console.error = error;
  assert.deepEqual(browser.session, []);
  browser.fail = false;
  assert.equal(await rules.syncSecrets(), true);
  assert.equal(browser.session.length, 1);
});

test('what is cleared is those origins’', () => {
  const origins = ['http://a.localhost:47110'];
  const [chromium, kinds] = removalOf(origins, false, false);
  assert.deepEqual(chromium, { origins });
  assert.ok(kinds.cookies && kinds.fileSystems && kinds.cache && !('history' in kinds));
  const [firefox, others] = removalOf(origins, true, true);
  assert.deepEqual(firefox, { hostnames: ['a.localhost', 'a.localhost:47110'] });
  assert.deepEqual(others, { serviceWorkers: true, cache: true });
});
