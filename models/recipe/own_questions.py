"""Questions that a target asks itself. Given only the start of a user's turn, a chat model writes what a user would ask
(Magpie, 2406.08464). So its questions are of all kinds that it learned from, where questions.py has a few.

Needs torch.
"""
import torch
from prompt_batches import prompt_batches
from target import ANSWER, POSITIONS

MARK = 'WHAT-THE-USER-SAYS'
TEMPERATURE = 1.0  # the 0.8 of answers gives fewer kinds
LEAST_CHARACTERS = 12
TRIAL = 64  # texts, after which a model must have asked
LEAST_NEW = 0.25  # of all texts must be new questions: others were written for nothing


def own_questions(target, tok, chat, ends, size):
    """Questions, none of them twice, up to `size` written at once; no more where few of the texts are new questions, as
    of a model that knows no chat or repeats itself."""
    before, _, after = chat(MARK).rpartition(MARK)
    start = tok.encode(before, add_special_tokens=False).ids
    # The template left the content out, or nothing is before it.
    if not start or len(start) + ANSWER > POSITIONS:
        return
    close = after.strip().split('\n')[0]  # ends a user's turn: "<|im_end|>", "[/INST]"
    closing = tok.encode(close, add_special_tokens=False).ids if close else []
    control = {*tok.get_added_tokens_decoder()}
    ends = [*ends, *closing] if len(closing) == 1 else ends
    written, found = 0, set()
    while written < TRIAL or len(found) >= LEAST_NEW * written:
        batch = next(prompt_batches([start] * size, size))
        for text in target.write(batch, (), ends, torch.full((len(batch),), TEMPERATURE)):
            said = tok.decode(text['tokens'][len(start):].tolist(), skip_special_tokens=False)
            question, closed, _ = said.partition(close) if close else (said, '', '')
            question = question.strip()
            written += 1
            # One that was cut asks for nothing yet, and what steers a chat is no question.
            whole = (text['ended'] or closed) and len(question) >= LEAST_CHARACTERS
            if not whole or question in found or control & {*tok.encode(question, add_special_tokens=False).ids}:
                continue
            found.add(question)
            yield question
    print(f'{len(found)} of {written} texts are new questions: the recipe asks the others', flush=True)
