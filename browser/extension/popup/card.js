// This tab, at the top of the popup: its device, or what its address says when it is asked. Only
// what the toolbar shows as proved is shown so here: a page that is older than the login isn't.
import { askable, deviceOf, placeOf, savedAt } from '../shared/address.js';
import { api, firefox } from '../shared/api.js';
import { $, lockOf, redraw, write } from '../shared/dom.js';
import { say } from '../words.js';
import { factRows } from './facts.js';
import { failureText, sentence, strangersName, typedFor, versionWords } from './text.js';

const probes = new Map(); // device: 'asking' or the agent's answer, as long as the popup is open

/* What the tab is: {device, here} or {asked}; here: what it shows stands and falls with how the
   device stands, as its page of this login does, and the place page. */
function subject(stage) {
  const { tab, view } = stage;
  const own = deviceOf(tab.url, view.devices);
  if (own) {
    const proved = tab.title === say('title.proved', own);
    return { device: own, here: own.state !== 'in' || proved };
  }
  const place = placeOf(tab.url);
  const device = place ? view.devices.find(({ name }) => name === place.name)
    : savedAt(tab.url, view.devices);
  if (device) return { device, here: Boolean(place) && device.state !== 'in' };
  return { asked: place ? null : askable(tab.url) };
}

export function setUp(stage) {
  const device = () => subject(stage).device;
  $('open').addEventListener('click', () => stage.open(device()));
  $('card-login').addEventListener('click', () => logIn(stage, device()));
  $('logout').addEventListener('click', () => stage.logout($('logout'), device().name));
  $('forget').addEventListener('click', () => stage.show('forget', device().name));
  $('typed').addEventListener('change', () => typed(stage, device()));
  $('ask-check').addEventListener('click', () => probe(stage, subject(stage).asked.device));
  $('ask-login').addEventListener('click', () => askLogin(stage));
}

export function draw(stage) {
  const { device, here, asked } = subject(stage);
  $('card').hidden = !device;
  $('ask').hidden = !asked;
  $('no-device').hidden = Boolean(device || asked);
  if (device) drawCard(device, here);
  if (asked) drawAsk(stage, asked);
}

/* ---- The device of this tab -------------------------------------------------------------- */

const HERE = {
  in: 'home.proved',
  out: 'home.out',
  proving: 'home.proving',
  refused: 'home.refused',
  stranger: 'home.stranger',
};
const TYPED = { ...HERE, in: 'home.typed-in', out: 'home.typed-out' };

function drawCard(device, here) {
  const isIn = device.state === 'in';
  // A page that came by its typed address isn't the proved one, whatever the device's state.
  const lock = here || !isIn ? lockOf(device.state) : 'idle';
  $('card').dataset.lock = lock;
  $('card').dataset.name = device.name;
  $('card-lock').dataset.is = lock;
  write($('card-name'), device.name);
  write($('card-where'), strangersName(device.where));
  write($('card-text'), say(textKey(device, here)));
  redraw($('card-facts'), device, () => factRows(device));
  $('open').hidden = !isIn || here;
  $('card-login').hidden = isIn || device.state === 'proving' || device.state === 'stranger';
  $('logout').hidden = device.state === 'out';
  $('forget').hidden = !device.saved;
  drawTyped(device);
}

function textKey({ state, broke_off: brokeOff }, here) {
  if (state === 'refused' && brokeOff) return 'home.broke-off';
  return (here ? HERE : TYPED)[state] ?? 'home.out';
}

function drawTyped({ where, saved, typed: { origins, granted } = { origins: [] } }) {
  $('typed-part').hidden = !saved || origins.length === 0;
  write($('typed-label'), say('typed.label', { where }));
  $('typed').checked = Boolean(granted);
  if (granted) write($('typed-behind'), '');
}

/* The browser asks the person, so this has to begin in the click itself. */
function typed(stage, device) {
  if (!$('typed').checked) {
    stage.act($('typed'), 'untyped', device.name);
    return;
  }
  api.permissions.request({ origins: device.typed.origins })
    .then((granted) => { $('typed').checked = granted; })
    .catch((error) => {
      $('typed').checked = false;
      stage.tell(error.message);
    })
    .finally(() => write($('typed-behind'), ''));
  if (firefox) write($('typed-behind'), say('typed.behind'));
}

/* The tab's path isn't taken along: whoever led the tab there chose it. */
function logIn(stage, device) {
  stage.login({ typed: typedFor(device), tab: stage.tab.id, from: 'card-login' });
}

/* ---- Another address --------------------------------------------------------------------- */

function drawAsk(stage, { device, local }) {
  const known = probes.get(device);
  if (local && !known && stage.view.agent.is === 'ready') {
    probe(stage, device);
    return;
  }
  const speaks = known?.ok && known.speaks?.length > 0;
  write($('ask-where'), device);
  write($('ask-text'), askText(known, speaks, device));
  $('ask-text').classList.toggle('busy', known === 'asking');
  $('ask-check').hidden = known === 'asking' || Boolean(known?.ok);
  $('ask-login').hidden = !speaks;
}

function askText(known, speaks, device) {
  if (!known) return say('ask.public');
  if (known === 'asking') return say('ask.asking');
  if (speaks) return say('ask.speaks', { protocols: versionWords(known.speaks) });
  if (!known.ok) return failureText(known, device);
  return `${sentence(known.text, device, known.where)} ${say('ask.unprotected')}`;
}

function probe(stage, device) {
  probes.set(device, 'asking');
  draw(stage);
  stage.talk.ask({ ask: 'probe', device }).then((answer) => {
    probes.set(device, answer);
    // An agent that went meanwhile is asked again when it is back.
    if (answer.error === 'gone') probes.delete(device);
    else draw(stage);
  });
}

function askLogin(stage) {
  const { device } = subject(stage).asked;
  stage.login({ typed: device, tab: stage.tab.id, from: 'ask-login' });
}
