/**
 * Keeps the end of a growing answer above the question box, until the reader
 * scrolls: from then on the page is theirs.
 */

/** Space between the answer's last line and the question box, in pixels. */
const CLEARANCE = 28;

const SCROLL_KEYS = new Set(['PageUp', 'PageDown', 'Home', 'End', 'ArrowUp', 'ArrowDown']);

export class Follower {
  #following = false;
  /** @type {HTMLElement} */
  #floor;

  /** @param {HTMLElement} floor what covers the bottom of the page */
  constructor(floor) {
    this.#floor = floor;
    const release = () => {
      this.#following = false;
    };
    addEventListener('wheel', release, { passive: true });
    addEventListener('touchmove', release, { passive: true });
    addEventListener('keydown', (event) => {
      const typing = event.target instanceof HTMLTextAreaElement;
      if (!typing && SCROLL_KEYS.has(event.key)) release();
    });
  }

  /** @param {HTMLElement} turn scrolled to the top of the page */
  begin(turn) {
    this.#following = true;
    // Not smooth: the answer's first lines would overtake the movement and end it.
    turn.scrollIntoView({ block: 'start', behavior: 'instant' });
  }

  /** @param {HTMLElement} answer */
  keepInView(answer) {
    if (!this.#following) return;
    const hiddenBy =
      answer.getBoundingClientRect().bottom + CLEARANCE - this.#floor.getBoundingClientRect().top;
    if (hiddenBy > 0) scrollBy({ top: hiddenBy, behavior: 'instant' });
  }
}
