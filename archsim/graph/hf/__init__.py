"""Hugging Face's config.json as models."""
