/**
 * SGLang's NGRAM speculation with its defaults ("BFS"): one trie over all
 * requests' prompts and outputs, 18 tokens deep. Every matching suffix, longest
 * first, grows a breadth-first tree into the same draft until it is full, of the
 * children that came last: up to nine after one token, fewer the longer the match
 * and the deeper the node, one at last. A corpus has an automaton and a share of
 * the nodes of its own; what it draws in the same way is fused at the root.
 *
 * Shipped SGLang inserts what it generates and no prompt: the line is commented
 * out. Here prompts are inserted, which favours it.
 */
import { AutomatonCursor } from '../../src/draft/automaton/automaton-cursor.ts';
import { ROOT_STATE, SuffixAutomaton } from '../../src/draft/automaton/suffix-automaton.ts';
import { Source } from '../../src/draft/source.ts';
import { fuse } from '../../src/draft/tree/fuse.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';
import { latestFollowers } from './count-walk.ts';

/** `max_trie_depth`: tokens of a match and of what is drafted after it. */
const DEPTH = 18;
/** `max_bfs_breadth` and `min_bfs_breadth`. */
const WIDEST = 10;
const NARROWEST = 1;
/** What one more token of the match, or one more level, takes of the breadth. */
const NARROWING = (WIDEST - NARROWEST) / (DEPTH - 1);
/** The corpus draws one node of four: `external_sam_budget` 8 of 32 did best on these recordings. By default it is 0. */
const NODES_A_CORPUS_NODE = 4;
/** Tokens to which a corpus is counted: what is drafted of it may be longer than a match. */
const CORPUS_DEPTH = 64;

export class SglangNgram implements Contender {
  private readonly trie = new SuffixAutomaton(DEPTH);
  private readonly corpus = new SuffixAutomaton(CORPUS_DEPTH);
  private readonly ofCorpus = new TokenTree();
  /** The last tokens, which are matched in the corpus. */
  private recent: number[] = [];

  constructor(documents: readonly Int32Array[] = []) {
    for (const document of documents) {
      for (const token of document) this.corpus.append(token);
      this.corpus.endRun();
    }
  }

  begin(prompt: Int32Array): void {
    this.trie.endRun();
    this.recent = [];
    this.commit(prompt);
  }

  commit(tokens: Int32Array): void {
    for (const token of tokens) this.trie.append(token);
    this.recent = [...this.recent, ...tokens.slice(-DEPTH)].slice(-DEPTH);
  }

  draft(tree: TokenTree, budget: number): void {
    const { trie, ofCorpus } = this;
    const drawn = this.corpus.tokens > 0 ? Math.floor(budget / NODES_A_CORPUS_NODE) : 0;
    // A match as long as the trie is deep has nothing below it.
    for (let length = Math.min(trie.tailLength, DEPTH - 1); length > 0; length--) {
      grow(tree, trie, trie.shorten(trie.tail, length), length, {
        limit: budget - drawn,
        depth: DEPTH - length,
        source: Source.tenant,
      });
    }
    ofCorpus.clear();
    for (const { state, length } of this.corpusMatches()) {
      grow(ofCorpus, this.corpus, state, length, {
        limit: drawn,
        depth: Number.POSITIVE_INFINITY,
        source: Source.corpus,
      });
    }
    // A path that both have is in the draft once; the places that this frees stay empty.
    fuse(tree, ofCorpus);
  }

  /** Of each set of occurrences its longest context, longest first. */
  private corpusMatches(): { state: number; length: number }[] {
    const { corpus } = this;
    const cursor = new AutomatonCursor(corpus);
    for (const token of this.recent) cursor.advance(token);
    const matches: { state: number; length: number }[] = [];
    for (let { state, length } = cursor; state !== ROOT_STATE; ) {
      matches.push({ state, length });
      state = corpus.link[state]!;
      length = corpus.length[state]!;
    }
    return matches;
  }
}

/** Adds what follows a match of `length` tokens to the tree, level by level, up to `limit` nodes in all. */
function grow(
  tree: TokenTree,
  automaton: SuffixAutomaton,
  matched: number,
  length: number,
  { limit, depth, source }: { limit: number; depth: number; source: Source },
): void {
  const breadth = NARROWEST + (DEPTH - 1 - length) * NARROWING;
  const queue = [{ node: ROOT, state: matched, breadth, depth: 0 }];
  for (let place = queue.shift(); place && tree.size < limit; place = queue.shift()) {
    if (place.depth === depth) return;
    const wanted = Math.max(1, Math.floor(place.breadth));
    for (const { token, state } of latestFollowers(automaton, place.state, wanted)) {
      if (tree.size >= limit) return;
      const node = tree.add(place.node, token, 1, source);
      queue.push({ node, state, breadth: place.breadth - NARROWING, depth: place.depth + 1 });
    }
  }
}
