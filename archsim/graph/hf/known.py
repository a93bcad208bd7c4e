"""All model types of Hugging Face's config.json that are known."""

from archsim.graph.hf.families import FAMILIES as DENSE
from archsim.graph.hf.latest import LATEST
from archsim.graph.hf.mixtures import MIXTURES

FAMILIES = {**DENSE, **MIXTURES, **LATEST}
"""By `model_type`."""
