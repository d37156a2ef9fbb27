/**
 * The reader's key. It lives as long as the tab, and where the browser keeps
 * nothing for pages, as long as the page.
 */
const NAME = 'espalier-key';

/** What a copied command has in the key's place: a clipboard is no place for a secret. */
export const KEY_VARIABLE = '$ESPALIER_KEY';

let key = kept();

export function hasKey() {
  return key !== '';
}

/** @param {string} value empty: forget it */
export function setKey(value) {
  key = value;
  try {
    if (value) sessionStorage.setItem(NAME, value);
    else sessionStorage.removeItem(NAME);
  } catch {
    // Storage is off: the page remembers.
  }
}

/** @returns {Record<string, string>} the headers that say whose request it is */
export function authorization() {
  return key ? { authorization: `Bearer ${key}` } : {};
}

function kept() {
  try {
    return sessionStorage.getItem(NAME) ?? '';
  } catch {
    return '';
  }
}
