/**
 * Asks for a key: when the server wants one, or from the settings. A dialog, so
 * that nothing on the page moves for it, and focus goes back to where it was.
 */
import { hasKey, setKey } from '../key.js';
import { part } from '../parts.js';

export class KeyDialog {
  #dialog = part(document, 'key-dialog', HTMLDialogElement);
  #reason = part(this.#dialog, 'key-reason');
  #input = part(this.#dialog, 'key', HTMLInputElement);
  #forget = part(this.#dialog, 'key-forget', HTMLButtonElement);
  #then = () => {};

  /** @param {() => void} onChange after the key was set or forgotten */
  constructor(onChange) {
    part(this.#dialog, 'key-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#close(this.#input.value.trim(), onChange);
      this.#then();
    });
    this.#forget.addEventListener('click', () => this.#close('', onChange));
    part(this.#dialog, 'key-cancel').addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => {
      this.#input.value = '';
    });
    part(document, 'key-open').addEventListener('click', () => this.open());
  }

  /**
   * @param {string} [reason] the server's own words
   * @param {() => void} [then] what to do once there is a key
   */
  open(reason = '', then = () => {}) {
    this.#reason.textContent = reason;
    this.#forget.hidden = !hasKey();
    this.#then = then;
    this.#dialog.showModal();
  }

  /** @param {string} key @param {() => void} onChange */
  #close(key, onChange) {
    setKey(key);
    this.#dialog.close();
    onChange();
  }
}
