/** Streams of answers in time that only the test moves. */
import { afterEach, beforeEach, vi } from 'vitest';

/** For every test of a file. */
export function holdTime(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    // The workers' runtime alone has it; Node's treats a slow reader alike.
    vi.stubGlobal('IdentityTransformStream', TransformStream);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}
