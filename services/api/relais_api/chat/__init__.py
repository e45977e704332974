"""Chat by an agent's public token: validate, accept, announce, reply."""
