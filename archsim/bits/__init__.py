"""Bits for each projection: searched for speed, with the accuracy measured."""
