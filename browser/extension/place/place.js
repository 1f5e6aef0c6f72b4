// A tab whose device isn't proved now: what happened and what to do. It can't take a password, and
// its button only opens the popup. The background moves the tab when the device is in again.
import { placeOf } from '../shared/address.js';
import { api } from '../shared/api.js';
import { $, fillWords, write } from '../shared/dom.js';
import { Talk } from '../shared/talk.js';
import { say } from '../words.js';

const SENTENCES = {
  'logged-out': ['place.logged-out', 'place.logged-out-what', 'place.logged-out-do'],
  out: ['place.out', 'place.out-what', 'place.out-do'],
  ended: ['place.ended', 'place.ended-what', 'place.ended-do'],
  refused: ['place.refused', 'place.refused-what', 'place.refused-do'],
  'broke-off': ['place.broke-off', 'place.broke-off-what', 'place.broke-off-do'],
  stranger: ['place.stranger', 'place.stranger-what', 'place.stranger-do'],
  unknown: ['place.unknown', 'place.unknown-what', 'place.unknown-do'],
};
const LIST_MS = 700; // for the list of devices, which comes after the word that the agent is there

const place = placeOf(location.href) ?? { what: 'out', name: '' };
let late = null; // until a device is called unknown

function drawWhat(device = null, isUnknown = false) {
  const given = Object.hasOwn(SENTENCES, place.what) ? place.what : 'out';
  const what = isUnknown ? 'unknown' : given;
  // Where no proof failed, the password isn't called wrong.
  const brokeOff = what === 'refused' && device?.state === 'refused' && device.broke_off;
  const [title, text, todo] = SENTENCES[brokeOff ? 'broke-off' : what].map((key) => say(key));
  document.body.dataset.name = place.name;
  $('what').dataset.what = what;
  $('lock').dataset.is = what === 'refused' || what === 'stranger' ? 'trouble' : 'idle';
  write($('title'), title);
  write($('text'), text);
  write($('todo'), todo);
  write($('name'), place.name);
  $('device').hidden = place.name === '';
  document.title = place.name ? `${place.name} – ${title}` : title;
}

function drawView(view) {
  const device = view.devices.find(({ name }) => name === place.name);
  const isGone = !device && view.agent.is === 'ready' && place.name !== '';
  if (!isGone) {
    clearTimeout(late);
    late = null;
    drawWhat(device);
  } else {
    late ??= setTimeout(() => drawWhat(null, true), LIST_MS);
  }
  write($('where'), device?.where ?? '');
  write($('proving'), device?.state === 'proving' ? say('home.proving') : '');
  $('proving').classList.toggle('busy', device?.state === 'proving');
}

function showHow() {
  $('how').hidden = false;
  write($('how-text'), say('place.how'));
}

/* Browsers open it for a click alone, and some don't open it at all. */
function openPopup() {
  try {
    Promise.resolve(api.action.openPopup()).catch(showHow);
  } catch {
    showHow();
  }
}

fillWords(document);
drawWhat();
$('login').addEventListener('click', openPopup);
new Talk(drawView);
