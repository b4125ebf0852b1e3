"""Orders of every kind: contracts, placement, cancellation and expiry."""
