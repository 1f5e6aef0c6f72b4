// Goal: the agent's port is greeted, asked and heard rightly, and its end, its silence and its
// nonsense harm no more than the requests of that time.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Agent, whyGone } from '../../../browser/extension/background/agent.js';

const HELLO = { ok: true, protocol: 1, version: '0.6.0', port: 47110, own_port: true, keyring: true,
  nearby: false };
const tick = () => new Promise((resolve) => { setTimeout(resolve, 1); });

/* A browser with an agent: ports are made, and what is sent to the last one stands in `sent`. */
function browser() {
  const it = { ports: 0, sent: [], up: [], downs: 0, events: [], reason: '' };
  const connect = () => {
    it.ports++;
    it.sent = [];
    const port = {
      onMessage: { addListener: (listener) => { it.say = listener; } },
      onDisconnect: { addListener: (listener) => { it.end = listener; } },
      postMessage: (message) => it.sent.push(message),
      disconnect: () => { it.closed = true; },
    };
    it.closed = false;
    return port;
  };
  it.agent = new Agent({
    connect, reason: () => it.reason, language: 'de', up: (facts) => it.up.push(facts),
    down: () => { it.downs++; }, heard: (event) => it.events.push(event), changed: () => {},
  });
  it.greet = async (answer = HELLO) => {
    it.say({ id: it.sent.at(-1).id, ...answer });
    await tick();
  };
  return it;
}

test('hello comes first, and once for all who need it', async () => {
  const it = browser();
  assert.equal((await it.agent.ask('list')).error, 'gone');
  it.agent.need(true);
  it.agent.need(false);
  assert.equal(it.ports, 1);
  assert.deepEqual(it.sent.map(({ id, ...rest }) => rest), [
    { type: 'hello', protocol: 1, client: 'browser', lasting: false, language: 'de' }]);
  assert.equal((await it.agent.ask('list')).error, 'gone');
  await it.greet();
  assert.equal(it.agent.info().is, 'ready');
  assert.deepEqual(it.up, [
    { version: '0.6.0', port: 47110, ownPort: true, keyring: true, nearby: false }]);
});

test('answers find their requests in any order; a stranger’s answer is nobody’s', async () => {
  const it = browser();
  it.agent.need(true);
  await it.greet();
  const first = it.agent.ask('state', { name: 'a', id: 99, type: 'login' });
  const second = it.agent.ask('state', { name: 'b' });
  const [, a, b] = it.sent;
  assert.equal(a.type, 'state');
  assert.notEqual(a.id, 99);
  it.say({ id: 12345, ok: true });
  it.say({ id: b.id, ok: true, which: 'b' });
  it.say({ id: a.id, ok: 'yes', which: 'a' });
  assert.deepEqual(await second, { ok: true, which: 'b' });
  assert.deepEqual(await first, { ok: false, which: 'a' });
});

test('its end answers all who wait, and nothing is begun anew by itself', async () => {
  const it = browser();
  it.agent.need(true);
  await it.greet();
  const asked = [it.agent.ask('find'), it.agent.ask('login')];
  it.reason = 'Native host has exited.';
  it.end();
  for (const answer of await Promise.all(asked)) assert.equal(answer.error, 'gone');
  assert.equal(it.agent.info().is, 'broken');
  assert.equal(it.agent.connected, false);
  it.agent.need(false);
  assert.equal(it.ports, 1);
  it.agent.need(true);
  assert.equal(it.ports, 2);
  assert.deepEqual(it.sent.map(({ type }) => type), ['hello']);
  it.agent.drop();
});

test('another takes its place: hello again, and what it told is void', async () => {
  const it = browser();
  it.agent.need(true);
  await it.greet();
  const asked = it.agent.ask('login');
  const downs = it.downs;
  it.say({ event: 'restarted' });
  assert.equal((await asked).error, 'gone');
  assert.equal(it.downs, downs + 1);
  assert.equal(it.agent.ready, false);
  it.say({ event: 'state', device: {} });
  assert.deepEqual(it.events, []);
  await it.greet({ ...HELLO, port: 50000, own_port: false });
  assert.equal(it.up.at(-1).port, 50000);
  it.say({ event: 'state', device: {} });
  assert.equal(it.events.length, 1);
});

test('silence has an end', async () => {
  const it = browser();
  it.agent.need(true);
  await it.greet();
  assert.equal((await it.agent.ask('find', {}, 0.01)).error, 'late');
  it.say({ id: it.sent.at(-1).id, ok: true });
  assert.equal(it.agent.ready, true);
});

test('too much at once is refused here', async () => {
  const it = browser();
  it.agent.need(true);
  await it.greet();
  const asked = Array.from({ length: 30 }, () => it.agent.ask('find', {}, 0.01));
  const errors = (await Promise.all(asked)).map(({ error }) => error);
  assert.equal(errors.filter((error) => error === 'busy').length, 6);
  assert.equal(errors.filter((error) => error === 'late').length, 24);
});

for (const [what, answer, is] of [
  ['another protocol', { ok: false, error: 'protocol', text: 'protocol 2' }, 'other'],
  ['another protocol in its answer', { ...HELLO, protocol: 2 }, 'other'],
  ['no port', { ...HELLO, port: undefined }, 'broken'],
  ['a wrong port', { ...HELLO, port: 65536 }, 'broken'],
  ['a refusal', { ok: false, error: 'misused', text: 'x' }, 'broken'],
]) {
  test(`an agent with ${what} is let go`, async () => {
    const it = browser();
    it.agent.need(true);
    await it.greet(answer);
    assert.equal(it.agent.info().is, is);
    assert.ok(it.closed);
    assert.deepEqual(it.up, []);
  });
}

for (const nonsense of [null, 5, 'x', {}, { ok: true }, { id: 'x' }, { event: 7 }]) {
  test(`nonsense ends it: ${JSON.stringify(nonsense)}`, async () => {
    const it = browser();
    it.agent.need(true);
    await it.greet();
    it.say(nonsense);
    assert.equal(it.agent.info().is, 'broken');
    assert.ok(it.closed);
  });
}

test('what is said after it was dropped isn’t heard', async () => {
  const it = browser();
  it.agent.need(true);
  await it.greet();
  const { say, end } = it;
  it.agent.drop();
  say({ event: 'said', text: 'x' });
  end();
  assert.deepEqual(it.events, []);
  assert.equal(it.agent.info().is, 'starting');
});

test('why it isn’t there, in both browsers’ words', () => {
  assert.equal(whyGone('Specified native messaging host not found.', false), 'missing');
  assert.equal(whyGone('No such native application org.keyplate.agent', false), 'missing');
  assert.equal(whyGone('Access to the specified native messaging host is forbidden.', false),
    'refused');
  assert.equal(whyGone('Native host has exited.', false), 'broken');
  assert.equal(whyGone('An unexpected error occurred', false), 'broken');
  assert.equal(whyGone('Specified native messaging host not found.', true), 'broken');
});
