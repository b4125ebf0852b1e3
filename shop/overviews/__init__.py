"""Read models for pages that show many things at once."""
