/** `espalier model check --exact`: compares every node of random trees, bit for bit, with its path alone. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AddOptions, addModel, storedForm } from '../builder/add-model.ts';
import { MANIFEST_FILE, type ModelFolder } from '../builder/model-folder.ts';
import { type NotedCheck, type RunForm, withCheck } from '../builder/noted-check.ts';
import type { Exactness } from '../engine/engine.ts';
import {
  checkControl,
  checkExactness,
  type ExactnessPlan,
  slotsFor,
} from '../engine/exactness/check.ts';
import { runFormOf } from '../engine/exactness/run-form.ts';
import { type EngineOptions, openEngine } from '../engine/open.ts';
import { PANEL_ROWS } from '../engine/panel.ts';

const MAX_NODES = 64;
const MAX_CONTEXT = 4096;
/** A token of text, and a tree of two nodes. */
const MIN_CONTEXT = 4;
const SESSIONS = 3;

export interface ExactCheck {
  trees: number;
  seed: number;
  onProgress: (done: number, total: number) => void;
}

interface Report {
  form: RunForm;
  found: Exactness;
  /** null where the engine claims nothing or its contexts are shorter than a panel. */
  control: Exactness | null;
}

/**
 * Checks `source`, which may be whatever can be added as a model. Prints what was
 * found and notes it in the model's manifest once it is over; resolves with the exit code.
 */
export async function checkExact(
  source: string,
  add: AddOptions,
  settings: EngineOptions,
  check: ExactCheck,
): Promise<number> {
  const model = await addModel(source, add);
  const { maxPositions } = model.config;
  if (maxPositions < MIN_CONTEXT) {
    throw new Error(`a context of ${maxPositions} tokens has no room for a tree behind a text`);
  }
  // A short context is shared by text and tree.
  const maxNodes = Math.min(MAX_NODES, maxPositions >> 1);
  const maxContext = Math.min(MAX_CONTEXT, maxPositions - maxNodes);
  const plan = { ...check, maxContext, maxNodes, sessions: SESSIONS };
  const { compute, cacheFolder } = add;
  const quantization = storedForm(model, add.quantization);
  const options = { ...settings, compute, cacheFolder, quantization };
  const { form, found, control } = await tryPlan(model, options, plan);
  console.log(`${model.manifest.name}, ${check.trees} trees after up to ${maxContext} tokens`);
  console.log(summary(found));
  if (control) console.log(`control, trees that break off at ${PANEL_ROWS}: ${summary(control)}`);
  const exact = found.equal === found.nodes;
  const seen = control === null || control.equal < control.nodes;
  console.log(!exact ? 'NOT EXACT' : seen ? 'exact' : 'UNDECIDED: the control should have failed');
  if (seen || !exact) note(model, { ...form, passed: exact });
  return exact && seen ? 0 : 1;
}

async function tryPlan(
  model: ModelFolder,
  settings: EngineOptions,
  plan: ExactnessPlan,
): Promise<Report> {
  const maxContext = plan.maxContext + plan.maxNodes;
  // An engine that heeded an earlier check might claim nothing, and then not be asked for its control.
  const options = { ...settings, slots: slotsFor(plan), maxContext, heedCheck: false };
  const engine = await openEngine(model.path, options);
  try {
    const found = await checkExactness(engine, plan);
    const control = engine.limits.exact ? await checkControl(engine, plan.seed) : null;
    return { form: runFormOf(engine.parts), found, control };
  } finally {
    engine.close();
  }
}

function summary({ nodes, equal, largestDifference }: Exactness): string {
  const difference = Number(largestDifference.toPrecision(3));
  return `nodes ${nodes}, equal ${equal}, largest difference ${difference}`;
}

/** A manifest is whole at any time: it is also read while a check runs. */
function note({ path, manifest }: ModelFolder, check: NotedCheck): void {
  const file = join(path, MANIFEST_FILE);
  const partial = `${file}.${process.pid}.partial`;
  const exact = withCheck(manifest.exact, check);
  writeFileSync(partial, `${JSON.stringify({ ...manifest, exact }, null, 2)}\n`);
  renameSync(partial, file);
}
