"""Brings documents into the index: parse, chunk, embed, store."""
