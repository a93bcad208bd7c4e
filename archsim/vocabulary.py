"""The words that machines and models share: operators, and the steps that parts do for them."""

OPERATORS = (
    "linear",
    "matmul",
    "softmax",
    "layernorm",
    "rmsnorm",
    "gelu",
    "silu",
    "relu",
    "tanh",
    "add",
    "mul",
    "rotary",
    "embedding",
    "argmax",
)
"""What a model is made of, and a recipe is written for."""

PRODUCTS = ("scores", "context")
"""The two products of attention; a recipe of that name goes before that of `matmul`."""

STANDARD_STEPS = {
    "matmul": ("multiply_accumulate",),
    "softmax": ("maximum", "subtract", "exp", "sum", "reciprocal", "multiply"),
    "layernorm": ("sum", "subtract", "square", "sum", "rsqrt", "multiply", "multiply", "add"),
    "rmsnorm": ("square", "sum", "rsqrt", "multiply", "multiply"),
    "gelu": ("gelu",),
    "silu": ("silu",),
    "relu": ("relu",),
    "tanh": ("tanh",),
    "add": ("add",),
    "mul": ("multiply",),
    "rotary": ("multiply", "multiply", "add"),
    "embedding": ("add", "add"),
    "argmax": ("maximum",),
}
"""How a machine's `digital` unit does an operator for which there is no recipe."""

REDUCING = frozenset({"sum", "maximum"})
"""Steps that leave one value of each row."""

PAIRING = frozenset({"add", "subtract", "multiply"})
"""Steps on two operands; they bring a reduced row back to its full length."""
