/** Questions that the demo knowledge can answer, one click each. */
import { part } from '../parts.js';

/** @param {(question: string) => void} ask */
export async function showExamples(ask) {
  const response = await fetch('/demo/questions.json').catch(() => null);
  if (!response?.ok) return; // a deployment with documents of its own ships none
  /** @type {string[]} */
  const questions = await response.json();
  const buttons = questions.map((question) => {
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
