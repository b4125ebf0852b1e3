"""The running shop under faults: customers order over HTTP while something breaks, then an audit.

``make faults`` runs the table of `tests.faults.scenarios`; the ordinary suite runs one of them.
"""
