"""What pages refer to."""


class FatalURLFetchingError(Exception):
    """Raised for nothing here."""


class URLFetcher:
    """Fetches nothing."""


class URLFetcherResponse:
    """Never made."""
