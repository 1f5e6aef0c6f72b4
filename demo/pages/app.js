// Live readings on the overview, and progress of uploads. Every page works without this too.
'use strict';

const HISTORY = 300;

function all(selector) {
  return document.querySelectorAll(selector);
}

function show(name, text) {
  for (const element of all(`[data-show="${name}"]`)) {
    if (element.textContent !== String(text)) element.textContent = text;
  }
}

function points(history, index, low, high) {
  const start = HISTORY - history.length + 1;
  const y = (value) => (100 - (100 * (value - low)) / (high - low)).toFixed(1);
  return history.map((sample, i) => `${start + i},${y(sample[index])}`).join(' ');
}

function draw(history) {
  const values = history.flat();
  if (!values.length) return;
  const high = Math.ceil(Math.max(...values) + 0.5);
  const low = Math.min(Math.floor(Math.min(...values) - 0.5), high - 4);
  show('low', low);
  show('high', high);
  for (const [index, name] of ['room', 'goal'].entries()) {
    const line = document.querySelector(`[data-line="${name}"]`);
    line.setAttribute('points', points(history, index, low, high));
  }
}

function update(now) {
  for (const name of ['room', 'goal', 'target', 'outside']) show(name, now[name].toFixed(1));
  for (const name of ['power', 'clock', 'period', 'mode', 'boiler']) show(name, now[name]);
  show('water', now.water.toFixed(0));
  document.querySelector('.pill').dataset.boiler = now.boiler;
  document.querySelector('[data-power]').setAttribute('width', now.power);
}

function say(state, text) {
  const status = document.querySelector('[data-status]');
  status.dataset.state = state;
  status.textContent = text;
}

// The history comes once (and again after a break), then each event adds a sample to it.
async function live() {
  let history = [];
  let last = -1;
  async function load() {
    const response = await fetch('/api/state');
    const state = await response.json();
    history = state.history;
    last = state.tick;
    draw(history);
  }
  const events = new EventSource('/events');
  events.addEventListener('open', () => {
    say('on', 'Live.');
    load().catch(() => {});
  });
  events.addEventListener('error', () => say('off', 'Connection lost, trying again.'));
  events.addEventListener('message', (event) => {
    const now = JSON.parse(event.data);
    update(now);
    if (last < 0 || now.tick <= last) return;
    last = now.tick;
    history.push([now.room, now.goal]);
    history.splice(0, history.length - HISTORY);
    draw(history);
  });
}

// The buttons beside the target work in place; if that fails, the form is sent as without script.
function stepper(form) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const body = new URLSearchParams({ step: event.submitter.value });
    const response = await fetch(form.action, { method: 'POST', body, redirect: 'manual' }).catch(() => null);
    const state = response && (await fetch('/api/state').catch(() => null));
    if (state && state.ok) update(await state.json());
    else say('off', 'That did not get through.');
  });
}

function received(form, file, text) {
  const answer = Object.fromEntries(text.trim().split('\n').map((line) => line.split(' ')));
  const box = document.querySelector('[data-received]');
  box.hidden = false;
  box.querySelector('[data-filename-row]').hidden = false;
  box.querySelector('[data-filename]').textContent = file.name;
  box.querySelector('[data-bytes]').textContent = answer.bytes.replace(/\B(?=(\d{3})+$)/g, '\u202f');
  box.querySelector('[data-sha256]').textContent = answer.sha256;
  form.reset();
}

function send(form, file) {
  const box = form.querySelector('[data-progress]');
  const bar = box.querySelector('progress');
  const message = box.querySelector('[data-message]');
  const button = form.querySelector('button');
  const request = new XMLHttpRequest();
  const end = (text) => {
    message.textContent = text;
    button.disabled = false;
  };
  box.hidden = false;
  button.disabled = true;
  bar.value = 0;
  message.textContent = 'Sending…';
  request.upload.addEventListener('progress', (event) => {
    if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
  });
  request.addEventListener('load', () => {
    if (request.status === 200) {
      bar.value = 100;
      received(form, file, request.responseText);
      end('The file has arrived.');
    } else {
      end(request.responseText.trim() || `The device refused it (${request.status}).`);
    }
  });
  request.addEventListener('error', () => end('The connection broke. Please try again.'));
  request.open('POST', form.action);
  request.setRequestHeader('Accept', 'text/plain');
  request.send(new FormData(form));
}

function upload(form) {
  const input = form.querySelector('input[type="file"]');
  form.addEventListener('submit', (event) => {
    if (!input.files.length) return;
    event.preventDefault();
    send(form, input.files[0]);
  });
}

if (document.querySelector('[data-live]')) live();
all('[data-stepper]').forEach(stepper);
all('[data-upload]').forEach(upload);
