/**
 * What worker and verifier share: the frames (one binary WebSocket message is
 * one sealed frame, little-endian, first byte the type; docs/protocol.md has the
 * tables) and the seams to what carries them and to time.
 */
export * from './accept-rules.ts';
export * from './clock.ts';
export * from './coded-error.ts';
export * from './draft-words.ts';
export * from './flow.ts';
export * from './grammar.ts';
export * from './logprobs.ts';
export * from './model-description.ts';
export * from './open.ts';
export * from './seal.ts';
export * from './spans.ts';
export * from './ticket.ts';
export * from './transport.ts';
export * from './tree.ts';
export * from './verdict.ts';
export * from './version.ts';
export {
  FrameError,
  FrameType,
  frameType,
  MAX_ACCEPT_TOKENS,
  MAX_FRAME_BYTES,
  MAX_PROMPT_TOKENS,
  MAX_TOKEN_ID,
  PROTOCOL_VERSION,
} from './wire.ts';
