"""The migrations, run on databases with rows."""
