"""Oscar as an operator would tune it who wants it fast and loses no order; see bench/README.md."""

from __future__ import annotations

import os

from oscar import INSTALLED_APPS as OSCAR_APPS
from oscar.defaults import *  # noqa: F403
from psycopg.conninfo import conninfo_to_dict

SCHEMA = "oscar_bench"
"""The schema of its tables on PostgreSQL, so that it shares a database with others."""

DATABASE_URL = os.environ["OSCAR_DATABASE"]


def _database(url: str) -> dict[str, object]:
    """Return Django's settings for ``sqlite:///path`` or ``postgresql://…``."""
    kept = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}
    if url.startswith("sqlite:"):
        pragmas = "PRAGMA journal_mode = wal; PRAGMA synchronous = full"
        # Writers wait for one another at the beginning of a transaction instead of failing in it.
        options = {"timeout": 10, "transaction_mode": "IMMEDIATE", "init_command": pragmas}
        path = url.removeprefix("sqlite:///")
        return {**kept, "ENGINE": "django.db.backends.sqlite3", "NAME": path, "OPTIONS": options}
    given = conninfo_to_dict(url)
    return {
        **kept,
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.get("dbname", ""),
        "USER": given.get("user", ""),
        "PASSWORD": given.get("password", ""),
        "HOST": given.get("host", ""),
        "PORT": given.get("port", ""),
        "OPTIONS": {"options": f"-c search_path={SCHEMA}"},
    }


DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

DEBUG = False
SECRET_KEY = "bench"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "bench.oscar.project.urls"
# Django's administration, which no customer sees, does not load with this release of haystack.
INSTALLED_APPS = [name for name in OSCAR_APPS if name != "django.contrib.admin"]
SITE_ID = 1


class _ByModels(dict[str, None]):
    """No application has migrations: tables are created as the models say, in two seconds."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> None:
        return None


MIGRATION_MODULES = _ByModels()

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
            ],
            # Templates are compiled once a process.
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.app_directories.Loader"],
                )
            ],
        },
    }
]

SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTHENTICATION_BACKENDS = ["oscar.apps.customer.auth_backends.EmailBackend"]
PASSWORD_HASHERS = ["bench.oscar.project.passwords.Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator")
]

HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
HAYSTACK_SIGNAL_PROCESSOR = "haystack.signals.BaseSignalProcessor"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
LOGGING_CONFIG = None

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "Europe/Paris"

STATIC_URL = "/static/"
MEDIA_URL = "/media/"
OSCAR_THUMBNAILER = "bench.oscar.project.images.Unchanged"
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_SHOP_NAME = "Oscar"
