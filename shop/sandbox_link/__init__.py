"""How the shop reaches the sandbox: signed calls, its clock, its test points."""
