"""Routes for machines: the bank, the operator's monitoring, and the sandbox."""
