"""Many at once; each race with a positive control."""
