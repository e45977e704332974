"""`extractive`: answers with the sentences of the given passages that answer the question."""
