/** Prints the engine's figures for people. */
import type { Results } from './parts.ts';
import { machine } from './setup.ts';
import type { StepCost } from './step-cost.ts';

const round = (value: number, digits = 2) => Number(value.toFixed(digits));

export function printReport(results: Results): void {
  const { cpu, cores, onnxruntime, load } = machine();
  console.log(`${cpu}, ${cores} cores, ONNX Runtime ${onnxruntime}, load ${load}\n`);
  const { steps, attention, batch, prefill, prefix, overhead, commit, rival, memory } = results;
  if (steps) printSteps(steps);
  if (attention) {
    console.log(
      'Exact attention over fused, in turns: a step, and a prompt of 512 tokens in chunks',
    );
    console.table(
      attention.map(({ what, context, rows, fusedMs, exactMs, ratio }) => ({
        what,
        context,
        rows,
        'fused ms': round(fusedMs),
        'exact ms': round(exactMs),
        ratio: round(ratio),
      })),
    );
  }
  if (batch) {
    console.log('One row a session: tokens a second of eight in a run over one alone (goal 2)');
    console.table(
      batch.map((one) => ({
        ...one,
        oneMs: round(one.oneMs),
        eightMs: round(one.eightMs),
        ratio: round(one.ratio),
      })),
    );
  }
  if (prefill) {
    console.log('Prefill of 512 tokens by chunk, against the whole');
    console.table(
      prefill.map((one) => ({
        chunk: one.chunk,
        'tokens/s': round(one.tokensPerSecond, 0),
        ratio: round(one.ratio),
      })),
    );
  }
  if (prefix) {
    console.log(
      `First logits after ${prefix.prefix} known tokens: ${round(prefix.reusedMs)} ms, ` +
        `without reuse ${round(prefix.freshMs)} ms: ${round(prefix.ratio, 1)} times (goal 5)\n`,
    );
  }
  if (overhead) {
    console.log(
      `Beyond the graph's run a step takes ${round(overhead.oneSession, 3)} ms with one session (goal 0.5), ` +
        `${round(overhead.eightSessions, 3)} ms with eight\n`,
    );
  }
  if (commit) {
    console.log(
      `Keeping a branch of four rows: ${round(commit.hostMs, 3)} ms by moving it in host memory, ` +
        `${round(commit.graphMs, 3)} ms by a graph, ${round(commit.refeedMs, 3)} ms by feeding it again\n`,
    );
  }
  if (rival) {
    console.log('Against onnxruntime-node with the same graph (goal 2), medians of seven rounds');
    console.table(
      rival.map(({ nodes, context, engineMs, onnxruntimeNodeMs, ratio, lowest, highest }) => ({
        nodes,
        context,
        'engine ms': round(engineMs),
        'onnxruntime-node ms': round(onnxruntimeNodeMs),
        ratio: round(ratio),
        lowest: round(lowest),
        highest: round(highest),
      })),
    );
  }
  if (memory) {
    const megabytes = (bytes: number) => round(bytes / 2 ** 20, 1);
    console.log(
      `Resident memory without the JS heap: ${megabytes(memory.beforeBytes)} MB, ` +
        `after ${memory.steps} steps ${megabytes(memory.afterBytes)} MB`,
    );
  }
}

function printSteps(steps: readonly StepCost[]): void {
  console.log('Milliseconds of a step, one session, by context and nodes');
  const single = steps.filter(({ batch }) => batch === 1);
  const contexts = [...new Set(single.map(({ context }) => context))];
  console.table(
    Object.fromEntries(
      contexts.map((context) => [
        context,
        Object.fromEntries(
          single
            .filter((one) => one.context === context)
            .map(({ rows, milliseconds }) => [`${rows} nodes`, round(milliseconds)]),
        ),
      ]),
    ),
  );
  console.log('Milliseconds of a step of several sessions with 256 tokens each');
  console.table(
    steps
      .filter(({ context }) => context === 256)
      .map(({ rows, batch, milliseconds, expected }) => ({
        batch,
        'nodes each': rows / batch,
        milliseconds: round(milliseconds),
        'curve said': round(expected),
      })),
  );
}
