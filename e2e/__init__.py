"""Browser tests against a running shop."""
