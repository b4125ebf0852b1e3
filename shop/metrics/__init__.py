"""What processes measure of themselves."""
