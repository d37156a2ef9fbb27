/**
 * The chat page: puts the question box, the conversation and the API together.
 *
 * @typedef {import('./stream/types.d.ts').ChatMessage} ChatMessage
 * @typedef {import('./stream/types.d.ts').ChatRequest} ChatRequest
 * @typedef {import('./stream/types.d.ts').DraftingMode} DraftingMode
 *
 * A question of the conversation, with the latest turn that answered it; null while none has.
 * @typedef {{ answered: Turn | null }} Question
 */
import { part } from './parts.js';
import { Announcer } from './shell/announcer.js';
import { Composer } from './shell/composer.js';
import { showExamples } from './shell/examples.js';
import { Follower } from './shell/follower.js';
import { HealthBanner } from './shell/health.js';
import { KeyDialog } from './shell/key-dialog.js';
import { showModel } from './shell/model.js';
import { ChatFailure, streamChat } from './stream/chat.js';
import { Turn } from './turn/turn.js';

const conversation = part(document, 'conversation');
const announcer = new Announcer();
const health = new HealthBanner();
const composer = new Composer({ ask, stop: () => answering?.abort() });
const showModelHere = () => void showModel((follows) => composer.suggestEarlierTurns(follows));
const keyDialog = new KeyDialog(showModelHere);
const follower = new Follower(composer.element);

/** @type {Question[]} */
const questions = [];
/** @type {AbortController | null} what stops the answer in progress */
let answering = null;

/** @param {string} question */
function ask(question) {
  composer.clear();
  const turn = new Turn(question, buildRequest(question));
  const asked = { answered: null };
  questions.push(asked);
  void run(turn, asked);
}

/** @param {string} question @returns {ChatRequest} */
function buildRequest(question) {
  const { mode, temperature, seed, earlierTurns } = composer.settings;
  return {
    messages: [...(earlierTurns ? history() : []), { role: 'user', content: question }],
    stream: true,
    stream_options: { include_usage: true },
    temperature,
    ...(seed === undefined ? {} : { seed }),
    speculation: { mode, stats: true, trace: true },
  };
}

/** @returns {ChatMessage[]} */
function history() {
  return questions.flatMap(({ answered }) =>
    answered
      ? [
          { role: 'user', content: answered.question },
          { role: 'assistant', content: answered.text },
        ]
      : [],
  );
}

/** @param {Turn} turn @param {Question} question @param {Turn} [rival] the same question in the other mode */
async function run(turn, question, rival) {
  if (answering) return;
  answering = new AbortController();
  const { signal } = answering;
  bindRepeats(turn, question);
  show(turn);
  try {
    for await (const chunk of streamChat(turn.request, signal)) {
      turn.add(chunk);
      follower.keepInView(turn.answerElement);
    }
    turn.finish();
    if (rival) {
      turn.compareWith(rival.outcome);
      rival.showAgainstPlain(turn.outcome);
    } else question.answered = turn;
    announcer.say(`The answer: ${turn.text}`);
  } catch (error) {
    end(turn, question, signal, error);
  } finally {
    answering = null;
    composer.setBusy(false);
  }
}

/** @param {Turn} turn @param {Question} question */
function bindRepeats(turn, question) {
  /** @type {DraftingMode} */
  const mode = turn.request.speculation.mode === 'on' ? 'off' : 'on';
  turn.onRepeat(
    () => void run(new Turn(turn.question, turn.request), question),
    () => {
      const speculation = { ...turn.request.speculation, mode };
      void run(new Turn(turn.question, { ...turn.request, speculation }), question, turn);
    },
  );
}

/** @param {Turn} turn */
function show(turn) {
  document.body.classList.add('talking');
  conversation.append(turn.element);
  composer.setBusy(true);
  follower.begin(turn.element);
  // On touch screens focus would raise the keyboard over the answer.
  if (matchMedia('(pointer: fine)').matches) composer.focus();
  else turn.element.focus({ preventScroll: true });
  announcer.say('Answering. Escape stops.');
}

/** @param {Turn} turn @param {Question} question @param {AbortSignal} signal @param {unknown} error */
function end(turn, question, signal, error) {
  if (signal.aborted) {
    turn.finish('Stopped.');
    announcer.say('Stopped.');
    return;
  }
  // Anything else would be a mistake of the page's own; it is shown just the same.
  const failure = error instanceof ChatFailure ? error : new ChatFailure('failed', String(error));
  turn.fail(failure);
  if (failure.detail.status === 401) {
    keyDialog.open(failure.message, () => askInstead(turn, question));
    return;
  }
  announcer.say(`No answer. ${failure.message}`);
  void health.check();
}

/** @param {Turn} turn it was refused for want of a key, so nothing is lost with it @param {Question} question */
function askInstead(turn, question) {
  turn.element.remove();
  void run(new Turn(turn.question, turn.request), question);
}

part(document, 'new-conversation').addEventListener('click', () => {
  answering?.abort();
  questions.length = 0;
  conversation.replaceChildren();
  document.body.classList.remove('talking');
  composer.focus();
});

composer.focus();
void health.check();
showModelHere();
void showExamples(ask);
