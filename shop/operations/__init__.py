"""What keeps the shop running: the worker, monitoring, key rotation, demo data."""
