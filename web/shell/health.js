/**
 * A quiet banner while the service cannot answer, looked up again until it can.
 */
import { onThisMachine } from '../origin.js';
import { part } from '../parts.js';

const RETRY_MS = 4000;

/** @typedef {{ status?: string, checks?: Record<string, { ok: boolean, reason?: string }> }} Health */

export class HealthBanner {
  #banner = part(document, 'health');
  #retry = 0;

  /** Safe to call at any time: a look-up that waits is replaced. */
  async check() {
    clearTimeout(this.#retry);
    const trouble = await findTrouble();
    this.#banner.hidden = trouble === '';
    this.#banner.textContent = trouble;
    if (trouble) this.#retry = window.setTimeout(() => this.check(), RETRY_MS);
  }
}

/** @returns {Promise<string>} empty when all is well */
async function findTrouble() {
  /** @type {Health} */
  let health;
  try {
    health = await (await fetch('/health')).json();
  } catch {
    const remedy = onThisMachine() ? ' Run npm start in the project’s folder.' : '';
    return `The server does not answer.${remedy} This page keeps looking.`;
  }
  if (health.status === 'ok') return '';
  const failing = Object.entries(health.checks ?? {}).filter(([, check]) => !check.ok);
  const reasons = failing.map(([name, { reason }]) => reason ?? `the ${name} gives no reason`);
  const remedy = onThisMachine() ? ' npm start runs all that is needed.' : '';
  return `Not ready to answer: ${reasons.join('; ')}.${remedy} This page keeps looking.`;
}
