"""Asks the demo's questions about the project's own documents, with the prompts that the service builds: the best
three passages, best first.

    python demo.py --target ../target [--root ../..] [--passage-tokens 160] [--show]
"""
import argparse
import glob
import json
import os

import torch

import markdown
from conversations import INSTRUCTION
from quoting import Reader, judge, shares
from ranking import Ranking

PASSAGES = 3


def passages(folder, tokenizer, budget):
    """-> [(title, heading, text)]; of a section the leading blocks that fit, then the next ones, as
    `src/retrieve/chunk.ts` cuts them, without its overlap."""
    out = []
    for path in sorted(glob.glob(os.path.join(folder, '*.md'))):
        with open(path, encoding='utf-8') as file:
            named, text = markdown.clean(file.read())
        title = markdown.title_of(named, text, os.path.basename(path))
        for heading, blocks in markdown.sections(title, text):
            fitting, cost = [], 0
            for block in blocks:
                size = len(tokenizer(block)['input_ids']) + 1
                if fitting and cost + size > budget + 1:
                    out.append((title, heading, '\n\n'.join(fitting)))
                    fitting, cost = [], 0
                fitting.append(block)
                cost += size
            out.append((title, heading, '\n\n'.join(fitting)))
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--target', required=True)
    parser.add_argument('--root', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
    parser.add_argument('--passage-tokens', type=int, default=160, help="the manifest's passageTokens")
    parser.add_argument('--all-headings', action='store_true', help='ask every heading that is a question, too')
    parser.add_argument('--show', action='store_true')
    parser.add_argument('--threads', type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    reader = Reader(args.target)
    own = passages(os.path.join(args.root, 'docs'), reader.tokenizer, args.passage_tokens)
    ranking = Ranking(own)
    with open(os.path.join(args.root, 'web/demo/questions.json')) as file:
        questions = json.load(file)
    if args.all_headings:
        questions += [h for _, h, _ in own if h.endswith('?') and h not in questions]
    judged, retrieved = [], 0
    for question in dict.fromkeys(questions):
        found = [own[i] for i in ranking.search(question, PASSAGES)]
        gold = next((text for _, heading, text in own if heading == question), None)
        if gold is None:
            raise ValueError(f'no section of docs/ has the heading "{question}"')
        retrieved += found[0][1] == question
        system = INSTRUCTION + ''.join(f'\n\n[{i + 1}] {title} > {heading}\n{text}'
                                       for i, (title, heading, text) in enumerate(found))
        out = reader.answer(reader.prompt(system, question))
        text = reader.text(out)
        ended = out[-1] in reader.model.generation_config.eos_token_id
        judged.append(judge(text, ended, system, question, gold, gold))
        if args.show:
            print(f'Q: {question}   [{" | ".join(h for _, h, _ in found)}]\nA: {text}\n{judged[-1]}\n{"-" * 80}')
    print(json.dumps(dict(n=len(judged), retrieved_first=retrieved / len(judged), **shares(judged)), indent=1))


if __name__ == '__main__':
    main()
