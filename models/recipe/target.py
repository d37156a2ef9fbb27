"""A Llama-family checkpoint that writes answers for those that learn to draft for it: its layers, and texts with their
hidden states and the likeliest tokens of their logits.

Needs torch and safetensors.
"""
import json
import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors import safe_open

TOP = 32  # logits kept of each token: the rest of a softmax says little
ANSWER = 160  # tokens of an answer at most
POSITIONS = 1024
DONE = 0.15  # of the answers of a batch, from which on it is packed anew: that copies the caches
LEAST = 0.15  # of the answers of a batch, below which those that are left are cut


class Cache:
    """Keys and values of one layer, of several texts."""

    def __init__(self, texts, c, rows):
        shape = texts, c['num_key_value_heads'], rows, c['head_dim']
        self.k, self.v, self.used = torch.zeros(shape), torch.zeros(shape), 0

    def add(self, k, v):
        begin, self.used = self.used, self.used + k.shape[2]
        self.k[:, :, begin:self.used], self.v[:, :, begin:self.used] = k, v
        return self.k[:, :, :self.used], self.v[:, :, :self.used]

    def keep(self, texts):
        self.k, self.v = self.k[texts], self.v[texts]


class Layer(nn.Module):
    """A Llama layer under the checkpoint's own names; keeps keys and values where it is given a cache."""

    def __init__(self, c):
        super().__init__()
        h, d, kv = c['hidden_size'], c['head_dim'], c['num_key_value_heads']
        attention, biased = c['num_attention_heads'] * d, c.get('biased', ())
        linears = lambda at, **sizes: nn.ModuleDict({
            name: nn.Linear(*size, bias=f'{at}.{name}' in biased) for name, size in sizes.items()})
        self.c = c
        self.self_attn = linears(
            'self_attn', q_proj=(h, attention), k_proj=(h, kv * d), v_proj=(h, kv * d), o_proj=(attention, h))
        self.mlp = linears(
            'mlp', gate_proj=(h, c['intermediate_size']), up_proj=(h, c['intermediate_size']),
            down_proj=(c['intermediate_size'], h))
        if c.get('query_key_norm'):
            self.self_attn.update(dict(q_norm=nn.RMSNorm(d, c['rms_norm_eps']), k_norm=nn.RMSNorm(d, c['rms_norm_eps'])))
        self.input_layernorm = nn.RMSNorm(h, c['rms_norm_eps'])
        self.post_attention_layernorm = nn.RMSNorm(h, c['rms_norm_eps'])

    def forward(self, x, cos, sin, mask, cache=None):
        return self.feed(self.attend(x, cos, sin, mask, cache))

    def attend(self, x, cos, sin, mask, cache=None):
        """The stream with what the attention adds."""
        c, a = self.c, self.self_attn
        b, t, _ = x.shape
        d, kv = c['head_dim'], c['num_key_value_heads']
        y = self.input_layernorm(x)
        split = lambda z, heads: z.view(b, t, heads, d).transpose(1, 2)
        q = split(times(a['q_proj'], y), c['num_attention_heads'])
        k, v = split(times(a['k_proj'], y), kv), split(times(a['v_proj'], y), kv)
        if c.get('query_key_norm'):
            q, k = a['q_norm'](q), a['k_norm'](k)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if cache is not None:
            k, v = cache.add(k, v)
        # A key head's queries as further rows of it: keys are read once, and not copied.
        scores = q.reshape(b, kv, -1, d) @ k.transpose(2, 3) / d ** 0.5
        scores = scores.view(b, kv, -1, t, k.shape[2]).masked_fill(~mask.unsqueeze(-3), -torch.inf)
        y = torch.softmax(scores, -1).view(b, kv, -1, k.shape[2]) @ v
        return x + times(a['o_proj'], y.view(b, -1, t, d).transpose(1, 2).reshape(b, t, -1))

    def feed(self, x):
        """The stream with what the MLP adds."""
        m = self.mlp
        y = self.post_attention_layernorm(x)
        return x + times(m['down_proj'], F.silu(times(m['gate_proj'], y)) * times(m['up_proj'], y))


def times(linear, x):
    """In the type of the weights; sums stay in the type of `x`."""
    return linear(x.to(linear.weight.dtype)).to(x.dtype)


def rotate(x, cos, sin):
    h = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., h:], x[..., :h]], -1) * sin


def frequencies(theta, dim, rope):
    """Radians a position of each pair of dimensions, scaled as gpu-backend/builder/rope.ts does."""
    own = 1 / theta ** (torch.arange(0, dim, 2).float() / dim)
    kind = rope.get('rope_type', rope.get('type', 'default'))
    if kind == 'linear':
        return own / rope['factor']
    if kind == 'divisors':
        return own / torch.tensor(rope['divisors'])
    if kind == 'llama3':
        low, high = rope['low_freq_factor'], rope['high_freq_factor']
        turns = rope['original_max_position_embeddings'] * own / (2 * math.pi)
        kept = ((turns - low) / (high - low)).clamp(0, 1)
        return own * (kept + (1 - kept) / rope['factor'])
    return own


def rotary(theta, dim, rope={}):
    """Cosines and sines of all positions."""
    f = torch.outer(torch.arange(POSITIONS).float(), frequencies(theta, dim, rope))
    f = torch.cat([f, f], -1)
    return f.cos(), f.sin()


