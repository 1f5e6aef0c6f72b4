// Draws a copy of the login box into the page and shows what such a page would win. What is typed
// stays here: it is looked at once, when it is submitted, and goes nowhere.
'use strict';

const fake = document.querySelector('[data-fake]');
const user = document.querySelector('#fake-user');
const password = document.querySelector('#fake-password');
const reveal = document.querySelector('[data-show]');
const caught = document.querySelector('[data-caught]');

function tell(name, text) {
  document.querySelector(`[data-caught-${name}]`).textContent = text;
}

function showPassword(on) {
  password.type = on ? 'text' : 'password';
  reveal.textContent = on ? 'Hide' : 'Show';
  reveal.setAttribute('aria-pressed', String(on));
}

function draw() {
  caught.hidden = true;
  fake.hidden = false;
  password.focus();
}

function putAway() {
  password.value = '';
  showPassword(false);
  fake.hidden = true;
}

function catchIt(event) {
  event.preventDefault();
  const letters = [...password.value];
  tell('user', user.value);
  tell('length', letters.length === 1 ? '1 character' : `${letters.length} characters`);
  tell('first', letters[0]);
  putAway();
  caught.hidden = false;
  caught.focus();
}

// Where the gateway has a name for this device, the real box would have it too.
const [, name] = /^([^.]+)\.localhost$/.exec(location.hostname) || [];
if (name) document.querySelector('[data-name]').textContent = name;
document.querySelector('[data-drawn]').hidden = false;
document.querySelector('[data-undrawn]').hidden = true;
fake.addEventListener('submit', catchIt);
fake.addEventListener('keydown', (event) => event.key === 'Escape' && putAway());
reveal.addEventListener('click', () => showPassword(password.type === 'password'));
document.querySelector('[data-away]').addEventListener('click', putAway);
document.querySelector('[data-again]').addEventListener('click', draw);
draw();
