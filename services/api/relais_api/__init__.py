"""The HTTP service: accepts messages, tells where they are."""
