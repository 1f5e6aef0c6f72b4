// Notices, newest first: the agent's warnings and failures. Its notes are for people at a terminal.
// What was put away stays so until the browser ends, or until it is said of a device once more.
import { api } from '../shared/api.js';
import { $, el, redraw } from '../shared/dom.js';
import { say } from '../words.js';
import { sentence } from './text.js';

const LEVELS = { failure: 'said.failure', warning: 'said.warning' };
const KEPT = 'away'; // in the browser's memory, never on disk

let away = null; // key: how often it had been said when it was put away; null until it was read

export function setUp(stage) {
  api.storage.session.get(KEPT).then((kept) => new Map(kept[KEPT])).catch(() => new Map())
    .then((map) => {
      away = map;
      if (stage.view) draw(stage);
    });
}

export function draw(stage) {
  if (!away) return;
  const said = stage.view.said.filter(({ level }) => Object.hasOwn(LEVELS, level));
  const counts = countsOf(said);
  for (const [key, often] of away) if ((counts.get(key) ?? 0) < often) away.delete(key);
  const rows = () => newestOnce(said)
    .filter((it) => counts.get(keyOf(it)) > (away.get(keyOf(it)) ?? 0))
    .map((it) => row(it, () => putAway(stage, keyOf(it), counts)));
  redraw($('said'), [said, [...away]], rows);
}

const keyOf = ({ name, level, text }) => `${name} ${level} ${text}`;

/* What is about no device is said anew each time that the popup opens: it counts once. */
function countsOf(said) {
  const counts = new Map();
  for (const it of said) {
    const before = it.name ? counts.get(keyOf(it)) ?? 0 : 0;
    counts.set(keyOf(it), before + 1);
  }
  return counts;
}

function newestOnce(said) {
  return [...new Map([...said].reverse().map((it) => [keyOf(it), it])).values()];
}

function row({ name, level, text }, put) {
  const about = el('b', { textContent: name ?? say(LEVELS[level]) });
  if (name) {
    const kind = `, ${say(LEVELS[level])}:`;
    about.append(el('span', { className: 'unseen', textContent: kind }));
  }
  const label = say('said.away');
  const button = el('button', {
    className: 'away', textContent: '×', title: label, ariaLabel: label,
  });
  button.addEventListener('click', put);
  const words = el('p', {}, about, ' ', sentence(text, name));
  return el('li', { className: 'small', data: { level } }, words, button);
}

function putAway(stage, key, counts) {
  away.set(key, counts.get(key));
  api.storage.session.set({ [KEPT]: [...away] }).catch(() => {}); // then it is for this time only
  draw(stage);
  ($('said').querySelector('button') ?? $('title')).focus();
}
