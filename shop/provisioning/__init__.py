"""Getting Office to the customer: groups installed, seats made, with the provider's help."""
