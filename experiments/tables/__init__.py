"""One small file a table."""
