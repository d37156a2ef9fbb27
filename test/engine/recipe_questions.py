"""Checks what the recipe asks a target and learns from, with targets that are made up: recipe_questions.py RECIPE.
Prints the name of each case that holds."""
import itertools
import json
import os
import random
import sys
import tempfile
from types import SimpleNamespace

import torch

sys.path.insert(0, sys.argv[1])
import answers
from answers import ends_of, positive, share, written_anew
from own_questions import own_questions
from prompt_batches import prompt_batches
from questions import questions
from trainer import learn

END = ord('~')
CHATML = '<user>{}~<reply>'.format
CONTROL = {0x100: '<user>', 0x101: '<reply>'}


class Characters:
    """A tokenizer whose tokens are characters, but for two that steer a chat."""

    def encode(self, text, add_special_tokens):
        for token, name in CONTROL.items():
            text = text.replace(name, chr(token))
        return type('Encoding', (), dict(ids=[ord(c) for c in text]))

    def decode(self, ids, skip_special_tokens=True):
        return ''.join(CONTROL.get(i, chr(i)) for i in ids)

    def get_added_tokens_decoder(self):
        return CONTROL


class Target:
    """Writes what comes next of `texts`; one that has no end of a text in it is cut."""

    def __init__(self, texts):
        self.texts, self.written = iter(texts), 0

    def write(self, prompts, exits, ends, temperatures):
        self.written += len(prompts)
        return [self.one(prompt, ends) for prompt in prompts]

    def one(self, prompt, ends):
        said = [ord(c) for c in next(self.texts)]
        at = min((said.index(end) for end in ends if end in said), default=None)
        return dict(tokens=torch.tensor([*prompt, *said[:at]]), ended=at is not None)


def asked(texts, count, chat=CHATML, size=8):
    target = Target(texts)
    return [*itertools.islice(own_questions(target, Characters(), chat, [END], size), count)], target.written


numbered = lambda form: (form.format(i) for i in itertools.count())
holds = lambda case, truth: print(case) if truth else sys.exit(f'{case}: no')

found, written = asked(numbered('What is number {}?~'), 100)
holds('new questions go on', found[99] == 'What is number 99?' and written == 104)
found, written = asked(numbered('What is number {}?~'), 3, size=1)
holds('one at a time', len(found) == 3 and written == 3)
found, written = asked(itertools.repeat('What is it all about?~'), 100)
holds('one that repeats itself is left alone', found == ['What is it all about?'] and written == 64)
found, written = asked(numbered('It never ends {}'), 100)
holds('one that ends no turn is left alone', not found and written == 64)
found, _ = asked(('Hm?~' if i % 2 else f'What is number {i}?~' for i in itertools.count()), 64)
holds('what is short is no question', len(found) == 64 and 'Hm?' not in found)
found, _ = asked(numbered('What is number {0}?[/INST] It is {0}.~'), 2, chat='[INST] {} [/INST]'.format)
holds('an answer is no part of a question', found == ['What is number 0?', 'What is number 1?'])
found, _ = asked((f'What is <user> {i}?~'.replace('<user>', chr(0x100)) for i in itertools.count()), 2)
holds('control text is no question', not found)
holds('a template that drops the content', asked(numbered('What is {}?~'), 9, chat=lambda _: '<user>hello~')[1] == 0)
holds('a template that begins with the content', asked(numbered('What is {}?~'), 9, chat='{}~'.format)[1] == 0)
holds('a template that fills the context', asked(numbered('{}~'), 9, chat=('x' * 900 + '{}~').format)[1] == 0)

random.seed(1)
mixed = lambda own, part: [*itertools.islice(questions(None, iter(own), part), 200)]
own = [f'own {i}' for i in range(300)]
holds('none are own', not {*own} & {*mixed(own, 0)})
holds('all are own', mixed(own, 1) == own[:200])
holds('half are own', 70 < len({*own} & {*mixed(own, 0.5)}) < 130)
holds('the recipe goes on where own ones end', len({*mixed(own[:3], 1)}) == 200)

sizes = lambda lengths, size: [len(batch) for batch in prompt_batches([[0] * n for n in lengths], size)]
holds('short prompts fill batches', sizes([40] * 20, 8) == [8, 8, 4])
holds('long ones do not', sizes([40] * 4 + [864] * 4, 8) == [4, 2, 2])
holds('one that is longest is written alone', sizes([864] * 2, 1) == [1, 1] and sizes([], 8) == [])


def refused(check, *given, words='must be'):
    try:
        return check(*given) and False
    except (Exception, SystemExit) as cause:
        return words in str(cause)


few = [dict(file='', tokens=torch.zeros(20), asked=2)] * 8
holds('too few answers', refused(learn, None, few, None, None, words='8 answers are too few'))

with tempfile.TemporaryDirectory() as folder:
    class Names:
        token_to_id = {'<end>': 7}.get

    told = lambda name, what: json.dump(what, open(os.path.join(folder, name), 'w'))
    holds('no end is named', refused(ends_of, folder, Names, words='set eos_token_id'))
    told('config.json', dict(eos_token_id=2))
    told('tokenizer_config.json', dict(eos_token=dict(content='<end>')))
    holds('ends of two files', ends_of(folder, Names) == [2, 7])
    told('generation_config.json', dict(eos_token_id=[7, 5]))
    holds('ends of three files', ends_of(folder, Names) == [7, 5, 2])

    class Seeds:
        """A target that stops a run at its first answer, and tells the seed that it has then."""

        def write(self, *_):
            raise SystemExit(torch.initial_seed())

    Seeds.folder = folder
    Characters.token_to_id = Names.token_to_id
    answers.Tokenizer = SimpleNamespace(from_file=lambda _: Characters())
    options = SimpleNamespace(behind=[], text=None, own_share=0, write_batch=1, write_minutes=1)

    def seed():
        torch.manual_seed(1)
        try:
            written_anew(Seeds(), options, None, ())
        except SystemExit as told:
            return told.code

    holds('each run has a seed of its own', len({1, seed(), seed()}) == 3)

holds('limits of options', refused(positive, '0') and refused(share, '50') and refused(share, 'nan') and share('1') == 1)
