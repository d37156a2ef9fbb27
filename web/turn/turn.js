/**
 * One question and its answer on the page.
 *
 * @typedef {import('../stream/types.d.ts').ChatRequest} ChatRequest
 * @typedef {import('../stream/types.d.ts').ChatChunk} ChatChunk
 * @typedef {import('../stream/chat.js').ChatFailure} ChatFailure
 * @typedef {import('./comparison.js').Outcome} Outcome
 */
import { hasKey } from '../key.js';
import { fromTemplate, part } from '../parts.js';
import { CHAT_PATH } from '../stream/chat.js';
import { StepQueue } from '../stream/steps.js';
import { Tally } from '../stream/tally.js';
import { copyOnClick } from './clipboard.js';
import { compareOutcomes } from './comparison.js';
import { curlCommand } from './curl.js';
import { showFailure } from './failure.js';
import { Legend } from './legend.js';
import { PassageList } from './passages.js';
import { RenderedText } from './rendered-text.js';
import { ShownCalls } from './shown-calls.js';
import { Statistics } from './statistics.js';
import { Strip } from './strip.js';

export class Turn {
  /** @type {HTMLElement} */
  element = fromTemplate('turn');
  text = '';
  /** Whether the answer came to its own end. */
  finished = false;
  #answer = part(this.element, 'answer');
  #said = new RenderedText(this.#answer);
  #thought = new RenderedText(part(this.element, 'thoughts'));
  #calls = new ShownCalls(part(this.element, 'calls'));
  #passages = new PassageList(this.element);
  #startedAt = performance.now();
  /** What of the prompt the model has read, as far as the server has said. */
  #read = '';
  /** Counts the seconds until the first token. */
  #waiting = 0;
  #legend = new Legend(this.element, this.#answer);
  #strip = new Strip(this.element);
  #statistics = new Statistics(part(this.element, 'statistics'));
  #steps = new StepQueue();
  #tally = new Tally(performance.now());
  #drawing = 0;
  /** @type {string | null} */
  #finishReason = null;

  /**
   * @param {string} question
   * @param {ChatRequest} request
   */
  constructor(question, request) {
    this.question = question;
    this.request = request;
    part(this.element, 'question').textContent = question;
    part(this.element, 'mode').hidden = request.speculation.mode === 'on';
    this.element.setAttribute('aria-busy', 'true');
    this.#waiting = window.setInterval(() => this.#showWait(), 1000);
    copyOnClick(part(this.element, 'copy-answer', HTMLButtonElement), () => this.text);
    copyOnClick(part(this.element, 'copy-curl', HTMLButtonElement), () =>
      curlCommand(`${location.origin}${CHAT_PATH}`, request, hasKey()),
    );
  }

  get answerElement() {
    return this.#answer;
  }

  /** @returns {Outcome} */
  get outcome() {
    return {
      mode: this.request.speculation.mode,
      text: this.text,
      figures: this.#tally.figures(),
    };
  }

  /** @param {() => void} again asks the same; @param {() => void} otherMode the same with drafting switched */
  onRepeat(again, otherMode) {
    part(this.element, 'retry').addEventListener('click', again);
    part(this.element, 'other-mode').addEventListener('click', otherMode);
  }

  /** @param {ChatChunk} chunk */
  add(chunk) {
    this.#tally.add(chunk, performance.now());
    const trace = chunk.espalier;
    if (trace?.passages) this.#passages.show(trace.passages);
    if (trace?.prompt_read) this.#showReading(trace.prompt_read);
    const choice = chunk.choices[0];
    this.#finishReason = choice?.finish_reason ?? this.#finishReason;
    const content = choice?.delta.content ?? '';
    const thought = choice?.delta.reasoning_content ?? '';
    this.text += content;
    // A server that traces nothing still answers: its text is simply not tinted.
    if (!trace?.tokens) {
      this.#said.addPlain(content);
      this.#thought.addPlain(thought);
    }
    const placed = this.#steps.place(trace?.tokens ?? [], trace?.steps ?? []);
    const isThought = (/** @type {typeof placed[number]} */ { token }) => token.thought === true;
    this.#thought.addTokens(placed.filter(isThought));
    if (!choice?.delta.tool_calls) this.#said.addTokens(placed.filter((one) => !isThought(one)));
    this.#calls.add(choice?.delta.tool_calls ?? []);
    if (thought) part(this.element, 'reasoning').hidden = false;
    if (content || thought) this.#endWait();
    this.#strip.add(placed);
    this.#scheduleDrawing();
  }

  /** @param {string} [note] why it ended, if not by itself */
  finish(note) {
    this.finished = note === undefined;
    this.#passages.markQuotes(this.text);
    this.#end(note ?? (this.#finishReason === 'length' ? 'Cut off at the token limit.' : ''));
  }

  /** @param {ChatFailure} failure */
  fail(failure) {
    showFailure(part(this.element, 'failure'), failure);
    this.#end('');
  }

  /** @param {Outcome} other the same question in the other mode */
  compareWith(other) {
    const { same, sentence } = compareOutcomes(this.outcome, other);
    const line = part(this.element, 'comparison');
    line.textContent = sentence;
    line.dataset.same = String(same);
    line.hidden = false;
    this.showAgainstPlain(other);
  }

  /** @param {Outcome} other the same question in the other mode */
  showAgainstPlain(other) {
    this.#statistics.showAgainstPlain(compareOutcomes(this.outcome, other).ratio);
  }

  /** @param {string} note */
  #end(note) {
    cancelAnimationFrame(this.#drawing);
    this.#endWait();
    this.#draw();
    this.element.setAttribute('aria-busy', 'false');
    this.element.dataset.state = 'ended';
    const { steps, tokens } = this.#tally.figures();
    this.#strip.describe(`${tokens} tokens in ${steps} verification steps`);
    part(this.element, 'note').textContent = note;
    part(this.element, 'copy-answer').hidden = this.text === '';
    const otherMode = part(this.element, 'other-mode');
    otherMode.textContent =
      this.request.speculation.mode === 'on' ? 'Compare without drafting' : 'Compare with drafting';
    otherMode.hidden = !this.finished;
    part(this.element, 'actions').hidden = false;
  }

  /** Chunks may come faster than frames; figures are drawn once a frame. */
  #scheduleDrawing() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = requestAnimationFrame(() => this.#draw());
  }

  /** @param {{ tokens: number, of: number }} read */
  #showReading({ tokens, of }) {
    const percent = Math.floor((100 * tokens) / of);
    this.#read = `: ${tokens.toLocaleString('en')} of ${of.toLocaleString('en')} tokens, ${percent} %`;
    if (this.#waiting !== 0) this.#showWait();
  }

  /** A long prompt takes its time: how much of it has been read is said, and for how long. */
  #showWait() {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    part(this.element, 'note').textContent =
      `Reading the question and its passages${this.#read}, ${seconds} s …`;
  }

  #endWait() {
    if (this.#waiting === 0) return;
    clearInterval(this.#waiting);
    this.#waiting = 0;
    part(this.element, 'note').textContent = '';
  }

  #draw() {
    this.#said.draw();
    this.#thought.draw();
    const figures = this.#tally.figures();
    this.#statistics.show(figures);
    this.#legend.update(figures.bySource);
    part(this.element, 'evidence').hidden = figures.tokens === 0;
  }
}
