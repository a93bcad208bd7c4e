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
    "embedding",
    "argmax",
)
"""What a model is made of, and a recipe is written for."""

PRODUCTS = ("scores", "context")
"""The two products of attention; a recipe of that name goes before that of `matmul`."""

REDUCING = frozenset({"sum", "maximum"})
"""Steps that leave one value of each row."""

PAIRING = frozenset({"add", "subtract", "multiply"})
"""Steps on two operands; they bring a reduced row back to its full length."""
