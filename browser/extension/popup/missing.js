// What stands in the way when the agent can't be spoken to, and what to do about it.
import { api, firefox } from '../shared/api.js';
import { $, el, write } from '../shared/dom.js';
import { say } from '../words.js';
import { sentence } from './text.js';

const TITLES = {
  missing: 'missing.title', refused: 'refused.title', broken: 'broken.title', other: 'other.title',
};
const TEXTS = {
  missing: 'missing.text', refused: 'refused.text', broken: 'broken.text', other: 'other.text',
};
const INSTALL = 'meson setup build && meson install -C build';
const REGISTER = 'keyplate browser install';
const STATUS = 'keyplate browser status';

// Names of systems aren't translated.
const SYSTEMS = {
  mac: 'macOS', win: 'Windows', cros: 'ChromeOS', android: 'Android', openbsd: 'OpenBSD',
};

let system = 'linux';

export function setUp(stage) {
  $('again').addEventListener('click', () => {
    $('again').disabled = true;
    stage.talk.ask({ ask: 'again' }).then(() => { $('again').disabled = false; });
  });
  $('step-install').append(command(stage, INSTALL));
  $('step-register').append(command(stage, REGISTER));
  api.runtime.getPlatformInfo().then(({ os }) => {
    system = os;
    if (stage.view) draw(stage);
  }).catch(() => {}); // it stays what most have
}

function browserName() {
  if (firefox) return 'Firefox';
  if (/ Edg\//.test(navigator.userAgent)) return 'Edge';
  const brands = navigator.userAgentData?.brands ?? [];
  return brands.some(({ brand }) => brand === 'Google Chrome') ? 'Chrome' : 'Chromium';
}

/** A command with a button that copies it. */
function command(stage, text) {
  const copy = el('button', {
    className: 'button slim', textContent: say('copy.do'),
    ariaLabel: say('copy.label', { command: text }),
  });
  copy.addEventListener('click', () => {
    navigator.clipboard.writeText(text).then(() => {
      copy.textContent = say('copy.done');
      stage.say(say('copy.done')); // its label says what it does, not that it did
    }).catch(() => getSelection().selectAllChildren(copy.previousSibling));
  });
  return el('div', { className: 'command' }, el('code', { textContent: text }), copy);
}

export function draw(stage) {
  const { agent } = stage.view;
  if (!(agent.is in TITLES)) return;
  const notYet = agent.is === 'missing' && system !== 'linux';
  $('missing').dataset.why = agent.is;
  $('missing').dataset.system = system;
  drawWords(agent, notYet);
  const steps = agent.is === 'missing' && !notYet;
  $('steps').hidden = !steps;
  $('missing-more').hidden = !steps;
  $('again').classList.toggle('main', !notYet);
  drawCommand(stage, { refused: REGISTER, broken: STATUS }[agent.is]);
  write($('missing-detail'), detail(agent));
}

function drawWords({ is }, notYet) {
  const values = { browser: browserName(), system: SYSTEMS[system] ?? say('missing.this-system') };
  write($('missing-title'), say(notYet ? 'missing.not-yet-title' : TITLES[is], values));
  write($('missing-text'), say(notYet ? 'missing.not-yet' : TEXTS[is], values));
  write($('register-text'), say('missing.register', values));
  write($('missing-confined'), say('missing.confined', values));
}

function drawCommand(stage, text) {
  $('missing-command').hidden = !text;
  if (text && $('missing-command').dataset.text !== text) {
    $('missing-command').dataset.text = text;
    $('missing-command').replaceChildren(command(stage, text));
  }
}

function detail({ is, text, version }) {
  if (is === 'other' && version) {
    const extension = api.runtime.getManifest().version;
    return say('other.version', { extension, program: version });
  }
  return is === 'broken' && text ? say('missing.detail', { text: sentence(text) }) : '';
}

export function focus() {
  $('missing-title').focus();
}
