"""django-oscar, the shop that ours is compared with; optional, in an environment of its own.

What a benchmark needs is here: `installed` says whether it can be served, `HOW_TO_INSTALL` what to
tell otherwise, and `serving` serves it::

    if not oscar.installed():
        print(oscar.HOW_TO_INSTALL)
    else:
        with oscar.serving(database_url) as shop:   # None: SQLite
            before = shop.processor_seconds()
            requests = shop.journey(0)              # numbers below `ACCOUNTS`, each once
            spent = shop.processor_seconds() - before
"""

from bench.oscar.accounts import ACCOUNTS
from bench.oscar.environment import HOW_TO_INSTALL, OscarFailed, install, installed
from bench.oscar.served import Oscar, serving

__all__ = ["ACCOUNTS", "HOW_TO_INSTALL", "Oscar", "OscarFailed", "install", "installed", "serving"]
