/** Questions that the demo knowledge can answer, one click each. */
import { part } from '../parts.js';

/** As many as fit the first screen; the file may hold more, for the benchmark. */
export const MAX_SHOWN = 6;

/** @param {(question: string) => void} ask */
export async function showExamples(ask) {
  const response = await fetch('/demo/questions.json').catch(() => null);
  if (!response?.ok) return; // a deployment with documents of its own ships none
  /** @type {string[]} */
  const questions = await response.json();
  const buttons = questions.slice(0, MAX_SHOWN).map((question) => {
    const item = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = question;
    button.addEventListener('click', () => ask(question));
    item.append(button);
    return item;
  });
  part(document, 'example-list').append(...buttons);
  part(document, 'examples').hidden = questions.length === 0;
}
