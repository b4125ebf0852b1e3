"""The schema, step by step, with rows in it."""
