/** How many trees a worker may send, and what becomes of one that sends more. On a virtual clock. */
import { describe, expect, test } from 'vitest';
import { HEARTBEAT_MS } from '../../gpu-backend/link/link-server.ts';
import { TREE_CREDIT } from '../../gpu-backend/turn/candidates.ts';
import { TokenTree } from '../../src/draft/tree/tree.ts';
import { Link, SILENCE_DEADLINE_MS } from '../../src/link/client.ts';
import { LinkFailure } from '../../src/link/failure.ts';
import { MAX_UNREAD_TOKENS, READ_STRIDE_TOKENS } from '../../src/link/protocol/index.ts';
import { question, settings, World } from './simulated.ts';

describe('credit', () => {
  /** A link opened by hand: `send` takes frames of any kind. */
  async function opened(world: World, length = 400) {
    const asked = question(world.random, length);
    world.verifiers[0]!.engine.script('', asked.prompt, asked.answer);
    const transport = await world.run(world.dial(0));
    const link = new Link(transport, world.clock, {
      prompt: asked.prompt,
      settings: settings(length, 'streamed'),
    });
    return { asked, link };
  }

  async function failureOf(world: World, link: Link): Promise<LinkFailure> {
    const work = (async () => {
      for await (const _ of link.events());
    })();
    const failure = await world.run(work.then(() => null).catch((error) => error));
    if (!(failure instanceof LinkFailure)) throw new Error('the link did not fail');
    return failure;
  }

  test('grants what the verifier takes, and says when there is none left', async () => {
    const world = new World({ verifiers: 1 });
    const { asked, link } = await opened(world);
    const tree = new TokenTree(4);
    tree.add(-1, 1, 0.5, 1);
    expect(link.canSend).toBe(true);
    link.sendTree(tree, asked.prompt.length);
    expect(link.canSend).toBe(false);
    // Long enough for ready, too short for a step.
    await world.pass(55);
    for (let i = 1; i < TREE_CREDIT; i++) {
      expect(link.canSend).toBe(true);
      link.sendTree(tree, asked.prompt.length);
    }
    expect(link.canSend).toBe(false);
    await world.pass(200);
    expect(link.canSend).toBe(true);
    link.close();
  });

  test('violated ends the turn by name', async () => {
    const world = new World({ verifiers: 1 });
    const { asked, link } = await opened(world);
    const tree = new TokenTree(4);
    tree.add(-1, 1, 0.5, 1);
    for (let i = 0; i < 2 * TREE_CREDIT; i++) link.sendTree(tree, asked.prompt.length);
    expect(await failureOf(world, link)).toMatchObject({
      code: 'bad-frame',
      message: expect.stringContaining('wait for credit'),
    });
    await world.pass(100);
    expect(world.held).toBe(0);
  });

  test('a tree ahead of what is committed ends the turn by name', async () => {
    const world = new World({ verifiers: 1 });
    const { asked, link } = await opened(world);
    const tree = new TokenTree(4);
    tree.add(-1, 1, 0.5, 1);
    link.sendTree(tree, asked.prompt.length + 1);
    expect(await failureOf(world, link)).toMatchObject({
      code: 'bad-frame',
      message: expect.stringContaining('committed'),
    });
  });

  test('of reading is returned before the verifier runs out', () => {
    expect(2 * READ_STRIDE_TOKENS).toBeLessThanOrEqual(MAX_UNREAD_TOKENS);
    expect(SILENCE_DEADLINE_MS).toBeGreaterThanOrEqual(3 * HEARTBEAT_MS);
  });
});
