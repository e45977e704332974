"""A message and its session after they were accepted: status, live events, retry, cancel, history."""
