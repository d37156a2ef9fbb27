/** Copying, with a way for pages that are served over plain HTTP to another machine. */

/** How long "Copied" stays on a button. */
const CONFIRMATION_MS = 1600;

/**
 * @param {HTMLButtonElement} button
 * @param {() => string} text read at the moment of the click
 */
export function copyOnClick(button, text) {
  const label = button.textContent;
  button.addEventListener('click', async () => {
    const copied = await copy(text());
    button.textContent = copied ? 'Copied' : 'The browser refused';
    setTimeout(() => {
      button.textContent = label;
    }, CONFIRMATION_MS);
  });
}

/** @param {string} text @returns {Promise<boolean>} */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard API outside secure contexts; the old command still works there.
    return copyBySelection(text);
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
