"""Members of staff: their accounts, how they sign in to the desk, and the record of their acts."""
