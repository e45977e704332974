"""Answers messages: retrieve, compose, generate."""
