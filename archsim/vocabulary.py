"""The words that machines and models share: operators, and the steps that parts do for them."""

OPERATORS = {
    "linear": ("mvm",),
    "matmul": ("multiply_accumulate",),
    "softmax": ("maximum", "subtract", "exp", "sum", "reciprocal", "multiply"),
    "layernorm": (
        "mean",
        "subtract",
        "square",
        "mean",
        "rsqrt",
        "multiply subtract rsqrt",
        "multiply multiply weight",
        "add multiply.2 bias",
    ),
    "rmsnorm": ("square", "mean", "rsqrt", "multiply input rsqrt", "multiply multiply weight"),
    "gelu": ("gelu",),
    "silu": ("silu",),
    "relu": ("relu",),
    "tanh": ("tanh",),
    "sigmoid": ("sigmoid",),
    "relu6": ("relu", "minimum relu 6"),
    "clip": ("clip",),
    "exp": ("exp",),
    "softplus": ("exp", "add exp 1", "log"),
    "softsign": ("absolute", "add absolute 1", "reciprocal", "multiply input reciprocal"),
    "mish": ("exp", "add exp 1", "log", "tanh", "multiply input tanh"),
    "hardswish": ("add input 3", "clip", "scale", "multiply input scale"),
    "add": ("add",),
    "sub": ("subtract",),
    "mul": ("multiply",),
    "div": ("reciprocal second", "multiply first reciprocal"),
    "batchnorm": ("multiply input weight", "add multiply bias"),
    "lrn": ("square", "sum", "power", "multiply input power"),
    "maxpool": ("maximum",),
    "avgpool": ("sum", "scale"),
    "other": ("scale",),
    "rotary": ("multiply input cosine", "multiply turned sine", "add multiply multiply.2"),
    "embedding": ("add", "add"),
    "argmax": ("argmax",),
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
