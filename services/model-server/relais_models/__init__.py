"""A small model server that speaks Ollama's HTTP API."""
