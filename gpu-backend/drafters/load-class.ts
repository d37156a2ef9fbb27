/** Loads of one class are alike: 1, 2, up to 4, up to 8, … sessions. */
export function loadClass(sessions: number): number {
  return 32 - Math.clz32(Math.max(0, sessions - 1));
}
