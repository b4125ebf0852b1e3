"""The secrets of a developer's machine, which production refuses, and the ports of mail."""

DEVELOPMENT_SECRET = "development-secret-not-for-production"
DEVELOPMENT_BANK_KEY = "sandbox-bank-key"
DEVELOPMENT_PROVIDER_KEY = "sandbox-provider-key"
DEVELOPMENT_NOTIFICATION_SECRET = "sandbox-notification-secret"

SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
"""The ways to reach a mail server, and the port of each where the address names none."""
