/** Names the model that answers, in the footer, and says of the bundled one that it is no real one. */
import { authorization } from '../key.js';
import { part } from '../parts.js';

const BUNDLED = 'espalier-tiny';

/** @param {(follows: boolean) => void} onModel told whether the model can follow a conversation */
export async function showModel(onModel) {
  const response = await fetch('/v1/models', { headers: authorization() }).catch(() => null);
  if (response?.status === 401) part(document, 'model').textContent = 'shown with a key';
  if (!response?.ok) return; // the health banner says what is wrong
  /** @type {{ data: { id: string }[] }} */
  const models = await response.json();
  const id = models.data[0]?.id;
  if (id) part(document, 'model').textContent = id;
  part(document, 'bundled').hidden = id !== BUNDLED;
  if (id) onModel(id !== BUNDLED);
}
