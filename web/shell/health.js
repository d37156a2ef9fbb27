/**
 * A quiet banner while the service cannot answer, or prepares documents for another
 * model, looked up again until neither is so.
 */
import { onThisMachine } from '../origin.js';
import { part } from '../parts.js';

const RETRY_MS = 4000;

/**
 * @typedef {{ ready: number, of: number }} Share
 * @typedef {{ state: string, share?: number, documents?: Share, stores?: Share }} Passages
 * @typedef {{ status?: string, checks?: Record<string, { ok: boolean, reason?: string }>, passages?: Passages | null }} Health
 */

export class HealthBanner {
  #banner = part(document, 'health');
  #retry = 0;

  /** Safe to call at any time: a look-up that waits is replaced. */
  async check() {
    clearTimeout(this.#retry);
    const notice = await findNotice();
    this.#banner.hidden = notice === '';
    this.#banner.textContent = notice;
    if (notice) this.#retry = window.setTimeout(() => this.check(), RETRY_MS);
  }
}

/** @returns {Promise<string>} empty when all is well */
async function findNotice() {
  /** @type {Health} */
  let health;
  try {
    health = await (await fetch('/health')).json();
  } catch {
    const remedy = onThisMachine() ? ' Run npm start in the project’s folder.' : '';
    return `The server does not answer.${remedy} This page keeps looking.`;
  }
  if (health.status === 'ok') return preparation(health.passages);
  const failing = Object.entries(health.checks ?? {}).filter(([, check]) => !check.ok);
  const reasons = failing.map(([name, { reason }]) => reason ?? `the ${name} gives no reason`);
  const remedy = onThisMachine() ? ' npm start runs all that is needed.' : '';
  return `Not ready to answer: ${reasons.join('; ')}.${remedy} This page keeps looking.`;
}

/** @param {Passages | null | undefined} passages */
function preparation(passages) {
  if (passages?.state !== 'preparing') return '';
  const { documents, stores, share = 0 } = passages;
  const ready = documents
    ? `${documents.ready} of ${documents.of} documents are ready`
    : `${Math.floor(100 * share)} % of the documents are ready`;
  const within = stores ? `, ${stores.ready} of ${stores.of} stores` : '';
  return `Documents are being prepared for this model: ${ready}${within}. Answers are right already, and faster then.`;
}
