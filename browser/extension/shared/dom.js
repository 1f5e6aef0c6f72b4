// Small helpers for our own pages. Text reaches a page here, as text and never as HTML.
import { language, say } from '../words.js';

export const $ = (id) => document.getElementById(id);

/** A new element; properties are set as they are, `data` goes into its dataset. */
export function el(tag, { data = {}, ...properties } = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  Object.assign(node.dataset, data);
  node.append(...children);
  return node;
}

/** Says each change once: a live region is quiet while its text stays as it is. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
  node.hidden = text === '';
}

const ATTRIBUTES = { wordLabel: 'aria-label', wordHint: 'placeholder', wordAlt: 'alt' };

/** Fills in the words of a page: data-word names the key of an element's text. */
export function fillWords(root) {
  document.documentElement.lang = language();
  for (const node of root.querySelectorAll('[data-word]')) {
    node.textContent = say(node.dataset.word);
  }
  for (const [member, attribute] of Object.entries(ATTRIBUTES)) {
    const name = member.replace(/[A-Z]/, (letter) => '-' + letter.toLowerCase());
    for (const node of root.querySelectorAll(`[data-${name}]`)) {
      node.setAttribute(attribute, say(node.dataset[member]));
    }
  }
}

/** The padlock of a state; what it means always stands beside it in words. */
export function padlock(state) {
  const lock = el('span', { className: 'lock', data: { is: lockOf(state) } });
  lock.setAttribute('aria-hidden', 'true');
  return lock;
}

/** Teal and closed is for what is proved now, and for nothing else. */
export function lockOf(state) {
  if (state === 'in') return 'proved';
  return state === 'refused' || state === 'stranger' ? 'trouble' : 'idle';
}

/** Puts `nodes()` into `parent` when `what` has changed, and keeps the focus where it was. */
export function redraw(parent, what, nodes) {
  const key = JSON.stringify(what);
  if (parent.dataset.drawn === key) return;
  parent.dataset.drawn = key;
  const active = document.activeElement;
  const focus = parent.contains(active) ? active.dataset.focus : null;
  parent.replaceChildren(...nodes());
  if (focus) parent.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
}
