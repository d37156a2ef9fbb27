/**
 * The markup is in index.html; scripts find their places in it by `data-part`.
 * A missing part is a mistake in the page, so it is an error at once and not a
 * null that surfaces three clicks later.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} name
 * @param {new () => T} [kind] the element's class, checked
 * @returns {T}
 */
export function part(root, name, kind) {
  const found = root.querySelector(`[data-part="${name}"]`);
  const expected = kind ?? HTMLElement;
  if (!(found instanceof expected)) throw new Error(`index.html lacks the part "${name}".`);
  return /** @type {T} */ (found);
}

/** @param {string} id of a <template> with one root element @returns {HTMLElement} */
export function fromTemplate(id) {
  const template = document.getElementById(id);
  const root =
    template instanceof HTMLTemplateElement ? template.content.firstElementChild : undefined;
  if (!root) throw new Error(`index.html lacks the template "${id}".`);
  return /** @type {HTMLElement} */ (document.importNode(root, true));
}
