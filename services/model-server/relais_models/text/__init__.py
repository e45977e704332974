"""Reading English text as terms, shared by both built-in models."""
