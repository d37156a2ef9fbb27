const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether the service runs on the reader's own machine, where they can start it themselves. */
export function onThisMachine() {
  return LOOPBACK.has(location.hostname);
}
