"""What every route shares: problem documents, limits, headers, preferences."""
