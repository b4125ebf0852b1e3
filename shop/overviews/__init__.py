"""Read models for pages that combine several tables."""
