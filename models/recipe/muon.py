"""Muon (Keller Jordan, 2024): a step of gradient descent whose matrix is made orthogonal, so that all its directions
learn alike. A short training gets further with it than with AdamW, though a step takes longer.
"""
import torch

MOMENTUM = 0.95
ROUNDS = 4  # of the Newton–Schulz iteration; five are usual, and take longer
COEFFICIENTS = 3.4445, -4.775, 2.0315
DECAY = 0.01
LIKE_ADAM = 0.2  # the root mean square of AdamW's steps, so that its rates fit (Moonlight, 2502.16982)


def orthogonal(x):
    """Near the orthogonal matrix closest to `x`: its singular values come to lie about 1."""
    a, b, c = COEFFICIENTS
    is_tall = x.shape[0] > x.shape[1]
    x = (x.T if is_tall else x).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x.T if is_tall else x).float()


class Muon(torch.optim.Optimizer):
    """For matrices alone."""

    def __init__(self, matrices, lr):
        super().__init__(matrices, dict(lr=lr))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group['params']:
                mean = self.state[p].setdefault('mean', torch.zeros_like(p))
                mean.lerp_(p.grad, 1 - MOMENTUM)
                ahead = torch.lerp(p.grad, mean, MOMENTUM)
                p.mul_(1 - group['lr'] * DECAY)
                p.add_(orthogonal(ahead), alpha=-group['lr'] * LIKE_ADAM * max(p.shape) ** 0.5)
