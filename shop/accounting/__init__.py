"""What an accountant needs of the shop: books for the tax office, and figures for VAT returns.

Everything is read from the ledger and the invoices; nothing is kept beside them.
"""
