"""Setting up: what `make` needs before there is an environment. Standard library only."""
