"""Orders of every kind: contracts, placement, cancellation, expiry."""
