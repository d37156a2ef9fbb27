/**
 * The sources of tokens as a reader should see them: few enough to tell apart by
 * colour. The API's own names are in `src/draft/source.ts`.
 */

/** @typedef {{ id: string, label: string, meaning: string, sources: string[] }} Family */

/** @type {readonly Family[]} in the order of the legend */
export const FAMILIES = [
  {
    id: 'passage',
    label: 'Passages',
    meaning: 'Matched in a retrieved passage and accepted by the model.',
    sources: ['passage'],
  },
  {
    id: 'prompt',
    label: 'Prompt',
    meaning: 'Matched in the question, the instructions or earlier turns.',
    sources: ['prompt'],
  },
  {
    id: 'output',
    label: 'Answer so far',
    meaning: 'Matched in what this answer had already said.',
    sources: ['output'],
  },
  {
    id: 'stores',
    label: 'Draft stores',
    meaning: 'Matched in earlier answers, stored documents or the token tables.',
    sources: ['tenant', 'corpus', 'recycling', 'trigram'],
  },
  {
    id: 'draft',
    label: 'Draft model',
    meaning: 'Proposed by a small model, in the worker or beside the target.',
    sources: ['draft', 'network'],
  },
  {
    id: 'prediction',
    label: 'Prediction',
    meaning: 'Matched in the prediction that came with the request.',
    sources: ['prediction'],
  },
  {
    id: 'grammar',
    label: 'Grammar',
    meaning: 'The only text that the request’s schema lets follow.',
    sources: ['grammar'],
  },
  {
    id: 'target',
    label: 'Model’s own',
    meaning: 'Written by the target model itself: no candidate carried it.',
    sources: ['target'],
  },
];

/** What a source outside the list belongs to, so that a newer server's tokens still show. */
const OTHER = 'stores';

const familyBySource = new Map(
  FAMILIES.flatMap((family) => family.sources.map((source) => [source, family.id])),
);

/** @param {string} source */
export function familyOf(source) {
  return familyBySource.get(source) ?? OTHER;
}

/**
 * @param {Readonly<Record<string, number>>} bySource tokens per source
 * @returns {Map<string, number>} tokens per family, families without tokens left out
 */
export function countFamilies(bySource) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const [source, count] of Object.entries(bySource)) {
    const family = familyOf(source);
    if (count > 0) counts.set(family, (counts.get(family) ?? 0) + count);
  }
  return counts;
}
