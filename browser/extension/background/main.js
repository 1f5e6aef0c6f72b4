// The background: everything is put together here, and every listener is registered at once, so
// that the browser can wake it for any of them. It may be ended and begun at any time: it believes
// nothing of what it knew before, and asks the agent.
import { loopbackOf, patternsOf } from '../shared/address.js';
import { api, firefox } from '../shared/api.js';
import { language, say } from '../words.js';
import { Agent, HOST } from './agent.js';
import { Desk } from './desk.js';
import { Devices } from './devices.js';
import { Eraser } from './erase.js';
import { Grants } from './grants.js';
import { Rules } from './rules.js';
import { Stays } from './stays.js';
import { Tabs } from './tabs.js';

const IDLE_MS = 60000; // an agent that nobody needs is let go after that
const PORTS_MAX = 2;
const WATCH = 'watch'; // wakes the background should it have been ended while a device was in

let letGo = null; // the timer of that
let tending = false;
let watching = null;
let looked = ''; // the devices whose grants were looked at
let told = false; // the agent has told its devices
let whole = false; // and all of them

const agent = new Agent({
  connect: () => api.runtime.connectNative(HOST),
  reason: (port) => api.runtime.lastError?.message ?? port.error?.message ?? '',
  language: language(),
  up,
  down: () => {
    told = false;
    whole = false;
    devices.clear();
  },
  heard: (event) => devices.heard(event),
  changed: () => desk.push(),
});
const devices = new Devices({
  turned: (now, before) => stays.turned(now, before),
  changed: () => {
    changed();
    lookIfOthers();
  },
});
const tabs = new Tabs({
  api, firefox, say, devices: () => devices.all(), isReady: (name) => stays.isReady(name),
});
const erase = new Eraser({
  data: api.browsingData, firefox, get: (...what) => fetch(...what),
});
const grants = new Grants(api.permissions);
const rules = new Rules({
  net: api.declarativeNetRequest,
  proved: () => stays.proved(),
  typed: () => devices.all().filter((device) => grants.has(device)),
});
const stays = new Stays({ agent, devices, tabs, erase, rules });
const desk = new Desk({
  api, agent, devices, stays, tabs, grants, relist, changed, typedOrigins: patternsOf,
});

api.runtime.onConnect.addListener((port) => desk.connect(port));
api.runtime.onStartup.addListener(() => tend()); // tabs that the browser restored
api.runtime.onInstalled.addListener(() => tend());
api.tabs.onUpdated.addListener((id, change, tab) => {
  if (!tabs.updated(change, tab)) return;
  stays.visited(tab);
  moved();
});
api.tabs.onReplaced?.addListener((id, old) => {
  tabs.removed(old);
  moved();
});
api.tabs.onRemoved.addListener((id) => {
  tabs.removed(id);
  moved();
});
api.alarms.onAlarm.addListener(() => tend());
api.permissions.onAdded.addListener(() => lookAtGrants().catch(complain));
api.permissions.onRemoved.addListener(() => lookAtGrants().catch(complain));

/* Before all else: rules of a background that was before. */
rules.syncSecrets();
const ports = readPorts();
const painted = tabs.paintAnew();
tend();

/* ---- The agent --------------------------------------------------------------------------- */

async function up({ port, ownPort }) {
  await relist();
  desk.up();
  const known = await ports;
  if (known.includes(port)) return;
  // A port that is the agent's for once doesn't drive out its own.
  known.splice(0, known.length, ...(ownPort ? [port] : [...known.slice(0, PORTS_MAX - 1), port]));
  api.storage.local.set({ ports: known }).catch(complain);
}

async function relist() {
  if (!agent.ready) return;
  const { ok, devices: all, text = '' } = await agent.ask('list');
  if (!agent.ready) return;
  const before = whole;
  whole = ok && !text;
  if (text) devices.warn(text);
  if (!ok) return;
  told = true;
  devices.list(all, agent.info().port);
  if (whole && !before) lookAtGrants().catch(complain);
}

/* At which ports devices were found at last: the one thing that is kept. */
async function readPorts() {
  try {
    const { ports: kept } = await api.storage.local.get('ports');
    return (Array.isArray(kept) ? kept : []).filter(Number.isInteger).slice(0, PORTS_MAX);
  } catch (error) {
    complain(error);
    return [];
  }
}

/* ---- What follows from changes ----------------------------------------------------------- */

function changed() {
  desk.push();
  tend();
}

/* Grants are looked at when there is another device to have one. */
function lookIfOthers() {
  const key = JSON.stringify(devices.all().map(({ name, where, saved }) => [name, where, saved]));
  if (key === looked) return;
  looked = key;
  lookAtGrants().catch(complain);
}

/* The rules for typed addresses stay as they are while not all devices are known. */
async function lookAtGrants() {
  if (!agent.ready || !await grants.look(devices.all())) return;
  desk.push();
  if (agent.ready && whole) rules.syncTyped();
}

function moved() {
  stays.tabMoved().catch(complain);
  tend();
}

/* ---- Whether the agent is needed --------------------------------------------------------- */

async function isNeeded() {
  const busy = devices.all().some(({ state }) => state === 'in' || state === 'proving');
  if (desk.busy || busy) return true;
  const known = await ports;
  return (await tabs.loopback()).some(({ url }) => known.includes(loopbackOf(url)?.port));
}

/* Looks once for all that happens meanwhile. */
function tend() {
  if (tending) return;
  tending = true;
  setTimeout(() => {
    tending = false;
    isNeeded().then(async (needed) => {
      await watchIfIn(needed);
      if (needed) hold();
      else if (agent.connected && letGo === null) letGo = setTimeout(release, IDLE_MS);
    }).catch(complain);
  }, 50);
}

/* Chromium may end a background that hangs, and its agent with it: tabs must not go on looking
   proved until somebody touches one. A background that begins knows of none that is in: it is woken
   until the agent has told, or no tab could be meant. */
async function watchIfIn(needed) {
  await painted;
  const isIn = devices.all().some(({ state }) => state === 'in');
  if (isIn) watch(true);
  else if (told || !needed) watch(false);
}

function watch(on) {
  if (on === watching) return;
  watching = on;
  const done = on ? api.alarms.create(WATCH, { periodInMinutes: 1 }) : api.alarms.clear(WATCH);
  Promise.resolve(done).catch(complain);
}

function hold() {
  clearTimeout(letGo);
  letGo = null;
  agent.need(false);
}

function release() {
  letGo = null;
  isNeeded().then((needed) => { if (!needed) agent.drop(); }).catch(complain);
}

function complain(error) {
  console.error('Keyplate:', error.message);
}
