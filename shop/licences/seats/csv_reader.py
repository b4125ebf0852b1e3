"""Reading files of people: which columns they have, and who stands in them."""

from __future__ import annotations

from dataclasses import dataclass

from shop.errors import N_, Refusal
from shop.text import csv_input
from shop.text.csv_input import Row
from shop.text.decoding import not_csv

MOST_LINES = csv_input.MOST_LINES
LONGEST_CELL = 255

COLUMNS = ("first_name", "last_name", "login")

FIRST_NAMES = (
    "prenom", "prenoms", "first name", "firstname", "given name", "givenname", "forename",
    "vorname", "nombre", "nome", "voornaam",
)  # fmt: skip
LAST_NAMES = (
    "nom", "nom de famille", "last name", "lastname", "surname", "sn", "family name",
    "familyname", "nachname", "familienname", "apellido", "apellidos", "cognome", "achternaam",
)  # fmt: skip
LOGINS = (
    "login", "identifiant", "username", "user name", "nom d utilisateur", "user id", "userid",
    "logon name", "samaccountname", "mailnickname", "user principal name", "userprincipalname",
    "nom d utilisateur principal", "upn", "benutzername", "anmeldename", "usuario", "utente",
    "gebruikersnaam",
)  # fmt: skip

HEADINGS = {"first_name": FIRST_NAMES, "last_name": LAST_NAMES, "login": LOGINS}
"""The names of each column in a heading, folded by `folding.fold`, the preferred first."""

EMAILS = (
    "email personnel", "e mail personnel", "personal email", "alternate email address",
    "othermails", "autre adresse e mail", "adresse e mail", "adresse email", "email address",
    "e mail address", "e mail", "email", "courriel", "mail",
)  # fmt: skip
"""The names of the column with a mailbox of the person, which a file may have beside the others."""

EVERY_HEADING = frozenset().union(*HEADINGS.values())

MISSING = {
    ("first_name",): N_("The heading lacks a column: first name."),
    ("last_name",): N_("The heading lacks a column: last name."),
    ("login",): N_("The heading lacks a column: login."),
    ("first_name", "last_name"): N_("The heading lacks two columns: first name and last name."),
    ("first_name", "login"): N_("The heading lacks two columns: first name and login."),
    ("last_name", "login"): N_("The heading lacks two columns: last name and login."),
}


@dataclass(frozen=True)
class Line:
    """One line of a file with its number; ``is_whole`` if it has the cells of its heading."""

    number: int
    first_name: str
    last_name: str
    login: str
    is_whole: bool
    recipient: str = ""


@dataclass(frozen=True)
class Heading:
    """The places of `COLUMNS` in the lines below a heading, the number of its cells, and the place
    of the persons' mailboxes, if it has them."""

    places: tuple[int, int, int]
    width: int
    recipient: int | None = None


NO_HEADING = Heading((0, 1, 2), 3)
"""What holds for a file that begins with a person."""

EXTENSIONS = (".csv", ".txt")
"""The extensions of files of people: what spreadsheet programs and editors give them."""


def check_name(filename: str) -> None:
    """Raise `Refusal` at ``file`` unless a file is named as a CSV file is."""
    if not filename.casefold().endswith(EXTENSIONS):
        raise not_csv()


def read_people(content: bytes) -> list[Line]:
    """Return the lines of a file of people.

    A heading decides by its names which column is which, whatever stands beside them; without
    one the columns are first name, last name and login. Where files were joined to one, each
    heading decides for the lines below it.

    Raises `Refusal` at ``file`` if it is not a CSV file, is empty, too long, or a heading lacks
    a column.
    """
    rows = csv_input.read_rows(content)
    if not rows:
        raise Refusal(N_("This file is empty."), "file")
    lines = _lines(csv_input.below_titles(rows, HEADINGS))
    if not lines:
        raise Refusal(N_("This file holds a heading and nobody below it."), "file")
    if len(lines) > MOST_LINES:
        raise Refusal(
            N_("A file holds at most %(most)d people: split this one."), "file", most=MOST_LINES
        )
    return lines


def _lines(rows: list[Row]) -> list[Line]:
    heading, lines, is_first = NO_HEADING, [], True
    for row in rows:
        if (found := _heading(row, heading, is_first=is_first)) is not None:
            heading, is_first = found, False
        elif not _is_left_out(row, heading):
            lines.append(_line(row, heading))
            is_first = False
    return lines


def _heading(row: Row, current: Heading, *, is_first: bool) -> Heading | None:
    """Return the heading that a line is; None if it is a person.

    Raises `Refusal` if it is known in part only. Below the first line only a whole heading is
    one: a person may be called as a column is.
    """
    names = row.cells if is_first else [_cell(row, place) for place in current.places[:2]]
    if EVERY_HEADING.isdisjoint(csv_input.column_names(names)):
        return None
    try:
        places = csv_input.find_columns(row.cells, HEADINGS)
    except csv_input.Repeated as repeated:
        raise Refusal(
            N_("The heading names first name, last name and login, each once."), "file"
        ) from repeated
    missing = tuple(name for name in COLUMNS if name not in places)
    if not missing:
        first_name, last_name, login = (places[name] for name in COLUMNS)
        return Heading((first_name, last_name, login), len(row.cells), _place_of_emails(row))
    if is_first or _names_columns_alone(row):
        raise Refusal(MISSING[missing], "file")
    return None


def _place_of_emails(row: Row) -> int | None:
    """Return the place of the persons' mailboxes in a heading; None if it is not certain."""
    try:
        return csv_input.find_columns(row.cells, {"recipient": EMAILS}).get("recipient")
    except csv_input.Repeated:
        return None


def _names_columns_alone(row: Row) -> bool:
    return EVERY_HEADING.issuperset(csv_input.column_names([it for it in row.cells if it]))


def _is_left_out(row: Row, heading: Heading) -> bool:
    """Whether a line holds nobody: a remark, or cells beside the three columns alone.

    The number of a line may begin with the sign of a remark, if its column is another one.
    """
    wanted = [_cell(row, place) for place in heading.places]
    if not any(wanted):
        return heading is not NO_HEADING
    if row.is_remark and (row.is_single or 0 in heading.places or not row.cells[0]):
        return True
    return row.is_template


def _cell(row: Row, place: int) -> str:
    return row.cells[place] if place < len(row.cells) else ""


def _line(row: Row, heading: Heading) -> Line:
    wanted = [_cell(row, place) for place in heading.places]
    for place, cell in zip(heading.places, wanted, strict=True):
        if cell.count('"') % 2:
            raise csv_input.stray_quote(row.number, place + 1)
    first_name, last_name, login = (cell[: LONGEST_CELL + 1] for cell in wanted)
    is_whole = len(row.cells) > max(heading.places) and not any(row.cells[heading.width :])
    recipient = "" if heading.recipient is None else _cell(row, heading.recipient).strip()
    return Line(row.number, first_name, last_name, login, is_whole, recipient)
