/** A newer draft model takes the place of the one that serves while turns go on. */
import { describe, expect, test, vi } from 'vitest';
import type { DraftShelf } from '../../src/generate/draft-model/draft-choice.ts';
import { DRAIN_MS } from '../../src/generate/draft-model/served-draft.ts';
import { draftRecordKey } from '../../src/store/drafts.ts';
import { bundled, OTHER, other, ServedWorld, say, shallow, target } from './served-world.ts';

const world = new ServedWorld();

describe('swapped', () => {
  test('a newer one waits for the turns that have the old one, and new turns go without', async () => {
    await world.put(shallow);
    await world.refresh(other);
    const turns = [world.leaseFor(other)!, world.leaseFor(other)!];
    await world.put(bundled.graph, { ...bundled.facts, id: 'deep', tokenizer: OTHER });
    await world.refreshLater(other);
    expect(world.stateOf(other)).toMatchObject({ id: 'shallow' });
    expect(world.leaseFor(other)).toBeNull();
    expect(await say(turns[0]!.model)).toHaveLength(bundled.facts.vocabSize);
    turns[0]!.end();
    turns[0]!.end();
    await world.refresh(other);
    expect(world.stateOf(other)).toMatchObject({ id: 'shallow' });
    turns[1]!.end();
    await world.refresh(other);
    expect(world.stateOf(other)).toMatchObject({ id: 'deep' });
    expect(world.leaseFor(other)!.model.facts.layers).toBe(3);
    await expect(say(turns[1]!.model)).rejects.toThrow('another draft model');
  });

  test('while R2 hangs over the newer graph, the old one serves turns that begin', async () => {
    await world.put(shallow);
    await world.refresh(other);
    const { model, end } = world.leaseFor(other)!;
    end();
    await world.put(bundled.graph, { ...bundled.facts, id: 'deep', tokenizer: OTHER });
    let reads = 0;
    const hanging: DraftShelf = {
      ...world.shelf,
      read() {
        reads++;
        return new Promise(() => {});
      },
    };
    for (const expected of [1, 2]) {
      void world.refreshLater(other, hanging);
      await vi.waitFor(() => expect(reads).toBe(expected));
      const lease = world.leaseFor(other);
      expect(lease?.model).toBe(model);
      lease!.end();
    }
    await world.refreshLater(other);
    expect(world.stateOf(other)).toMatchObject({ id: 'deep' });
  });

  test('R2 that hangs after the newer graph was read does not keep turns waiting for it', async () => {
    await world.put(shallow);
    await world.refresh(other);
    const { end } = world.leaseFor(other)!;
    await world.put(bundled.graph, { ...bundled.facts, id: 'deep', tokenizer: OTHER });
    await world.refreshLater(other);
    expect(world.leaseFor(other)).toBeNull();
    end();
    const never = () => new Promise<never>(() => {});
    void world.refreshLater(other, { find: never, read: never });
    await vi.waitFor(() => expect(world.stateOf(other)).toMatchObject({ id: 'deep' }));
    expect(world.asked.filter((what) => what === 'graph')).toHaveLength(2);
  });

  test('a turn that never ends does not keep it waiting', async () => {
    await world.put(shallow);
    await world.refresh(other);
    const { model } = world.leaseFor(other)!;
    await world.put(bundled.graph, { ...bundled.facts, id: 'deep', tokenizer: OTHER });
    await world.refreshLater(other);
    world.now += DRAIN_MS;
    await world.refresh(other);
    expect(world.stateOf(other)).toMatchObject({ id: 'deep' });
    await expect(say(model)).rejects.toThrow('another draft model');
  });

  test('the same one again changes nothing', async () => {
    await world.put(shallow);
    await world.refresh(other);
    const { model, end } = world.leaseFor(other)!;
    await world.put(shallow);
    await world.refreshLater(other);
    end();
    await world.refresh(other);
    expect(world.leaseFor(other)!.model).toBe(model);
  });

  test('where R2’s was taken away the bundled one is back', async () => {
    const { tokenizer } = await world.put(shallow, { tokenizer: bundled.facts.tokenizer });
    await world.refresh(target);
    await world.bucket.files.delete(draftRecordKey(tokenizer));
    await world.refreshLater(target);
    expect(world.stateOf(target)).toMatchObject({ source: 'bundled' });
  });

  test('where R2’s was taken away and none is bundled there is none', async () => {
    await world.put(shallow);
    await world.refresh(other);
    await world.bucket.files.delete(draftRecordKey(OTHER));
    await world.refreshLater(other);
    expect(world.stateOf(other)).toMatchObject({ state: 'unfit' });
    expect(world.leaseFor(other)).toBeNull();
  });
});
