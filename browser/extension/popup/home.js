// The popup's first view, below this tab: notices, devices, what is near, and the field for more.
import { $, el, padlock, redraw, write } from '../shared/dom.js';
import { say } from '../words.js';
import * as card from './card.js';
import { factRows, stateWords } from './facts.js';
import * as said from './said.js';
import { bareAddress, nearAddress, strangersName, takePassword, typedFor } from './text.js';

const opened = new Set(); // names of the devices whose details are shown

export function setUp(stage) {
  card.setUp(stage);
  said.setUp(stage);
  $('add-form').addEventListener('submit', (event) => {
    event.preventDefault();
    add(stage);
  });
  $('device').addEventListener('input', () => write($('add-message'), ''));
}

export function draw(stage) {
  const { devices, near, agent } = stage.view;
  card.draw(stage);
  said.draw(stage);
  $('devices-none').hidden = devices.length > 0;
  redraw($('devices'), [devices, [...opened]], () => devices.map((it) => deviceRow(stage, it)));
  drawNear(stage, agent, near);
  $('own-port').hidden = agent.ownPort !== false;
}

/* ---- Devices ----------------------------------------------------------------------------- */

function deviceRow(stage, device) {
  const isOpen = opened.has(device.name);
  const row = el('div', { className: 'row' }, nameButton(stage, device, isOpen));
  const action = actionButton(stage, device);
  if (action) row.append(action);
  const item = el('li', { data: { name: device.name, state: device.state } }, row);
  if (isOpen) item.append(details(stage, device));
  return item;
}

function nameButton(stage, device, isOpen) {
  const words = el('span', { className: 'words' }, el('b', { textContent: device.name }),
    el('span', { className: 'small dim', textContent: strangersName(device.where) }),
    stateLine(device));
  const data = { focus: `name ${device.name}` };
  const button = el('button', { className: 'name', data }, padlock(device.state), words);
  button.setAttribute('aria-expanded', String(isOpen));
  button.addEventListener('click', () => {
    if (!opened.delete(device.name)) opened.add(device.name);
    draw(stage);
  });
  return button;
}

/* What the padlock alone doesn't tell stands in a line of its own; the rest is for who can't see
   the padlock. */
function stateLine(device) {
  const { state, saved } = device;
  const trouble = state === 'refused' || state === 'stranger';
  const seen = trouble || state === 'proving' || !saved;
  const text = saved ? stateWords(device) : `${stateWords(device)}, ${say('devices.unsaved')}`;
  const kind = trouble ? 'small state trouble' : 'small state dim';
  return el('span', { className: seen ? kind : 'unseen', textContent: text });
}

function actionButton(stage, device) {
  const { name, state } = device;
  if (state === 'proving' || state === 'stranger') return null;
  const isIn = state === 'in';
  const typed = typedFor(device);
  const button = el('button', {
    className: `button slim ${isIn ? 'open' : 'login'}`,
    textContent: say(isIn ? 'do.open' : 'do.login'),
    ariaLabel: say(isIn ? 'do.open-name' : 'do.login-name', { name }),
    data: { focus: `act ${name}` },
  });
  button.addEventListener('click', () => {
    if (isIn) stage.open(device);
    else stage.login({ typed, tab: stage.emptyTab(), from: `act ${name}` });
  });
  return button;
}

function details(stage, device) {
  const { name } = device;
  const buttons = el('div', { className: 'buttons' });
  if (device.state !== 'out') {
    const logout = el('button', {
      className: 'button slim logout', textContent: say('do.logout'),
      data: { focus: `out ${name}` },
    });
    logout.addEventListener('click', () => stage.logout(logout, name));
    buttons.append(logout);
  }
  if (device.saved) {
    const forget = el('button', {
      className: 'button plain slim forget', textContent: say('do.forget'),
      data: { focus: `forget ${name}` },
    });
    forget.addEventListener('click', () => stage.show('forget', name));
    buttons.append(forget);
  }
  return el('div', { className: 'details' }, el('dl', {}, ...factRows(device)), buttons);
}

/* ---- Near -------------------------------------------------------------------------------- */

function drawNear(stage, agent, near) {
  const known = new Set(stage.view.devices.map(({ where }) => where));
  const others = near.filter((it) => !known.has(nearAddress(it)));
  $('near-part').hidden = !agent.nearby;
  $('near-hint').hidden = others.length === 0;
  $('near-none').hidden = others.length > 0;
  redraw($('near'), others, () => others.map((it) => nearRow(stage, it)));
}

function nearRow(stage, near) {
  const address = nearAddress(near);
  const name = strangersName(near.name);
  const where = `${near.host.includes(':') ? `[${near.host}]` : near.host}:${near.port}`;
  const words = el('span', { className: 'words' }, el('b', { textContent: name }),
    el('span', { className: 'small dim', textContent: where }));
  if (near.saved_name) {
    const claim = say('near.claims', { name: near.saved_name });
    words.append(el('span', { className: 'small state dim', textContent: claim }));
  }
  const login = el('button', {
    className: 'button slim login',
    textContent: say('do.login'),
    ariaLabel: say('do.login-name', { name: address }),
    data: { focus: `near ${address}` },
  });
  login.addEventListener('click', () => {
    // The path that it names isn't taken: anybody near may say anything.
    stage.login({ typed: address, tab: stage.emptyTab(), from: `near ${address}` });
  });
  return el('li', {}, el('div', { className: 'row' }, padlock('out'), words, login));
}

/* ---- More -------------------------------------------------------------------------------- */

function add(stage) {
  const taken = takePassword($('device').value);
  if (!taken || taken.device === '') {
    write($('add-message'), say(taken ? 'add.empty' : 'add.broken-link'));
    $('device').focus();
    return;
  }
  // From here on the password is in the login box alone.
  const typed = bareAddress(taken.device);
  $('device').value = typed;
  stage.login({
    typed, password: taken.password, pasted: true, tab: stage.emptyTab(), from: 'device',
    message: $('add-message'),
  });
}
