// The popup: which of its views is shown, the tab that it is about, and Escape. What the views show
// comes from the background alone; passwords go to it and nowhere else.
import { placeOf } from '../shared/address.js';
import { api } from '../shared/api.js';
import { $, fillWords, write } from '../shared/dom.js';
import { Talk } from '../shared/talk.js';
import { say } from '../words.js';
import * as forget from './forget.js';
import * as home from './home.js';
import * as login from './login.js';
import * as missing from './missing.js';
import { failureText, typedFor } from './text.js';

const views = { home, login, forget, missing, loading: {} };
const EMPTY_TABS = ['', 'about:blank', 'about:newtab', 'about:home', 'chrome://newtab/',
  'chrome://new-tab-page/', 'edge://newtab/'];

const LOOK_MS = 400;

let name = 'loading'; // of the view
let back = null; // what had the focus before the view: an id or a data-focus
let due = null; // the place page that the popup was opened on, until its login was offered
let acted = false; // the person did something here: nothing comes up by itself any more
let arrived = false;
let opening = false;
let turn = Promise.resolve(); // views are taken in the order in which they came

/* What the views are given. */
const stage = {
  view: null,
  tab: { id: null, url: '', title: '' },
  talk: null,
  show,
  login: beginLogin,
  emptyTab: () => (EMPTY_TABS.includes(stage.tab.url) ? stage.tab.id : null),
  say: (text) => { $('live').textContent = text; }, // hidden it wouldn't be read out
  tell: (text) => write($('home-message'), text),
  done,
  open,
  act,
  logout: (control, of) => act(control, 'logout', of, say('home.logged-out', { name: of })),
};

/* ---- Views ------------------------------------------------------------------------------- */

function show(next, argument) {
  const from = name;
  if (next === 'forget') back = document.activeElement?.dataset.focus ?? document.activeElement?.id;
  if (from === 'login' && next !== 'login') login.end();
  name = next;
  document.body.dataset.view = next;
  for (const section of document.querySelectorAll('[data-for]')) {
    section.hidden = section.dataset.for !== next;
  }
  views[next].begin?.(stage, argument);
  views[next].draw?.(stage);
  document.querySelector('main').scrollTop = 0;
  if (from === next) return;
  if (next === 'home') focusBack(from);
  else views[next].focus?.();
}

/* Who comes back finds the focus where it was. */
function focusBack(from) {
  if (from === 'loading') return;
  const old = back && ($(back) ?? document.querySelector(`[data-focus="${CSS.escape(back)}"]`));
  back = null;
  const next = old && old.offsetParent ? old : $('title');
  next.focus();
  if (next instanceof HTMLInputElement) next.select();
}

/* Which view the agent's state leaves room for. */
function settle() {
  const { is } = stage.view.agent;
  if (is === 'starting') {
    if (name !== 'loading') show('loading');
  } else if (is !== 'ready') {
    show('missing');
  } else if (name === 'loading' || name === 'missing') {
    arrive();
  } else {
    views[name].draw?.(stage);
    offer();
  }
}

/* The agent is there: near devices are looked for, and a place page's login is taken up. */
function arrive() {
  if (stage.view.agent.nearby) stage.talk.ask({ ask: 'near', on: true });
  show('home');
  if (!arrived) due = placeOf(stage.tab.url);
  arrived = true;
  offer();
}

/* The list of devices may come after the word that the agent is there. */
function offer() {
  const device = due && stage.view.devices.find((it) => it.name === due.name);
  if (acted || name !== 'home' || !['out', 'refused'].includes(device?.state)) return;
  due = null;
  beginLogin({ typed: typedFor(device), tab: stage.tab.id, from: 'card-login', offered: true });
}

/* ---- What views do ----------------------------------------------------------------------- */

/* wish: {typed, password, pasted: typed is what the person put in, tab, from: what had the focus,
   message: where an error goes, offered: nobody asked for it}. */
function beginLogin(wish) {
  const message = wish.message ?? $('home-message');
  write(message, '');
  stage.talk.ask({ ask: 'find', device: wish.typed }).then((found) => {
    if (name !== 'home' || (wish.offered && acted)) return;
    if (!found.ok) {
      write(message, failureText(found, wish.typed));
      return;
    }
    if (found.nowhere) {
      write(message, failureText({ text: found.text || say('add.nowhere') }));
      return;
    }
    const known = stage.view.devices.find((it) => it.name === found.name);
    if (known?.state === 'in') {
      open(known);
      return;
    }
    back = wish.from;
    show('login', { ...wish, found });
  });
}

/* Opens a device that is in: here if this tab is about it or empty, else in a new tab. */
function open(device) {
  if (opening) return; // a second click would be a second tab
  opening = true;
  const here = $('card').dataset.name === device.name && !$('card').hidden;
  const tab = here ? stage.tab.id : stage.emptyTab();
  stage.talk.ask({ ask: 'open', name: device.name, tab }).then((answer) => {
    opening = false;
    if (answer.ok) close();
    else stage.tell(failureText(answer, device.where, device.name));
  });
}

/* told: what is said when it is done. */
function act(control, ask, of, told = '') {
  control.disabled = true;
  stage.tell('');
  stage.talk.ask({ ask, name: of }).then((answer) => {
    control.disabled = false;
    stage.say(answer.ok ? told : '');
    if (!answer.ok) stage.tell(failureText(answer, of));
    if (stage.view) views[name].draw?.(stage);
    // A button that has gone takes the focus with it.
    if (document.activeElement === document.body) $('title').focus();
  });
}

function done() {
  show('home');
  close();
}

function inPopup() {
  return api.extension?.getViews?.({ type: 'popup' }).includes(window) ?? false;
}

/* In a tab of its own it stays: that is how it can be looked at. */
function close() {
  if (inPopup()) window.close();
}

/* ---- The tab ----------------------------------------------------------------------------- */

async function readTab() {
  const wanted = Number(new URLSearchParams(location.search).get('tab') ?? NaN);
  try {
    const tab = Number.isInteger(wanted) ? await api.tabs.get(wanted)
      : (await api.tabs.query({ active: true, currentWindow: true }))[0];
    const title = tab ? await api.action.getTitle({ tabId: tab.id }) : '';
    return { id: tab?.id ?? null, url: tab?.url ?? '', title };
  } catch {
    return { id: null, url: '', title: '' }; // it was closed
  }
}

/* The tab may go elsewhere, and the toolbar's word of it change, while the popup is open. */
async function watchTab() {
  const tab = await readTab();
  if (JSON.stringify(tab) === JSON.stringify(stage.tab)) return;
  stage.tab = tab;
  if (stage.view && name === 'home') home.draw(stage);
}

async function take(view) {
  stage.tab = await readTab();
  stage.view = view;
  settle();
}

function complain(error) {
  console.error('Keyplate:', error.message);
}

function onKey(event) {
  if (event.key !== 'Escape' || (name !== 'login' && name !== 'forget')) return;
  event.preventDefault();
  show('home');
}

function start() {
  fillWords(document);
  document.documentElement.classList.toggle('in-tab', !inPopup());
  write($('version'), `Keyplate ${api.runtime.getManifest().version}`);
  stage.talk = new Talk((view) => { turn = turn.then(() => take(view)).catch(complain); });
  for (const view of Object.values(views)) view.setUp?.(stage);
  document.addEventListener('keydown', onKey);
  for (const kind of ['click', 'keydown', 'input']) {
    document.addEventListener(kind, () => { acted = true; }, true);
  }
  setInterval(() => watchTab(), LOOK_MS);
}

start();
