"""Real language models from GGUF files, through llama.cpp (extra `local-llm`)."""
