"""Schemathesis against the running API, from its own OpenAPI document."""
