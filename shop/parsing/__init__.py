"""Reading values of others: numbers and JSON, within bounds."""
