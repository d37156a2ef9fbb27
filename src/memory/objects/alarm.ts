/** Sets an object's alarm, unless it rings by then anyway. */
export async function alarmWithin(storage: DurableObjectStorage, ms: number): Promise<void> {
  const at = Date.now() + ms;
  const set = await storage.getAlarm();
  if (set === null || set > at) await storage.setAlarm(at);
}
