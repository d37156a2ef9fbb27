"""Optimizers, and a learning rate that follows the clock: training ends annealed and on time, whatever else runs."""
import math
import time

import torch

FLOOR = 0.02


def optimizers(model, rate, decay):
    """Muon for the blocks' matrices, AdamW for embedding and norms."""
    matrices = [p for p in model.blocks.parameters() if p.dim() == 2]
    norms = [p for p in model.parameters() if p.dim() < 2]
    # match_rms_adamw: one learning rate fits both.
    return [torch.optim.Muon(matrices, lr=rate, weight_decay=decay, momentum=0.95, adjust_lr_fn='match_rms_adamw'),
            torch.optim.AdamW([dict(params=[model.embedding.weight], weight_decay=decay),
                               dict(params=norms, weight_decay=0.0)], lr=rate, betas=(0.9, 0.95), fused=True)]


class Clock:
    def __init__(self, minutes, rate, warmup):
        self.began, self.seconds, self.rate, self.warmup = time.time(), minutes * 60, rate, warmup

    def elapsed(self):
        return time.time() - self.began

    def rate_at(self, step):
        """The learning rate, or None when time is up."""
        progress = self.elapsed() / self.seconds
        if progress >= 1:
            return None
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        return self.rate * min(1, (step + 1) / self.warmup) * (FLOOR + (1 - FLOOR) * cosine)


def apply(optimizers, model, rate):
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group['lr'] = rate
        optimizer.step()
        optimizer.zero_grad()
