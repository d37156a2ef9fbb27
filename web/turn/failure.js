/**
 * Says what the server said, and what the reader can do about it.
 *
 * @typedef {import('../stream/chat.js').ChatFailure} ChatFailure
 * @typedef {import('../stream/chat.js').FailureKind} FailureKind
 */
import { onThisMachine } from '../origin.js';
import { part } from '../parts.js';

/** @type {Record<FailureKind, { title: string, advice: string }>} */
const KINDS = {
  refused: { title: 'The server refused the question', advice: '' },
  failed: {
    title: 'The server stopped in the middle',
    advice: 'What is above is what the model had written by then.',
  },
  cut: {
    title: 'The connection ended early',
    advice: 'What is above may not be the whole answer.',
  },
  unreachable: {
    title: 'The server does not answer',
    advice: onThisMachine()
      ? 'Check that it is running: npm start in the project’s folder starts it.'
      : 'Check your connection, then ask again.',
  },
};

/** @param {HTMLElement} box @param {ChatFailure} failure */
export function showFailure(box, failure) {
  const { title, advice } = KINDS[failure.kind];
  const busy = failure.kind === 'refused' && (failure.detail.status ?? 0) >= 500;
  part(box, 'failure-title').textContent = busy ? 'The server can’t answer now' : title;
  part(box, 'failure-message').textContent = failure.message;
  part(box, 'failure-detail').textContent = detailLine(failure);
  part(box, 'failure-advice').textContent = failure.detail.retryAfter
    ? `Try again in ${failure.detail.retryAfter} s.`
    : advice;
  box.hidden = false;
}

/** @param {ChatFailure} failure */
function detailLine({ detail }) {
  const named = [
    detail.status && `HTTP ${detail.status}`,
    detail.type,
    detail.code,
    detail.param && `in ${detail.param}`,
  ];
  return named.filter(Boolean).join(' · ');
}
