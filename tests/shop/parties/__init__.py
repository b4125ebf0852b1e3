"""What all outside parties have in common."""
