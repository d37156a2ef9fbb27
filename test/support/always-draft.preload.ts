/**
 * Imported by a verifier's process before its own code (always-draft.ts): it drafts for each
 * turn that may be drafted for, as if nodes cost nothing. On a noisy machine drafting pays
 * nowhere, and answers that were never drafted for prove nothing when they are the same.
 */
import { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { TreeSizing } from '../../gpu-backend/turn/tree-sizing.ts';

TreeSizing.prototype.drafting = (sessions) => sessions.map(({ isDrafted }) => isDrafted);
OrtEngine.prototype.plan = () => ({ cost: 1, add: () => {} });
OrtEngine.prototype.probe = async () => false;
