"""Setting up: what is installed, and the package that is built."""
