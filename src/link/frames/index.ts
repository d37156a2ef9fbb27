/**
 * The wire between worker and verifier: one binary WebSocket message is one
 * frame, little-endian, first byte the type. docs/protocol.md has the tables.
 */
export * from './open.ts';
export * from './tree.ts';
export * from './verdict.ts';
export {
  encodeCancel,
  FrameError,
  FrameType,
  frameType,
  MAX_ACCEPT_TOKENS,
  MAX_FRAME_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_PROMPT_TOKENS,
  MAX_SETTINGS_BYTES,
  MAX_TOKEN_ID,
  PROTOCOL_VERSION,
} from './wire.ts';
