"""Groups that run: renewals, dunning, suspension, terminations."""
