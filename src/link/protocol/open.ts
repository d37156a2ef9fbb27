/** `open`: the prompt and everything about a turn. Sent once, first. */
import type { Source } from '../../draft/source.ts';
import type { AcceptRuleName } from './accept-rules.ts';
import type { GrammarSetting } from './grammar.ts';
import { Reader } from './reader.ts';
import {
  FrameType,
  fail,
  MAX_PROMPT_TOKENS,
  MAX_SETTINGS_BYTES,
  PROTOCOL_VERSION,
} from './wire.ts';
import { utf8Bytes, Writer } from './writer.ts';

/** Everything about a turn that is not token ids. Travels as JSON inside `open`, once a turn. */
export interface OpenSettings {
  /** sha256 of the target's weights and of its tokenizer, hex: both sides must agree. */
  fingerprint: { model: string; tokenizer: string };
  /** Keys KV prefix reuse; derived by the worker from the tenant, so that no tenant meets another's cache. */
  namespace: string;
  sampling: {
    /** 64-bit seed of the position-keyed noise, as two unsigned 32-bit halves [low, high]. */
    seed: [number, number];
    /** 0 is greedy. */
    temperature: number;
    topP: number;
    /** 0 keeps all. */
    topK: number;
    /** Keeps tokens at least this share as likely as the likeliest. 0 when absent: all. */
    minP?: number;
    /** `MIN_REPETITION_PENALTY` to `MAX_REPETITION_PENALTY`. Divides positive logits of tokens in the prompt or the answer, multiplies negative ones. 1 when absent. */
    repetitionPenalty?: number;
    /** Either way up to `MAX_PENALTY`, subtracted from a token's logit for each time that the answer has it. 0 when absent. */
    frequencyPenalty?: number;
    /** Either way up to `MAX_PENALTY`, subtracted from a token's logit once the answer has it. 0 when absent. */
    presencePenalty?: number;
    /** [token, bias], at most `MAX_LOGIT_BIASES`, each token once; a bias of −`MAX_LOGIT_BIAS` bans. */
    logitBias?: [number, number][];
  };
  /** The most tokens to commit in this turn. */
  maxTokens: number;
  /** Token ids that end the turn once committed. */
  stopIds: number[];
  /** How the turn is drafted. `off` verifies nothing: plain decoding. */
  drafting: DraftingMode;
  /** The most nodes to verify in a step. */
  budget: number;
  /** Where the prompt's tokens came from: [start, end, source]. The rest is plain prompt. */
  regions: [number, number, Source][];
  /** Of documents that the prompt has whole, what matches the question, [start, end]: what a network reads that reads less. None when absent. */
  excerpts?: [number, number][];
  /** Of the prompt, how many tokens at its end are the answer so far: more than 0 where a turn continues elsewhere. */
  resumed: number;
  /** η of RAPID's knowledge transfer, up to `MAX_TRANSFER`: lossy where it is not 0. 0 when absent. */
  transfer?: number;
  /** How candidates are accepted. `match` when absent. */
  accept?: AcceptRuleName;
  /** Whether later turns of the namespace may draft from what the target's logits show in this one. Off when absent. */
  remember?: boolean;
  /** How many alternatives `accept` tells of a committed token, beside its log-probability: 0 to 20. null or absent: neither. */
  logprobs?: number | null;
  /** What the answer's text must be. Anything when absent. */
  grammar?: GrammarSetting;
  /** Milliseconds that the turn may wait for a slot, up to `MAX_WAIT_MS`. Refused at once where none is free when absent. */
  maxWaitMs?: number;
}

/** Frequency and presence penalties, either way: OpenAI's range. */
export const MAX_PENALTY = 2;
/** Of repetition: nothing is at 1, and no model asks for more than 2. */
export const MIN_REPETITION_PENALTY = 0.1;
export const MAX_REPETITION_PENALTY = 10;
/** Biases of logits, either way: OpenAI's range. */
export const MAX_LOGIT_BIAS = 100;
/** η of the knowledge transfer: the paper goes from 5 to 50. */
export const MAX_TRANSFER = 50;
/** The longest that a turn may wait for a slot. */
export const MAX_WAIT_MS = 300_000;
/** Fits the settings beside the most regions, in 32 bytes each. */
export const MAX_LOGIT_BIASES = 1024;

/**
 * `off`: no drafts. `lockstep`: each step waits for a tree from the worker (for
 * comparison only). `streamed`: trees are used when they are there. `echoed`:
 * streamed, and the verifier drafts beside itself from what the session holds.
 */
export const DRAFTING_MODES = ['off', 'lockstep', 'streamed', 'echoed'] as const;
export type DraftingMode = (typeof DRAFTING_MODES)[number];

export interface Open {
  settings: OpenSettings;
  prompt: Int32Array;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeOpen({ settings, prompt }: Open): Uint8Array {
  const json = utf8Bytes(JSON.stringify(settings));
  const writer = new Writer(FrameType.open);
  writer.u8(PROTOCOL_VERSION);
  writer.pad(2);
  writer.u32(json.length);
  writer.u32(prompt.length);
  writer.bytes(json);
  writer.tokens(prompt, prompt.length, true);
  return writer.finish();
}

/** The version an `open` frame was written in; lets a verifier refuse politely. */
export function openVersion(bytes: Uint8Array): number {
  return new Reader(bytes, FrameType.open).u8();
}

/** The settings' shape is not checked here but where their limits are known: in the verifier's `admit`. */
export function decodeOpen(bytes: Uint8Array): { settings: unknown; prompt: Int32Array } {
  const reader = new Reader(bytes, FrameType.open);
  reader.skip(3);
  const jsonBytes = reader.u32();
  const count = reader.u32();
  if (jsonBytes > MAX_SETTINGS_BYTES)
    fail(`settings of ${jsonBytes} bytes; at most ${MAX_SETTINGS_BYTES}`);
  if (count === 0 || count > MAX_PROMPT_TOKENS) {
    fail(`prompt of ${count} tokens; 1 to ${MAX_PROMPT_TOKENS}`);
  }
  const json = reader.bytes(jsonBytes);
  const prompt = reader.tokens(count, true);
  reader.end();
  try {
    return { settings: JSON.parse(strictUtf8.decode(json)), prompt };
  } catch {
    return fail('settings are not UTF-8 JSON');
  }
}
