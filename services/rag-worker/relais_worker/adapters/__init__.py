"""The borders to Ollama and Qdrant, where every failure is translated once."""
