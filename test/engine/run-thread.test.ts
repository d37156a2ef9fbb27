import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { RunThread, type ThreadRun } from '../../gpu-backend/ort/run-thread.ts';

const WORK: ThreadRun = { session: 0n, options: 0n, binding: 0n, before: [], after: [] };

/** Says that it has started, and does `then` with each run. */
function threadThat(then: string): Worker {
  const program = `const { parentPort } = require('node:worker_threads');
    parentPort.on('message', () => { ${then} });
    parentPort.postMessage(null);`;
  return new Worker(program, { eval: true });
}

test('a run that ends its thread is rejected, and so is every later one', async () => {
  const thread = await RunThread.over(threadThat('process.exit(3)'));
  await expect(thread.run(WORK)).rejects.toThrow('has ended with 3');
  await expect(thread.run(WORK)).rejects.toThrow('has ended with 3');
});

test('the error that ended a thread is told, not its exit', async () => {
  const thread = await RunThread.over(threadThat("throw new Error('out of luck')"));
  await expect(thread.run(WORK)).rejects.toThrow('out of luck');
  await new Promise((resolve) => setImmediate(resolve));
  await expect(thread.run(WORK)).rejects.toThrow('out of luck');
});

test('a thread that was closed takes no run', async () => {
  const thread = await RunThread.over(threadThat(''));
  thread.close();
  await expect(thread.run(WORK)).rejects.toThrow('has ended with 1');
});

test('a thread that ends before it has started is no thread', async () => {
  const silent = new Worker('process.exit(4)', { eval: true });
  await expect(RunThread.over(silent)).rejects.toThrow('has ended with 4');
});

test('a run that fails leaves the thread to the next one', async () => {
  const answers = `globalThis.runs = (globalThis.runs ?? 0) + 1;
    parentPort.postMessage(globalThis.runs === 1 ? 'no memory' : null);`;
  const thread = await RunThread.over(threadThat(answers));
  await expect(thread.run(WORK)).rejects.toThrow('no memory');
  await expect(thread.run(WORK)).resolves.toBeUndefined();
  thread.close();
});
