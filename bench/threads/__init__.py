"""How many threads a web process should have: journeys, and pages beside a slow bank, with each."""
