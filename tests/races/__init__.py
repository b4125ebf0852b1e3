"""Race tests, each with a positive control."""
