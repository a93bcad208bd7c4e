"""Attention of all heads on values, causal or not."""

import numpy as np

from archsim.values.arithmetic import Arithmetic, Values


def attend(arithmetic: Arithmetic, q: Values, k: Values, v: Values, *, causal: bool) -> Values:
    """Q (batch, heads, n, d), k and v (batch, kv heads, n, d): (batch, n, heads x d). Heads share keys in groups."""
    batch, heads, n, d = q.shape
    groups = heads // k.shape[1]
    keys, values = (np.repeat(x, groups, axis=1) if groups > 1 else x for x in (k, v))
    scores = arithmetic.matmul(q, keys.transpose(0, 1, 3, 2)) / np.float32(np.sqrt(d))
    if causal:
        scores = np.where(np.tri(n, dtype=np.bool_), scores, np.float32(-np.inf))
    mixed = arithmetic.matmul(arithmetic.softmax(scores), values)
    found: Values = mixed.transpose(0, 2, 1, 3).reshape(batch, n, heads * d)
    return found


def heads_of(x: Values, batch: int, heads: int) -> Values:
    """(batch x n, heads x d) as (batch, heads, n, d)."""
    return x.reshape(batch, -1, heads, x.shape[-1] // heads).transpose(0, 2, 1, 3)


def layer_norm(x: Values, weight: Values, bias: Values, epsilon: float = 1e-5) -> Values:
    """Over the last axis."""
    centred = x - x.mean(axis=-1, keepdims=True)
    found: Values = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(epsilon)) * weight + bias
    return found


def rms_norm(x: Values, weight: Values, epsilon: float = 1e-5) -> Values:
    """Over the last axis."""
    found: Values = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + np.float32(epsilon)) * weight
    return found
