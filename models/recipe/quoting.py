"""What an answer is worth: whether it quotes, what it quotes, and whether that is the right passage."""
import re
from dataclasses import asdict, dataclass

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

REFUSAL = 'The passages do not say.'
MIN_QUOTE = 15           # characters; anything shorter stands in a passage by chance
MAX_NEW_TOKENS = 256     # the service's DEFAULT_MAX_TOKENS


class Reader:
    """Greedy answers of one checkpoint."""

    def __init__(self, folder):
        torch.set_grad_enabled(False)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def prompt(self, system, question):
        text = (f'<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n'
                '<|im_start|>assistant\n')
        return self.tokenizer(text, add_special_tokens=False)['input_ids']

    def answer(self, prompt):
        """-> ids, the stop token included where it was written"""
        ids = torch.tensor([prompt])
        # Prompt lookup only saves steps: the tokens are those of greedy decoding.
        out = self.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=MAX_NEW_TOKENS,
                                  do_sample=False, prompt_lookup_num_tokens=10)
        return out[0, len(prompt):].tolist()

    def text(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True)


@dataclass
class Judged:
    """heading: the right one is named. quote: what follows is in the prompt, letter for letter. right_quote: in the
    passage asked about. exact: it is the reference answer. ended: by itself."""
    heading: bool
    quote: bool
    right_quote: bool
    exact: bool
    refused: bool
    ended: bool


def judge(text, ended, system, heading, passage, reference):
    named = re.match(r'From > (.*)\n', text)
    body = (text[named.end():] if named else text).strip()
    long = len(body) >= MIN_QUOTE and ended
    return Judged(heading=bool(named) and named.group(1).strip() == heading, quote=long and body in system,
                  right_quote=long and bool(passage) and body in passage, exact=body == reference.strip(),
                  refused=body == REFUSAL, ended=ended)


def shares(judged):
    """Of answers: the share that each field of Judged is true for."""
    rows = [asdict(j) for j in judged]
    return {name: round(sum(r[name] for r in rows) / len(rows), 3) for name in rows[0]}
