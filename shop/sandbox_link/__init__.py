"""The shop's connection to the sandbox: API calls, signatures, its clock, test points."""
