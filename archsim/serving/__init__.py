"""Requests over time: when they arrive, when they are served, how much memory they hold meanwhile."""
