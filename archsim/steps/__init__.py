"""Steps of recipes: what they compute, how they name operands, and whether a recipe computes its operator."""
