"""The monitor: reads the database, tells the truth about it."""
