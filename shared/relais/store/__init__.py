"""The database: schema, statements, and the functions that run them. Only this package holds SQL."""
