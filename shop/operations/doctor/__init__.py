"""An examination of this shop and of all it needs, for ``flask doctor``."""
