// What is known of one device, as rows of a list, and the sentence for how it stands.
import { el } from '../shared/dom.js';
import { say } from '../words.js';
import { dayWords, protocolWords, strangersName, timeWords } from './text.js';

const STATES = {
  in: 'state.in',
  out: 'state.out',
  proving: 'state.proving',
  refused: 'state.refused',
  stranger: 'state.stranger',
};

export function stateWords({ state, broke_off: brokeOff }) {
  if (state === 'refused' && brokeOff) return say('state.broke-off');
  return say(STATES[state] ?? 'state.out');
}

/** The <dt> and <dd> of a device; what isn't known is left out. */
export function factRows(device) {
  const facts = [
    ['fact.user', strangersName(device.user)],
    ['fact.protocol', protocolWords(device)],
    ['fact.since', device.since ? timeWords(device.since) : ''],
    ['fact.seen', !device.since && device.seen ? dayWords(device.seen) : ''],
    ['fact.id', strangersName(device.device_id)],
  ];
  return facts.filter(([, text]) => text).flatMap(([key, text]) => (
    [el('dt', { textContent: say(key) }), el('dd', { textContent: text })]));
}
