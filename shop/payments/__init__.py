"""Taking money: payments of orders, their outcome, and giving it back."""
