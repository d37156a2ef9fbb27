/** The part of the API's chat completion that the page speaks, vendor fields included. */

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export type DraftingMode = 'on' | 'off';

export interface ChatRequest {
  messages: ChatMessage[];
  stream: true;
  stream_options: { include_usage: true };
  temperature: number;
  /** Left out: the server picks one. */
  seed?: number;
  speculation: { mode: DraftingMode; stats: true; trace: true };
}

/** A passage that went into the prompt; `start` and `end` are offsets in its file. */
export interface Passage {
  index: number;
  id: string;
  file_id: string;
  filename: string;
  title: string;
  heading: string;
  text: string;
  score: number;
  start: number;
  end: number;
}

/** The texts of a chunk's tokens join to its `delta.content`. */
export interface TracedToken {
  text: string;
  source: string;
  /** Of the reasoning before the answer. */
  thought?: true;
}

/** The first of a call has its name, the others more of its arguments. */
export interface ToolCallDelta {
  index: number;
  function: { name?: string; arguments: string };
}

/** One verification step: tokens committed, tree nodes verified, its time in microseconds. */
export interface TracedStep {
  accepted: number;
  drafted: number;
  micros: number;
}

/** `by_source` counts every committed token, the end token included. */
interface SpeculationUsage {
  steps: number;
  drafted: number;
  mean_accepted: number;
  by_source: Record<string, number>;
}

export interface ChatChunk {
  choices: {
    delta: {
      content?: string | null;
      reasoning_content?: string | null;
      tool_calls?: ToolCallDelta[];
    };
    finish_reason: string | null;
  }[];
  usage?: {
    prompt_tokens: number;
    completion_tokens: number;
    speculation?: SpeculationUsage;
  } | null;
  espalier?: {
    passages?: Passage[];
    /** How far the model has read a long prompt, before the first token. */
    prompt_read?: { tokens: number; of: number };
    tokens?: TracedToken[];
    steps?: TracedStep[];
  };
}
