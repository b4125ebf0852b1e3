"""SQL of statements: built at once, and kept for those that run again and again."""
