"""Routes for machines: the bank, whoever monitors the shop, and the sandbox."""
