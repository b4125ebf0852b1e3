"""The accountant's corner."""
