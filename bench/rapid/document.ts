/**
 * Long documents with known facts, made by a recipe: sections of one shape each about a
 * place of its own, so that every question has many near misses in the document.
 */
import { seeded } from '../../sim/random.ts';
import { KINDS, namesOf, type Question, sectionOf } from './sections.ts';

export interface LongDocument {
  title: string;
  /** As markdown. */
  text: string;
  /** Each about one fact, as many as were asked for, evenly over the document. */
  facts: Question[];
  /** About the whole sections that the first facts are in. */
  sections: Question[];
}

export interface Recipe {
  /** Another document for another seed. */
  seed: number;
  /** Tokens at least. */
  tokens: number;
  /** About single facts, and of those how many about their whole section too. */
  questions: number;
  sections: number;
}

/** @param count tokens of a text */
export function longDocument(
  { seed, tokens, questions, sections }: Recipe,
  count: (text: string) => number,
): LongDocument {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
  const title = `Notes on the coast, part ${seed}`;
  const written: { subject: string; text: string; facts: Question[] }[] = [];
  let length = count(`# ${title}\n\n`);
  for (const name of namesOf(random)) {
    if (length >= tokens) break;
    const section = sectionOf(KINDS[written.length % KINDS.length]!, name, pick);
    written.push(section);
    length += count(section.text);
  }
  if (length < tokens) throw new RangeError(`there are names for ${length} tokens only`);
  // Steps of the golden ratio: neighbouring questions are about places far apart.
  const chosen = Array.from({ length: questions }, (_, i) => {
    return written[Math.floor(((0.5 + i * 0.618034) % 1) * written.length)]!;
  });
  return {
    title,
    text: `# ${title}\n\n${written.map(({ text }) => text).join('')}`,
    facts: chosen.map(({ facts }) => pick(facts)),
    sections: chosen.slice(0, sections).map(({ subject, facts }) => ({
      asks: `What do the notes say about ${subject}?`,
      answers: facts.flatMap(({ answers }) => answers),
    })),
  };
}
