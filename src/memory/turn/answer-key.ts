/**
 * What an answer is known by when a conversation that continues sends it back. A text is
 * known by itself. "Yes." is said to many questions, from other passages each time, and so
 * is a call of a function: these are known with what they answered.
 */
import type { ChatMessage } from '../../model/chat-template.ts';
import { sha256 } from '../../store/ids.ts';

/** Characters of a text that is known by itself. */
const TELLING_LENGTH = 16;

/** @param asked what it answers: the message before it */
export function answerKey(answer: ChatMessage, asked: ChatMessage | undefined): Promise<string> {
  const text = answer.content.trim();
  const calls = answer.tool_calls ?? [];
  if (text.length >= TELLING_LENGTH && calls.length === 0) return sha256(text);
  const called = calls.map(({ function: { name, arguments: json } }) => [name, argumentsIn(json)]);
  return sha256(JSON.stringify([asked?.content.trim(), text, called]));
}

/** Keys of the answers in a conversation, whatever the client says that they are. */
export function quotedKeys(conversation: readonly ChatMessage[]): Promise<string[]> {
  return Promise.all(
    conversation.flatMap((message, i) =>
      message.role === 'assistant' && saysAnything(message)
        ? [answerKey(message, conversation[i - 1])]
        : [],
    ),
  );
}

/** Of an empty message there is nothing to quote. */
function saysAnything({ content, reasoning_content = '', tool_calls = [] }: ChatMessage): boolean {
  return `${content}${reasoning_content}`.trim() !== '' || tool_calls.length > 0;
}

/** Clients read the arguments, and write them in their own way. */
function argumentsIn(json: unknown): unknown {
  try {
    return JSON.parse(String(json));
  } catch {
    return json;
  }
}
