/** Turns that wait for a slot: who is next, who is refused, and who loses a place. */
import { describe, expect, test } from 'vitest';
import { Refusal } from '../../gpu-backend/turn/refusal.ts';
import {
  ABOUT_MS,
  MAX_WAITING,
  MAX_WAITING_TOKENS,
  WaitingRoom,
} from '../../gpu-backend/turn/waiting-room.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';

const SLOTS = 2;

class House {
  readonly clock = new VirtualClock();
  readonly room = new WaitingRoom(this.clock, SLOTS);
  /** Names of those who began, in order. */
  readonly began: string[] = [];
  readonly refused: string[] = [];
  private readonly at = new Map<string, { namespace: string }>();
  private free = SLOTS;

  ask(name: string, namespace: string, { maxWaitMs = 30_000, resumed = false, tokens = 10 } = {}) {
    const begin = () => {
      if (this.free === 0) return false;
      this.free--;
      const turn = { namespace };
      this.at.set(name, turn);
      this.room.took(turn, namespace);
      this.began.push(name);
      return true;
    };
    if (this.room.admits({ namespace, resumed }) && begin()) return () => {};
    const refuse = () => this.refused.push(name);
    return this.room.enter({ namespace, tokens, resumed, maxWaitMs, begin, refuse });
  }

  end(name: string): void {
    const turn = this.at.get(name)!;
    this.at.delete(name);
    this.free++;
    this.room.freed(turn, turn.namespace);
  }

  pass(ms: number): Promise<void> {
    return this.clock.run(new Promise((resolve) => void this.clock.after(ms, resolve)));
  }
}

describe('who is next', () => {
  test('of one namespace the one who came first', () => {
    const house = new House();
    for (const name of ['1', '2', '3', '4']) house.ask(name, 'a');
    house.end('1');
    house.end('2');
    expect(house.began).toEqual(['1', '2', '3', '4']);
  });

  test('a namespace that holds fewer slots, however many of another wait before it', () => {
    const house = new House();
    for (let i = 0; i < 40; i++) house.ask(`a${i}`, 'a');
    house.ask('b', 'b');
    house.end('a0');
    expect(house.began.at(-1)).toBe('b');
  });

  test('whoever asks while another namespace has all slots but one, at once', () => {
    const house = new House();
    house.ask('b0', 'b');
    house.end('b0');
    for (let i = 0; i < 100; i++) house.ask(`a${i}`, 'a');
    expect(house.began).toEqual(['b0', 'a0']);
    // A slot that is freed is not the last one: the namespace has it again.
    house.end('a0');
    expect(house.began).toEqual(['b0', 'a0', 'a1']);
    house.ask('b1', 'b');
    expect(house.began.at(-1)).toBe('b1');
    house.end('b1');
    expect(house.began.at(-1)).toBe('b1');
    house.ask('half', 'a', { resumed: true });
    expect(house.began.at(-1)).toBe('half');
  });

  test('a namespace that nobody else has asked beside for a while takes every slot', async () => {
    const house = new House();
    house.ask('b', 'b');
    house.end('b');
    await house.pass(ABOUT_MS);
    for (const name of ['1', '2', '3']) house.ask(name, 'a');
    expect(house.began).toEqual(['b', '1', '2']);
  });

  test('half an answer before all others', () => {
    const house = new House();
    for (let i = 0; i < 5; i++) house.ask(`a${i}`, 'a');
    house.ask('half', 'a', { resumed: true });
    house.end('a0');
    expect(house.began.at(-1)).toBe('half');
  });

  test('nobody who left', () => {
    const house = new House();
    house.ask('1', 'a');
    house.ask('2', 'a');
    house.ask('3', 'a')();
    house.ask('4', 'a');
    house.end('1');
    expect(house.began).toEqual(['1', '2', '4']);
    expect(house.room.size).toBe(0);
  });
});

