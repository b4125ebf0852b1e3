"""What all outside parties have in common: how many of their answers a process waits for."""
