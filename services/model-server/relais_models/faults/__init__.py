"""Misbehaving on request, so that tests can prove what clients do about it."""
