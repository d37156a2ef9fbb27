"""A target's own answers, which drafters learn from: newly written ones or kept ones.

Needs torch, safetensors, tokenizers and jinja2.
"""
import argparse
import json
import os
import random

import torch
from clock import clock
from jinja2 import Environment
from own_questions import own_questions
from prompt_batches import prompt_batches
from questions import questions
from target import ANSWER, POSITIONS, Target
from tokenizers import Tokenizer

ANSWER_TEMPERATURE = 0.8  # of those that are drawn
MOST_LONG = 50  # prompts that are too long, where no other was found
POOL = 4  # batches of questions, from which those of like length are answered together


def answers(target, args, *exits):
    """Those in the files `args.kept`, or newly written ones, which the one that is not there keeps. Each tells its file."""
    written = [file for file in args.kept if os.path.exists(file)]
    texts = [{**text, 'file': file} for file in written for text in torch.load(file, map_location='cpu', weights_only=True)]
    lacks = [t['file'] for t in texts if set(exits) - set(t['hidden'])]
    if lacks:
        raise SystemExit(f'{lacks[0]} has no states behind layers {exits}: write anew with --behind')
    missing = [file for file in args.kept if file not in written]
    if missing or not texts:
        texts += [{**text, 'file': ''} for text in written_anew(target, args, missing[0] if missing else None, exits)]
    return texts


def written_anew(target, args, kept, exits):
    """New answers, which are kept in the file `kept` batch by batch, so that what was written is not lost."""
    exits = {*exits, *args.behind}
    tok = Tokenizer.from_file(os.path.join(target.folder, 'tokenizer.json'))
    chat, ends, texts, began = chat_of(target.folder), ends_of(target.folder, tok), [], clock()
    late = lambda: clock() - began >= args.write_minutes * 60
    # What trains begins with a fixed seed: two files would have the same questions.
    torch.seed()
    asked = questions(args.text, own_questions(target, tok, chat, ends, args.write_batch), args.own_share)
    while not late():
        pool, long = [], 0
        while len(pool) < (args.write_batch if late() else POOL * args.write_batch):
            prompt = tok.encode(chat(next(asked)), add_special_tokens=False).ids
            if len(prompt) + ANSWER <= POSITIONS:
                pool.append(prompt)
                continue
            long += 1
            if not pool and long == MOST_LONG:
                raise SystemExit(f'no prompt has less than {POSITIONS - ANSWER} tokens: shorten what the chat template adds')
        # Of like length: what is shorter than the longest is computed for nothing.
        groups = [*prompt_batches(sorted(pool, key=len), args.write_batch)]
        # Time may be up before all are answered: short ones are not to be more often than others.
        random.shuffle(groups)
        for batch in groups:
            # Half of them likeliest, half drawn.
            texts += target.write(batch, exits, ends, ANSWER_TEMPERATURE * (torch.arange(len(batch)) % 2))
            print(f'{sum(len(t["tokens"]) - t["asked"] for t in texts)} tokens written in {len(texts)} answers, '
                  f'{(clock() - began) / 60:.1f} minutes', flush=True)
            if kept:
                torch.save(texts, f'{kept}.partial')
                os.replace(f'{kept}.partial', kept)
            if late():
                break
    return texts


def ends_of(folder, tok):
    """All that the checkpoint's files call an end, as the verifier has them (gpu-backend/builder/model-folder.ts)."""
    ends = []
    for name in 'generation_config.json', 'config.json', 'tokenizer_config.json':
        path = os.path.join(folder, name)
        own = json.load(open(path)) if os.path.exists(path) else {}
        token = own.get('eos_token')
        token = token.get('content') if isinstance(token, dict) else token
        known = own.get('eos_token_id')
        ends += [tok.token_to_id(token) if token else None, *(known if isinstance(known, list) else [known])]
    ends = [*dict.fromkeys(end for end in ends if end is not None)]
    if not ends:
        raise SystemExit(f'{folder} names no end of a text: set eos_token_id in generation_config.json')
    return ends


def chat_of(folder):
    """A question as the model is asked it: by the template of its tokenizer, or ChatML."""
    template, own = None, os.path.join(folder, 'chat_template.jinja')
    if os.path.exists(own):
        template = open(own, encoding='utf8').read()
    elif os.path.exists(os.path.join(folder, 'tokenizer_config.json')):
        template = json.load(open(os.path.join(folder, 'tokenizer_config.json'))).get('chat_template')
    if not isinstance(template, str):
        return '<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n'.format
    compiled = Environment(trim_blocks=True, lstrip_blocks=True).from_string(template)
    return lambda question: compiled.render(
        messages=[dict(role='user', content=question)], add_generation_prompt=True, bos_token='', eos_token='')


def positive(text):
    if int(text) < 1:
        raise argparse.ArgumentTypeError('must be 1 or more')
    return int(text)


def share(text):
    if not 0 <= float(text) <= 1:
        raise argparse.ArgumentTypeError('must be from 0 to 1')
    return float(text)


def asking(p):
    """The options of who needs answers."""
    p.add_argument('--model', required=True, help='the folder of a checkpoint with its manifest')
    p.add_argument('--text', help='a folder of texts that some of the questions are about')
    p.add_argument('--own-share', type=share, default=0.5, help='of the questions that are not about --text: those that the target asks itself')
    p.add_argument('--kept', nargs='*', default=[], help='files of answers that were written before; the first that is not there keeps new ones')
    p.add_argument('--behind', type=int, nargs='*', default=[], help='keep the states behind so many layers too, for another training')
    p.add_argument('--write-minutes', type=float, default=16, help='for questions and answers, of processor time, over all threads; on a GPU, that pass')
    p.add_argument('--write-batch', type=positive, default=96, help='answers written at once at most; fewer where prompts are long')
    p.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='by default a GPU where torch finds one')
    p.add_argument('--threads', type=int, default=0, help='by default one a core')
    p.add_argument('--type', choices=('float32', 'bfloat16'), default='float32', help='that the target computes in')
    return p


def opened(args):
    """The target, and torch as the options say."""
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.device != 'cpu':
        torch.set_default_device(args.device)
    return Target(args.model, getattr(torch, args.type))
