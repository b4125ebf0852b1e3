"""Subscriptions of delivered groups: renewals, dunning, suspension, termination."""