class Target:
    def __init__(self, folder, dtype=torch.float32):
        read = lambda name: json.load(open(os.path.join(folder, name)))
        c = self.c = read('config.json')
        c.setdefault('head_dim', c['hidden_size'] // c['num_attention_heads'])
        c.setdefault('num_key_value_heads', c['num_attention_heads'])
        rope = c.get('rope_parameters') or c.get('rope_scaling') or {}
        manifest = read('manifest.json')
        self.name, self.fingerprint = manifest['name'], manifest['fingerprints']['weights']
        with safe_open(os.path.join(folder, 'model.safetensors'), 'pt') as f:
            w = {k: f.get_tensor(k).to(torch.get_default_device()).float() for k in f.keys()}
        # Of a layer: "self_attn.q_proj".
        c['biased'] = {k.split('.', 3)[3].removesuffix('.bias') for k in w if k.endswith('.bias')}
        c['query_key_norm'] = any(k.endswith('q_norm.weight') for k in w)
        self.folder, self.dtype = folder, dtype
        self.table = w['model.embed_tokens.weight']
        self.head = w.get('lm_head.weight', self.table).to(dtype)
        self.norm = w['model.norm.weight']
        self.layers = []
        for i in range(c['num_hidden_layers']):
            at = f'model.layers.{i}.'
            layer = Layer(c)
            layer.load_state_dict({k[len(at):]: v for k, v in w.items() if k.startswith(at)})
            for module in layer.modules():
                if isinstance(module, nn.Linear):
                    module.to(dtype)
            self.layers.append(layer.requires_grad_(False))
        theta = rope.get('rope_theta') or c.get('rope_theta') or 1e4
        self.cos, self.sin = rotary(theta, c['head_dim'], rope)

    def normed(self, x, weight=None):
        return F.rms_norm(x, (x.shape[-1],), self.norm if weight is None else weight, self.c['rms_norm_eps'])

    def last_layer(self):
        """A new layer with the weights of the last one."""
        layer = Layer(self.c)
        layer.load_state_dict({k: v.float() for k, v in self.layers[-1].state_dict().items()})
        return layer

    def notes(self, kind, **more):
        """What the file of a layer that was trained for it says of itself."""
        return dict(kind=kind, target=self.name, weights=self.fingerprint, **{k: str(v) for k, v in more.items()})

    @torch.no_grad()
    def write(self, prompts, exits, ends, temperatures):
        """Continues each prompt of one batch to one of `ends`, at its temperature, of which 0 says the likeliest: tokens,
        hidden states behind each number of layers in `exits`, top logits from the last token asked on; how many tokens
        were asked, whether the likeliest was said, and whether an end came."""
        n, width = len(prompts), max(map(len, prompts))
        total = width + ANSWER
        # What pads a text is seen by no row.
        said, seen = torch.full((n, total), ends[0]), torch.zeros(n, total, dtype=torch.bool)
        for i, p in enumerate(prompts):  # on the left, so that all end alike
            said[i, width - len(p):width] = torch.tensor(p)
            seen[i, width - len(p):width] = True
        start = seen.int().argmax(1)
        hidden = {e: torch.zeros(n, total, self.c['hidden_size'], dtype=torch.half) for e in exits}
        values = torch.zeros(n, total, TOP, dtype=torch.half)
        names = torch.zeros(n, total, TOP, dtype=torch.int)
        caches = [Cache(n, self.c, total) for _ in self.layers]
        greedy, live, begin, end = temperatures == 0, torch.arange(n), 0, width
        heat = temperatures.clamp(min=1e-3)  # a greedy one's draw is not used
        over, ended = torch.zeros(n, dtype=torch.bool), torch.zeros(n, dtype=torch.bool)
        # The last few would take the time of many: they are cut.
        while end < total and len(live) > LEAST * n:
            rows = torch.arange(begin, end)
            places = (rows - start[live, None]).clamp(min=0)
            cos, sin = self.cos[places][:, None], self.sin[places][:, None]
            columns = torch.arange(end)
            mask = (seen[live, None, :end] & (columns <= rows[:, None])) | (columns == rows[:, None])
            x = self.table[said[live, begin:end]]
            for i, layer in enumerate(self.layers):
                x = layer(x, cos, sin, mask[:, None], caches[i])
                if i + 1 in hidden:
                    hidden[i + 1][live, begin:end] = x.half()
            top = F.linear(self.normed(x[:, -1]).to(self.dtype), self.head).float().topk(TOP, -1)
            values[live, end - 1], names[live, end - 1] = top.values.half(), top.indices.int()
            drawn = torch.multinomial(torch.softmax(values[live, end - 1].float() / heat[live, None], -1), 1)[:, 0]
            at = torch.where(greedy[live], torch.zeros_like(drawn), drawn)
            next = names[live, end - 1, at].long()
            over |= torch.isin(next, torch.tensor(ends))
            said[live, end], seen[live, end], ended[live] = next, ~over, over
            begin, end = end, end + 1
            if over.float().mean() > DONE:
                live, on = live[~over], ~over
                for cache in caches:
                    cache.keep(on)
                over = over[on]
        # The token that was said last has no state.
        seen[:, end - 1:] = False
        cut = lambda z, i: z[i, start[i]:int(start[i]) + int(seen[i].sum())].clone().cpu()
        return [dict(tokens=cut(said, i), hidden={e: cut(h, i) for e, h in hidden.items()}, values=cut(values, i),
                     names=cut(names, i), asked=len(prompts[i]), greedy=bool(greedy[i]), ended=bool(ended[i]))
                for i in range(n)]
