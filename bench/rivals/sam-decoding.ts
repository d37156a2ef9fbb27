/**
 * SAM-Decoding (2411.10666): the longest match in this text or in a corpus, one
 * or the other, and the tokens after its earliest (here: corpus, latest)
 * occurrence. The draft is longer for longer matches.
 */
import { AutomatonCursor } from '../../src/draft/automaton/automaton-cursor.ts';
import { SuffixAutomaton } from '../../src/draft/automaton/suffix-automaton.ts';
import { Source } from '../../src/draft/source.ts';
import type { TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';
import { Text } from './text.ts';

const LONGEST_DRAFT = 60;
const TOKENS_PER_MATCHED = 4;
/** The corpus wins only with a match longer by this much. */
const CORPUS_HANDICAP = 5;
const DEPTH = 64;

export class SamDecoding implements Contender {
  private readonly text = new Text();
  private readonly corpus = new Text();
  private readonly automaton = new SuffixAutomaton(DEPTH);
  private readonly cursor = new AutomatonCursor(this.automaton);

  constructor(documents: readonly Int32Array[] = []) {
    for (const document of documents) {
      this.corpus.push(document);
      for (const token of document) this.automaton.append(token);
      this.automaton.endRun();
    }
  }

  begin(prompt: Int32Array): void {
    this.text.reset(prompt);
    this.cursor.reset();
    for (const token of prompt) this.cursor.advance(token);
  }

  commit(tokens: Int32Array): void {
    this.text.push(tokens);
    for (const token of tokens) this.cursor.advance(token);
  }

  draft(tree: TokenTree, budget: number): void {
    const { text } = this;
    let best = 0;
    let at = -1;
    for (let end = 1; end < text.length; end++) {
      const matched = text.matchBefore(end, text.length);
      if (matched > best) {
        best = matched;
        at = end;
      }
    }
    const { state, length: inCorpus } = this.cursor;
    const here = inCorpus <= best + CORPUS_HANDICAP;
    const matched = here ? best : inCorpus;
    const length = Math.min(budget, LONGEST_DRAFT - 1, TOKENS_PER_MATCHED * matched);
    if (!here) {
      const end = this.automaton.lastEnd[state]! + 1;
      this.corpus.chain(tree, end, length, Source.corpus);
    } else if (at >= 0) text.chain(tree, at, length, Source.prompt);
  }
}
