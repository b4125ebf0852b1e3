"""An upgrade without a break: the previous release beside this one, on one database."""
