"""What the forms of texts in both languages have in common."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms.validators import InputRequired

NO_FRENCH = InputRequired(_l("Write the text in French."))
NO_ENGLISH = InputRequired(_l("Write the text in English."))
