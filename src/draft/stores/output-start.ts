/** Precedes every output that is kept, so that how answers begin is a context like others. No tokenizer's vocabulary reaches this far, and it is never drafted. */
export const OUTPUT_START = 0x7ffffffe;