describe('who is refused', () => {
  test('at once, who does not want to wait', () => {
    const house = new House();
    house.ask('1', 'a');
    house.ask('2', 'a');
    expect(() => house.ask('3', 'a', { maxWaitMs: 0 })).toThrow(Refusal);
  });

  test('who has waited for as long as he may, with a time to come again', async () => {
    const house = new House();
    for (const name of ['1', '2']) house.ask(name, 'a');
    house.ask('3', 'a', { maxWaitMs: 1_000 });
    await house.pass(999);
    expect(house.refused).toEqual([]);
    await house.pass(2);
    expect(house.refused).toEqual(['3']);
    expect(house.room.size).toBe(0);
  });

  test('at once, who would have to wait too long by what turns took so far', async () => {
    const house = new House();
    for (const name of ['1', '2', '3', '4']) house.ask(name, 'a');
    await house.pass(10_000);
    house.end('1');
    // Slots are held for ten seconds: behind one other that is ten more.
    expect(() => house.ask('5', 'a', { maxWaitMs: 9_000 })).toThrow(Refusal);
    house.ask('6', 'a', { maxWaitMs: 30_000 });
    // Another namespace comes before those of this one.
    house.ask('7', 'b', { maxWaitMs: 12_000 });
  });

  test('who finds the room full of its own namespace, in turns or in tokens', () => {
    const house = new House();
    for (let i = 0; i < SLOTS + MAX_WAITING; i++) house.ask(`${i}`, 'a');
    expect(() => house.ask('more', 'a')).toThrow(Refusal);
    expect(house.refused).toEqual([]);
    const other = new House();
    for (let i = 0; i < SLOTS; i++) other.ask(`${i}`, 'a');
    other.ask('long', 'a', { tokens: MAX_WAITING_TOKENS });
    expect(() => other.ask('more', 'a')).toThrow(Refusal);
    expect(other.refused).toEqual([]);
  });

  test('the last of whom the room is full of, when another namespace comes', () => {
    const house = new House();
    for (let i = 0; i < SLOTS + MAX_WAITING; i++) house.ask(`a${i}`, 'a');
    for (const name of ['b0', 'b1']) house.ask(name, 'b');
    const last = SLOTS + MAX_WAITING - 1;
    expect(house.refused).toEqual([`a${last}`, `a${last - 1}`]);
    expect(house.room.size).toBe(MAX_WAITING);
    house.end('a0');
    expect(house.began.at(-1)).toBe('b0');
  });

  test('nobody of a namespace that has no more of the room than who comes', () => {
    const house = new House();
    for (let i = 0; i < SLOTS; i++) house.ask(`${i}`, 'a');
    for (let i = 0; i < MAX_WAITING; i++) house.ask(`w${i}`, `n${i}`);
    expect(() => house.ask('more', 'another')).toThrow(Refusal);
    expect(house.refused).toEqual([]);
  });

  test('as many as keep a longer prompt out, of whose prompts are longest together', () => {
    const house = new House();
    for (let i = 0; i < SLOTS; i++) house.ask(`${i}`, 'a');
    const third = Math.floor(MAX_WAITING_TOKENS / 3);
    for (const name of ['a0', 'a1']) house.ask(name, 'a', { tokens: third });
    for (let i = 0; i < 100; i++) house.ask(`c${i}`, 'c');
    house.ask('b0', 'b', { tokens: third + 2 });
    expect(house.refused).toEqual(['a1']);
    expect(() => house.ask('b1', 'b', { tokens: third + 2 })).toThrow(Refusal);
  });

  test('never half an answer, which finds a place in a full room', () => {
    const house = new House();
    for (let i = 0; i < SLOTS; i++) house.ask(`${i}`, 'a');
    house.ask('half', 'a', { resumed: true });
    for (let i = 0; i < MAX_WAITING - 1; i++) house.ask(`w${i}`, 'a');
    house.ask('another half', 'a', { resumed: true });
    expect(house.refused).toEqual([`w${MAX_WAITING - 2}`]);
  });

  test('all, as the verifier stops', () => {
    const house = new House();
    for (let i = 0; i < 5; i++) house.ask(`${i}`, 'a');
    house.room.close(new Refusal('draining', 'stops'));
    expect(house.refused).toEqual(['2', '3', '4']);
  });
});
