"""Office delivered: groups installed, licences added, seats made, with the provider's help."""
