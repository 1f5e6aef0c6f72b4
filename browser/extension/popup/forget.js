// The question before a device is forgotten.
import { $, write } from '../shared/dom.js';
import { say } from '../words.js';
import { failureText, strangersName } from './text.js';

let meant = null;

export function setUp(stage) {
  $('forget-yes').addEventListener('click', () => forget(stage));
  $('forget-no').addEventListener('click', () => stage.show('home'));
}

export function begin(stage, name) {
  meant = name;
  const device = stage.view.devices.find((it) => it.name === name);
  write($('forget-title'), say('forget.title', { name }));
  write($('forget-where'), strangersName(device?.where));
  write($('forget-message'), '');
  $('forget-yes').disabled = false;
}

/** What can't be undone isn't under the finger. */
export function focus() {
  $('forget-no').focus();
}

function forget(stage) {
  const name = meant;
  $('forget-yes').disabled = true;
  stage.talk.ask({ ask: 'forget', name }).then((answer) => {
    if (meant !== name) return;
    $('forget-yes').disabled = false;
    if (answer.ok) {
      stage.show('home');
      stage.say(say('forget.done', { name }));
    } else write($('forget-message'), failureText(answer, name));
  });
}
