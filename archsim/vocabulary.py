"""The words that machines and models share: operators, and the steps that parts do for them."""

OPERATORS = {
    "linear": ("mvm",),
    "matmul": ("multiply_accumulate",),
    "softmax": ("maximum", "subtract", "exp", "sum", "reciprocal", "multiply"),
    "layernorm": ("sum", "subtract", "square", "sum", "rsqrt", "multiply", "multiply", "add"),
    "rmsnorm": ("square", "sum", "rsqrt", "multiply", "multiply"),
    "gelu": ("gelu",),
    "silu": ("silu",),
    "relu": ("relu",),
    "tanh": ("tanh",),
    "sigmoid": ("sigmoid",),
    "relu6": ("relu", "scale"),
    "clip": ("scale",),
    "exp": ("exp",),
    "hardswish": ("add", "relu", "scale", "multiply"),
    "softplus": ("exp", "add", "log"),
    "softsign": ("scale", "add", "reciprocal", "multiply"),
    "mish": ("exp", "add", "log", "tanh", "multiply"),
    "add": ("add",),
    "sub": ("subtract",),
    "mul": ("multiply",),
    "div": ("reciprocal", "multiply"),
    "batchnorm": ("multiply", "add"),
    "lrn": ("square", "sum", "rsqrt", "multiply"),
    "maxpool": ("maximum",),
    "avgpool": ("sum", "scale"),
    "other": ("scale",),
    "rotary": ("multiply", "multiply", "add"),
    "embedding": ("add", "add"),
    "argmax": ("maximum",),
    "gather": ("scale",),
}
"""What a model is made of, and the steps by which a machine's `digital` unit does it where there is no recipe."""

PROJECTIONS = {"depthwise": ("multiply_accumulate",), "dense": ("multiply_accumulate",)}
"""Projections that a machine may do elsewhere than in its cores: depth-wise ones where it has a recipe for them, dense
ones where `mapping.digital` names them; a `digital` unit that can does these without a recipe."""

ACTIVATIONS = ("gelu", "relu", "silu", "tanh", "sigmoid")
"""Operators that a feed-forward part may have between its projections."""

PRODUCTS = ("scores", "context")
"""The two products of attention; a recipe of that name goes before that of `matmul`."""

REDUCING = frozenset({"sum", "maximum"})
"""Steps that leave one value of each row: the largest, not the larger of two."""

PAIRING = frozenset({"add", "subtract", "multiply"})
"""Steps on two operands; they bring a reduced row back to its full length."""
