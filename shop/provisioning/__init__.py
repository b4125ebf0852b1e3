"""Getting Office to the customer: licence groups installed, seats made, with the provider's help."""
