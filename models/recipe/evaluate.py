"""Measures quoting on the questions that prepare.py wrote, and how far a draft model agrees.

    python evaluate.py --target CHECKPOINT [--draft CHECKPOINT] --questions DATA/heldout.jsonl [--n 200] [--show 5]
"""
import argparse
import json

import torch

from quoting import Reader, judge, shares


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--target', required=True)
    parser.add_argument('--draft')
    parser.add_argument('--questions', required=True)
    parser.add_argument('--n', type=int, default=200, help='answerable questions; of the others, a quarter of that')
    parser.add_argument('--show', type=int, default=0)
    parser.add_argument('--threads', type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    target = Reader(args.target)
    draft = Reader(args.draft) if args.draft else None
    with open(args.questions) as file:
        questions = [json.loads(line) for line in file]
    answerable = [q for q in questions if q['passage']][:args.n]
    unanswerable = [q for q in questions if not q['passage']][:args.n // 4]

    judged, tokens, agreed = dict(answerable=[], gold_first=[], gold_elsewhere=[], unanswerable=[]), 0, 0
    for i, q in enumerate(answerable + unanswerable):
        prompt = target.prompt(q['system'], q['question'])
        out = target.answer(prompt)
        text = target.text(out)
        ended = out[-1] in target.model.generation_config.eos_token_id
        found = judge(text, ended, q['system'], q['heading'], q['passage'], q['answer'])
        kinds = ['answerable', 'gold_first' if q['place'] == 0 else 'gold_elsewhere'] if q['passage'] \
            else ['unanswerable']
        for kind in kinds:
            judged[kind].append(found)
        tokens += len(out)
        if draft:
            logits = draft.model(torch.tensor([prompt + out])).logits[0, len(prompt) - 1:-1]
            agreed += (logits.argmax(-1) == torch.tensor(out)).sum().item()
        if i < args.show:
            print(f"Q: {q['question']}\nA: {text}\nREFERENCE: From > {q['heading']}\n{q['answer']}\n{'-' * 80}")
    report = {kind: dict(n=len(found), **shares(found)) for kind, found in judged.items() if found}
    if draft:
        report['draft_agreement'] = round(agreed / tokens, 4)
    print(json.dumps(report, indent=1))


if __name__ == '__main__':
    main()
