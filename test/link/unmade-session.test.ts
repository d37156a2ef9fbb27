/** A session that can't be made leaves its slot to others, and one that needs no drafter gets none. On a virtual clock. */
import { expect, test } from 'vitest';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import { SimulatedVerifier } from '../../sim/verifier.ts';
import { question, VOCAB, World } from './simulated.ts';

test('a turn whose drafter could not be made begins at its next try, in the only slot', async () => {
  const world = new World();
  let seats = 0;
  const echo = () => {
    if (seats++ === 0) throw new Error('no memory for a seat');
    return new EchoDrafter();
  };
  const verifier = new SimulatedVerifier(world.clock, { vocabSize: VOCAB, slots: 1, echo });
  world.verifiers.fill(verifier);
  const asked = question(world.random, 60);
  const { text, failure } = await world.run(world.ask(asked));
  expect(failure).toBeNull();
  expect(text).toEqual([...asked.answer]);
  expect(seats).toBe(2);
  expect(verifier.engine.slotsHeld).toBe(0);
});

test('a turn that may verify no candidate has no drafter', async () => {
  const world = new World();
  const echo = () => {
    throw new Error('asked for a drafter');
  };
  const verifier = new SimulatedVerifier(world.clock, { vocabSize: VOCAB, slots: 1, echo });
  world.verifiers.fill(verifier);
  const asked = question(world.random, 20);
  const { text, failure } = await world.run(world.ask(asked, { change: { budget: 0 } }));
  expect(failure).toBeNull();
  expect(text).toEqual([...asked.answer]);
});
