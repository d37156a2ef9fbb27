/**
 * The question box: Enter sends, Shift+Enter breaks the line, Esc stops.
 *
 * @typedef {import('../stream/types.d.ts').DraftingMode} DraftingMode
 * @typedef {{ mode: DraftingMode, temperature: number, seed: number | undefined, earlierTurns: boolean }} Settings
 * @typedef {{ ask: (question: string) => void, stop: () => void }} ComposerActions
 */
import { part } from '../parts.js';

export class Composer {
  #form = part(document, 'composer', HTMLFormElement);
  #box = part(this.#form, 'question-box', HTMLTextAreaElement);
  #send = part(this.#form, 'send', HTMLButtonElement);
  #stop = part(this.#form, 'stop', HTMLButtonElement);
  #drafting = part(this.#form, 'drafting', HTMLInputElement);
  #temperature = part(this.#form, 'temperature', HTMLInputElement);
  #seed = part(this.#form, 'seed', HTMLInputElement);
  #earlierTurns = part(this.#form, 'earlier-turns', HTMLInputElement);
  /** Whether the visitor has said what is to be sent along: then the model says nothing of it. */
  #earlierTurnsChosen = false;
  #busy = false;
  #actions;

  /** @param {ComposerActions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener('keydown', (event) => {
      // While an input method composes, Enter chooses a character.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    this.#box.addEventListener('input', () => this.#fit());
    this.#stop.addEventListener('click', (event) => {
      // It appears where Ask was: the second half of a double click is no stop.
      if (event.detail < 2) actions.stop();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#busy) actions.stop();
    });
    this.#bindSettings();
  }

  /** @returns {Settings} */
  get settings() {
    return {
      mode: this.#drafting.checked ? 'on' : 'off',
      temperature: this.#temperature.valueAsNumber || 0,
      seed: this.#seed.value === '' ? undefined : this.#seed.valueAsNumber,
      earlierTurns: this.#earlierTurns.checked,
    };
  }

  /** @param {boolean} follows whether the model was trained on conversations */
  suggestEarlierTurns(follows) {
    if (!this.#earlierTurnsChosen) this.#earlierTurns.checked = follows;
  }

  get element() {
    return this.#form;
  }

  /** @param {boolean} busy */
  setBusy(busy) {
    this.#busy = busy;
    this.#send.hidden = busy;
    this.#stop.hidden = !busy;
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  clear() {
    this.#box.value = '';
    this.#fit();
  }

  #submit() {
    const question = this.#box.value.trim();
    if (question && !this.#busy && this.#form.reportValidity()) this.#actions.ask(question);
  }

  /** The box is as high as its text; the style sheet sets how high it may get. */
  #fit() {
    this.#box.style.height = 'auto';
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }

  #bindSettings() {
    const toggle = part(this.#form, 'settings-toggle', HTMLButtonElement);
    const panel = part(this.#form, 'settings');
    toggle.addEventListener('click', () => {
      panel.hidden = !panel.hidden;
      toggle.setAttribute('aria-expanded', String(!panel.hidden));
    });
    this.#earlierTurns.addEventListener('change', () => {
      this.#earlierTurnsChosen = true;
    });
    const tints = part(this.#form, 'tints', HTMLInputElement);
    const apply = () => document.body.classList.toggle('tints', tints.checked);
    tints.addEventListener('change', apply);
    apply();
  }
}
