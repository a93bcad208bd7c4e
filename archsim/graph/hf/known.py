"""All model types of Hugging Face's config.json that are known."""

from archsim.graph.hf.families import FAMILIES as DENSE
from archsim.graph.hf.latest import LATEST
from archsim.graph.hf.mixtures import MIXTURES
from archsim.graph.hf.state_spaces import STATE_SPACES

FAMILIES = {**DENSE, **MIXTURES, **LATEST, **STATE_SPACES}
"""By `model_type`."""
