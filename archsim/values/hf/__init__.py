"""Names of the weights of Hugging Face's models."""
