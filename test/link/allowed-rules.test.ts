/** An operator says which accept rules callers may ask for; worker and verifier refuse the others. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAllowedRules } from '../../gpu-backend/accept/allowed-rules.ts';
import { requireAccept } from '../../src/api/answers/accept-field.ts';
import { ApiFailure } from '../../src/api/errors.ts';
import {
  ACCEPT_RULES,
  type AcceptRuleName,
  type ModelDescription,
} from '../../src/link/protocol/index.ts';
import { temporaryFolder } from '../engine/models.ts';
import { type RealVerifier, startRealVerifier } from './real-verifier.ts';

describe('ESPALIER_ACCEPT_RULES', () => {
  test('allows all where it is not set', () => {
    for (const value of [undefined, '']) expect(readAllowedRules(value)).toEqual(ACCEPT_RULES);
  });

  test('allows what it names, and always the default rule', () => {
    expect(readAllowedRules('match')).toEqual(['match']);
    expect(readAllowedRules('typical, recursive')).toEqual(['match', 'recursive', 'typical']);
  });

  test.each(['always', 'match,', 'Match'])('%j is refused with what it may be', (value) => {
    expect(() => readAllowedRules(value)).toThrow(
      /^ESPALIER_ACCEPT_RULES has ".*"; it must be some of match, recursive/,
    );
  });
});

describe('a verifier that allows two rules', () => {
  const cacheFolder = temporaryFolder();
  let real: RealVerifier;
  let description: ModelDescription;
  beforeAll(async () => {
    const acceptRules = readAllowedRules('recursive');
    real = await startRealVerifier({ cacheFolder, slots: 1, acceptRules });
    const response = await fetch(`${real.verifier.url}/model`);
    description = (await response.json()) as ModelDescription;
  }, 60_000);
  afterAll(() => real?.verifier.close());

  async function ends(accept: AcceptRuleName): Promise<string> {
    const link = await real.open(Int32Array.of(5, 6, 7), { accept, maxTokens: 2 });
    try {
      for await (const event of link.events()) if (event.type === 'done') return event.reason;
      return 'nothing';
    } catch (failure) {
      return (failure as Error).message;
    }
  }

  test('serves them, and names them to whoever asks for another', async () => {
    expect(await ends('recursive')).toBe('length');
    expect(await ends('greedy')).toContain('accept must be one of match, recursive');
  });

  test('is not even asked: the worker refuses with 400', () => {
    expect(description.acceptRules).toEqual(['match', 'recursive']);
    requireAccept('recursive', description);
    expect(() => requireAccept('typical', description)).toThrow(ApiFailure);
    expect(() => requireAccept('typical', description)).toThrow('"match" or "recursive"');
  });

  test('one that does not say so allows all', () => {
    requireAccept('greedy', { ...description, acceptRules: undefined });
    requireAccept('typical', { ...description, acceptRules: undefined });
  });
});
