"""What both blueprints need to speak HTTP: languages, sign-in, headers, htmx, error pages."""
