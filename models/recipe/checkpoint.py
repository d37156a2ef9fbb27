"""Hugging Face checkpoints of the training module, written and read."""
import json
import os
import shutil

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from llama import Llama, Shape


def parts(model):
    """(name in the checkpoint, the rows of the parameter it is)"""
    s = model.shape
    heads = [s.heads * s.head_dim, s.kv_heads * s.head_dim, s.kv_heads * s.head_dim]
    yield 'model.embed_tokens.weight', model.embedding.weight
    yield 'model.norm.weight', model.norm.weight
    for i, block in enumerate(model.blocks):
        layer = f'model.layers.{i}.'
        for name, part in zip('qkv', block.qkv.weight.split(heads)):
            yield f'{layer}self_attn.{name}_proj.weight', part
        yield f'{layer}self_attn.o_proj.weight', block.out.weight
        for name, part in zip(('gate', 'up'), block.gate_up.weight.chunk(2)):
            yield f'{layer}mlp.{name}_proj.weight', part
        yield f'{layer}mlp.down_proj.weight', block.down.weight
        yield f'{layer}input_layernorm.weight', block.attention_norm.weight
        yield f'{layer}post_attention_layernorm.weight', block.mlp_norm.weight


def config(shape, stops, pad):
    return dict(
        architectures=['LlamaForCausalLM'], model_type='llama', vocab_size=shape.vocab, hidden_size=shape.hidden,
        intermediate_size=shape.ff, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads, head_dim=shape.head_dim, max_position_embeddings=shape.max_positions,
        rms_norm_eps=shape.eps, rope_theta=shape.rope_theta,
        rope_parameters=dict(rope_type='default', rope_theta=shape.rope_theta), hidden_act='silu',
        tie_word_embeddings=True, attention_bias=False, mlp_bias=False, attention_dropout=0.0,
        initializer_range=0.02, use_cache=True, dtype='float32', torch_dtype='float32', bos_token_id=None,
        eos_token_id=stops, pad_token_id=pad)


def write(model, tokenizer_folder, out):
    """tokenizer_folder: of tokenizer.json and tokenizer_config.json, which are copied"""
    os.makedirs(out, exist_ok=True)
    for name in ('tokenizer.json', 'tokenizer_config.json'):
        shutil.copy(os.path.join(tokenizer_folder, name), out)
    tokenizer = Tokenizer.from_file(os.path.join(out, 'tokenizer.json'))
    stops = [tokenizer.token_to_id(t) for t in ('<|im_end|>', '<|endoftext|>')]
    generation = dict(eos_token_id=stops, pad_token_id=stops[1], do_sample=False, max_new_tokens=256)
    for name, content in (('config', config(model.shape, stops, stops[1])), ('generation_config', generation)):
        with open(os.path.join(out, f'{name}.json'), 'w') as file:
            json.dump(content, file, indent=2)
    state = {name: part.detach().float().contiguous().clone() for name, part in parts(model)}
    weights = os.path.join(out, 'model.safetensors')
    save_file(state, f'{weights}.part', metadata={'format': 'pt'})
    os.replace(f'{weights}.part', weights)


def read(folder):
    with open(os.path.join(folder, 'config.json')) as file:
        c = json.load(file)
    model = Llama(Shape(c['vocab_size'], c['hidden_size'], c['num_hidden_layers'], c['num_attention_heads'],
                        c['num_key_value_heads'], c['intermediate_size'], c['max_position_embeddings'],
                        c['rope_theta'], c['rms_norm_eps']))
    state = load_file(os.path.join(folder, 'model.safetensors'))
    with torch.no_grad():
        for name, part in parts(model):
            part.copy_(state[name])
    return model
