"""Exchange services: where they come from, how their customer looks at them, and Office Attach."""
