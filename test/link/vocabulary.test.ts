/**
 * Sessions of all tenants share a run, so a token that the model doesn't have
 * must be refused at the link that sent it, before it is in anyone's batch.
 */
import { expect, test } from 'vitest';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import { Candidates } from '../../gpu-backend/turn/candidates.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { encodeSpans, encodeTree, FrameError } from '../../src/link/protocol/index.ts';
import { turnOf } from '../support/turn.ts';

const VOCABULARY = 100;
const TURN = turnOf({ prompt: Int32Array.of(1, 2, 3) });

function treeOf(...tokens: number[]): Uint8Array {
  const tree = new TokenTree(8);
  let node = ROOT;
  for (const token of tokens) node = tree.add(node, token, 0.5, Source.draft);
  return encodeTree(tree, TURN.prompt.length);
}

test('a tree or a span with a token outside the vocabulary is refused and changes nothing', () => {
  const candidates = new Candidates(TURN, new EchoDrafter(), VOCABULARY);
  const { prompt } = TURN;
  candidates.receive(treeOf(5, 6), prompt, prompt.length);
  expect(() => candidates.receive(treeOf(7, VOCABULARY), prompt, prompt.length)).toThrow(
    FrameError,
  );
  expect(() =>
    candidates.receiveSpans(
      encodeSpans([{ source: Source.tenant, begins: true, tokens: Int32Array.of(VOCABULARY) }]),
    ),
  ).toThrow(/the vocabulary has 100/);
  const tree = candidates.choose(candidates.propose(8, 0).length);
  expect([...tree.tokens.subarray(0, tree.size)]).toEqual([5, 6]);
});
