// The login box. One submit is one request; the password is in its field and in that request, and
// in nothing else, and it is gone from the field when the box is left or the proof has failed.
import { $, write } from '../shared/dom.js';
import { say } from '../words.js';
import { failureText, sentence, strangersName } from './text.js';

let meant = null; // the login of the box: {device, user, path, tab, where, saved, ...}
let busy = false;

export function setUp(stage) {
  $('login-form').addEventListener('submit', (event) => {
    event.preventDefault();
    submit(stage, true);
  });
  $('try-anyway').addEventListener('click', () => submit(stage, false));
  $('cancel').addEventListener('click', () => stage.show('home'));
  $('reveal').addEventListener('click', () => {
    reveal($('password').type === 'password');
    $('password').focus();
  });
  $('password').addEventListener('input', () => { $('try-anyway').hidden = true; });
  for (const kind of ['keydown', 'keyup']) {
    $('login-form').addEventListener(kind, (event) => {
      const on = event.getModifierState?.('CapsLock');
      if (on !== undefined) write($('caps'), on ? say('login.caps') : '');
    });
  }
}

/** Fills the box: `wish` is what stage.login() was given, and `found` the agent's answer to it. */
export function begin(stage, { found, ...wish }) {
  meant = {
    device: wish.typed,
    // Of a link that the person put in, and shown in the box: no other path is opened.
    path: (wish.pasted && found.path) || '/',
    tab: wish.tab ?? null,
    name: found.name,
    where: found.where,
    needsPassword: false,
  };
  const saved = stage.view.devices.find(({ name }) => name === found.name);
  // Where the password isn't taken any more, the one in the keyring isn't either.
  meant.needsPassword = !found.saved || !stage.view.agent.keyring || saved?.state === 'refused';
  meant.fromLink = Boolean(wish.password);
  setBusy(false);
  tell(null);
  drawWhat(found);
  $('id-part').open = false;
  $('device-id').value = '';
  $('user').value = strangersName(found.user) || 'admin';
  $('password').value = wish.password ?? '';
  write($('caps'), '');
  reveal(false);
  $('remember').checked = false;
  drawNote();
}

/* Of a link or a stranger all of it may be. */
function drawWhat(found) {
  const id = strangersName(found.device_id);
  const path = meant.path === '/' ? '' : meant.path;
  write($('login-name'), strangersName(found.name) || say('login.new'));
  write($('login-where'), strangersName(found.where + path));
  write($('login-known-id'), id ? `${say('fact.id')}: ${id}` : '');
  $('id-part').hidden = Boolean(found.device_id);
}

export function draw(stage) {
  $('remember-part').hidden = !stage.view.agent.keyring;
}

export function focus() {
  $($('user').value === '' ? 'user' : 'password').focus();
}

/** The box is left: nothing of it stays. */
export function end() {
  $('password').value = '';
  $('device-id').value = '';
  meant = null;
}

function drawNote() {
  const empty = meant.needsPassword ? '' : say('login.keyring');
  write($('password-note'), meant.fromLink ? say('login.from-link') : empty);
}

function reveal(shown) {
  $('password').type = shown ? 'text' : 'password';
  $('reveal').textContent = say(shown ? 'login.hide' : 'login.show');
  $('reveal').setAttribute('aria-label', say(shown ? 'login.hide-label' : 'login.show-label'));
  $('reveal').setAttribute('aria-pressed', String(shown));
}

function setBusy(on) {
  busy = on;
  $('login').disabled = on;
  $('login').classList.toggle('busy', on);
  $('login').textContent = say(on ? 'login.busy' : 'login.title');
  for (const id of ['user', 'password', 'device-id']) $(id).readOnly = on;
  for (const id of ['reveal', 'remember', 'try-anyway']) $(id).disabled = on;
}

/* `error`: null for none, else its name in doc/agent.md or 'empty'. */
function tell(error, text = '', more = '') {
  $('message').hidden = error === null;
  $('message').dataset.error = error ?? '';
  write($('message-text'), text);
  write($('message-more'), more);
  $('try-anyway').hidden = error !== 'mistyped';
  const bad = error !== null && error !== 'trouble' && error !== 'busy' && error !== 'gone';
  $('password').setAttribute('aria-invalid', String(bad && $('user').value !== ''));
  $('user').setAttribute('aria-invalid', String(error === 'empty' && $('user').value === ''));
}

/* What can be said without the agent: '' if it may be asked. */
function lack() {
  if ($('user').value.trim() === '') return say('login.no-user');
  return meant.needsPassword && $('password').value === '' ? say('login.no-password') : '';
}

function submit(stage, check) {
  if (busy) return;
  const lacking = lack();
  if (lacking) {
    tell('empty', lacking);
    $($('user').value.trim() === '' ? 'user' : 'password').focus();
    return;
  }
  tell(null);
  reveal(false);
  setBusy(true);
  stage.say(say('login.busy'));
  const mine = meant;
  stage.talk.ask(request(check)).then((answer) => {
    stage.say('');
    if (mine === meant) answered(stage, answer);
    else if (!answer.ok) stage.tell(failureText(answer, mine.where, mine.name));
  });
}

function request(check) {
  const { device, path, tab } = meant;
  const wanted = { ask: 'login', device, user: $('user').value.trim(), check, path, tab };
  if ($('password').value !== '') {
    wanted.password = $('password').value;
    wanted.remember = $('remember').checked;
  }
  const id = $('device-id').value.trim();
  return id === '' ? wanted : { ...wanted, device_id: id };
}

function answered(stage, answer) {
  setBusy(false);
  if (answer.ok) {
    stage.say(say('login.done', { name: answer.device?.name ?? meant.where }));
    stage.done();
    return;
  }
  failed(answer);
  $('password').focus();
}

function failed(answer) {
  const { where, name } = meant;
  // No guess is made twice: after these only what is typed anew is sent.
  if (answer.error === 'refused' || answer.error === 'no-password') meant.needsPassword = true;
  if (answer.error === 'refused') {
    $('password').value = '';
    meant.fromLink = false;
  }
  drawNote();
  if (answer.error === 'mistyped') tell('mistyped', say('login.mistyped'));
  else tell(answer.error, failureText(answer, where, name), sentence(answer.more, where, name));
}
