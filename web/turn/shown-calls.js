/**
 * Functions that the model calls, as they come.
 *
 * @typedef {import('../stream/types.d.ts').ToolCallDelta} ToolCallDelta
 */
export class ShownCalls {
  #list;
  /** @type {Map<number, HTMLElement>} the arguments' places, by the call's index */
  #arguments = new Map();

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {readonly ToolCallDelta[]} deltas */
  add(deltas) {
    for (const { index, function: called } of deltas) {
      const place = this.#arguments.get(index) ?? this.#begin(index, called.name ?? '');
      place.append(called.arguments);
    }
  }

  /** @param {number} index @param {string} name */
  #begin(index, name) {
    const item = document.createElement('li');
    const title = document.createElement('b');
    title.textContent = name;
    const place = document.createElement('code');
    item.append('Calls ', title, ' with ', place);
    this.#list.append(item);
    this.#list.hidden = false;
    this.#arguments.set(index, place);
    return place;
  }
}
