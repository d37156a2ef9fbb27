/** Which accept rules a request may ask for, by what the verifier says of itself and its model. */
import {
  ACCEPT_RULES,
  type AcceptRuleName,
  isLossy,
  type LossyAcceptName,
  type ModelDescription,
} from '../../link/protocol/index.ts';
import { invalid } from '../errors.ts';

/** What a model lacks that can't be asked for a lossy rule. */
const MISSING: Readonly<Record<LossyAcceptName, string>> = {
  typical: 'is served by a verifier that is older than this rule: update it',
  relaxed: 'has no table of neighbours: make it with npx espalier model neighbours FOLDER',
  judge: 'has no judge: train it with npm run train:judge',
};

/** Throws the `ApiFailure` of a rule that the operator does not allow, or for which the model lacks something. */
export function requireAccept(
  accept: AcceptRuleName,
  {
    id,
    acceptRules = [...ACCEPT_RULES],
    lossyRules = [],
  }: Pick<ModelDescription, 'id' | 'acceptRules' | 'lossyRules'>,
): void {
  const path = ['speculation', 'accept'];
  if (!acceptRules.includes(accept)) {
    const allowed = acceptRules.map((rule) => `"${rule}"`).join(' or ');
    throw invalid(path, `must be ${allowed} here: the operator allows no other`);
  }
  if (isLossy(accept) && !lossyRules.includes(accept)) {
    throw invalid(path, `"${id}" ${MISSING[accept]}`);
  }
}
