"""Files of people as they are in the world: headings, encodings, templates and quotation marks."""

from __future__ import annotations

import codecs
import io

import pytest

from models import Account, LicenceGroup, Seat
from shop.errors import Refusal
from shop.exchange.csv_file import CsvFile
from shop.exchange.source import InvalidFile, Mailbox
from shop.licences import seats
from shop.licences.seats import csv_reader, import_preview
from shop.text import csv_input
from tests.support import groups
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

ZOE = ("Zoé", "Lefèvre", "zoe.l")
PAUL = ("Paul", "Petit", "paul.p")
BOTH = [ZOE, PAUL]

HEADING = "Prénom;Nom;Login\n"
PLAIN = HEADING + "Zoé;Lefèvre;zoe.l\nPaul;Petit;paul.p\n"


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return groups.installed(alice, bank, 5)


def people_in(content: bytes | str) -> list[tuple[str, str, str]]:
    encoded = content.encode() if isinstance(content, str) else content
    lines = csv_reader.read_people(encoded)
    assert all(line.is_whole for line in lines)
    return [(line.first_name, line.last_name, line.login) for line in lines]


def refusal_of(content: bytes | str) -> Refusal:
    encoded = content.encode() if isinstance(content, str) else content
    with pytest.raises(Refusal) as refused:
        csv_reader.read_people(encoded)
    assert refused.value.field == "file"
    return refused.value


# --- Headings ----------------------------------------------------------------------------------

ENTRA = (
    "version:v1.0,,,,,,\n"
    "Name [displayName] Required,User name [userPrincipalName] Required,"
    "Initial password [passwordProfile] Required,Block sign in (Yes/No) [accountEnabled] Required,"
    "First name [givenName],Last name [surname],Job title [jobTitle]\n"
    "Example: Chris Green,chris@contoso.com,myPassword1234,No,Chris,Green,IT\n"
    "Zoé Lefèvre,zoe.l,Secret1234,No,Zoé,Lefèvre,\nPaul Petit,paul.p,Secret1234,No,Paul,Petit,RH\n"
)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "Prénom;Nom;Login;Service\nZoé;Lefèvre;zoe.l;Compta\nPaul;Petit;paul.p;RH\n",
        "N°;Prénom;Nom;Login\n1;Zoé;Lefèvre;zoe.l\n2;Paul;Petit;paul.p\n",
        "#;Prénom;Nom;Login\n#1;Zoé;Lefèvre;zoe.l\n#2;Paul;Petit;paul.p\n",
        "Login;Service;NOM;Tél.;Prenom\nzoe.l;;Lefèvre;;Zoé\npaul.p;RH;Petit;03;Paul\n",
        "Prénom;Nom;Login;\nZoé;Lefèvre;zoe.l;\nPaul;Petit;paul.p;\n",
        "Prénom;Nom;Login;;;\nZoé;Lefèvre;zoe.l\nPaul;Petit;paul.p;;;\n",
        "\xa0Prénom; NOM DE FAMILLE ;Identifiant\nZoé\xa0;Lefèvre;zoe.l\n\u200fPaul;Petit;paul.p",
        ('#TYPE Selected.PSCustomObject\r\n"First name","Last name","Login"\r\n'
        '"Zoé","Lefèvre","zoe.l"\r\n"Paul","Petit","paul.p"\r\n'),
        ('"GivenName","Surname","Name","UserPrincipalName","SamAccountName"\n'
        "Zoé,Lefèvre,Zoé Lefèvre,zoe@other.example,zoe.l\n"
        "Paul,Petit,Paul Petit,p@other.example,paul.p\n"),
        ("Display name,User principal name,First name,Last name\n"
        "Zoé Lefèvre,zoe.l,Zoé,Lefèvre\nPaul Petit,paul.p,Paul,Petit\n"),
        "Nom d’utilisateur,Prénom,Nom,Nom d’affichage\nzoe.l,Zoé,Lefèvre,Z\npaul.p,Paul,Petit,P\n",
        ENTRA,
        ENTRA.replace("Name [", "Nom [").replace("First name [", "Prénom [")
        .replace("Last name [", "Nom [").replace("Example:", "Exemple\xa0:"),
        ("First Name [Required],Last Name [Required],Username [Required],Org Unit [Required]\n"
        "Zoé,Lefèvre,zoe.l,/\nPaul,Petit,paul.p,/\n"),
        "Prénom*;Nom (obligatoire);Login - requis\nZoé;Lefèvre;zoe.l\nPaul;Petit;paul.p\n",
        "Vorname;Nachname;Benutzername\nZoé;Lefèvre;zoe.l\nPaul;Petit;paul.p\n",
        ("Prénom;Nom;Login;E-mail d’activation;Licence;Statut\nZoé;Lefèvre;zoe.l;z@a;1;Créé\n"
        ";;;configureme@a;2;Non configuré\nPaul;Petit;paul.p;p@a;3;Créé\n"),
        "Line,First name,Last name,Login,Result\n2,Zoé,Lefèvre,zoe.l,\n3,Paul,Petit,paul.p,\n",
        "Liste du personnel;;\n\nPrénom;Nom;Login\nZoé;Lefèvre;zoe.l\nPaul;Petit;paul.p\n",
        "# made by hand; mind the gap\n" + PLAIN + "# the end\n",
        HEADING + "Zoé;Lefèvre;zoe.l\nLogin;Nom;Prénom\npaul.p;Petit;Paul\n",
        PLAIN.replace(";", "|"), PLAIN.replace(";", ","), PLAIN.replace(";", "\t"),
        "sep=|\n" + PLAIN.replace(";", "|"),
        PLAIN.replace("\n", "\r"), PLAIN.replace("\n", "\r\n") + "\x1a",
        '"Prénom;Nom;Login"\n"Zoé;Lefèvre;zoe.l"\n"Paul;Petit;paul.p"\n',
        "'Prénom';'Nom';'Login'\n'Zoé';'Lefèvre';'zoe.l'\n'Paul';'Petit';'paul.p'\n",
        'Prénom; "Nom"; "Login"\n"Zoé"; "Lefèvre"; "zoe.l"\nPaul; "Petit"; paul.p\n',
        '"Prénom";"Nom, de famille";"Nom";"Login"\nZoé;a,b;Lefèvre;zoe.l\nPaul;;Petit;paul.p\n',
        "Zoé;Lefèvre;zoe.l\nPaul;Petit;paul.p\n",
    ],
)  # fmt: skip
def test_a_heading_decides_by_its_names(content: str) -> None:
    assert people_in(content) == BOTH


@pytest.mark.parametrize(
    ("heading", "missing"),
    [
        ("Prénom;Service;Login", "a column: last name."),
        ("Display name;Login", "two columns: first name and last name."),
        ("Nom;Prénom;E-mail", "a column: login."),
        ("First Name [Required];Last Name [Required];Email Address [Required]", "a column: login."),
        ("Nom complet;Nom", "two columns: first name and login."),
        ("First name;Name;Phone", "two columns: last name and login."),
        ("Name;Last name;Username", "a column: first name."),
        ("Prénom;Nom;Nom;Login", "each once"),
    ],
)
@pytest.mark.parametrize("before", ["", "#TYPE X\n", "version:v1.0;;\n", "Liste\n"])
def test_a_heading_known_in_part_says_what_is_missing(
    heading: str, missing: str, before: str
) -> None:
    refused = refusal_of(f"{before}{heading}\nZoé;Lefèvre;zoe.l;x\n")
    assert missing in str(refused)


def test_a_person_may_be_called_as_a_column_is_below_the_heading() -> None:
    assert people_in(HEADING + "Login;Nom de Plume;log.in\n") == [
        ("Login", "Nom de Plume", "log.in")
    ]
    assert people_in(HEADING + "Nom;Sriwan;nom.s\n") == [("Nom", "Sriwan", "nom.s")]


def test_more_cells_than_the_heading_are_told_at_their_line() -> None:
    lines = csv_reader.read_people(b"Prenom;Nom;Login;Service\nA;B;abc;x\nA;B;;cde;x\nA;B\n")
    assert [(line.number, line.is_whole) for line in lines] == [(2, True), (3, False), (4, False)]


def test_people_beyond_many_empty_lines_are_not_forgotten() -> None:
    blank = ";;;configureme\n" * (csv_input.MOST_LINES + 10)
    assert people_in("Prénom;Nom;Login;Mail\n" + blank + "Zoé;Lefèvre;zoe.l;z\n") == [ZOE]


def test_a_file_of_far_too_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_input, "MOST_READ", 4)
    assert "at most 4 lines" in str(refusal_of(HEADING + "A;B;abc\n" * 4))


# --- Encodings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE), ("utf-16-le", b""), ("utf-16-be", b""),
        ("utf-32-le", codecs.BOM_UTF32_LE), ("utf-32-be", codecs.BOM_UTF32_BE),
        ("cp1252", b""), ("iso8859_15", b""), ("cp850", b""), ("cp437", b""), ("mac_roman", b""),
    ],
)  # fmt: skip
def test_names_are_read_in_every_encoding(encoding: str, mark: bytes) -> None:
    people = [*BOTH, ("François", "Noël", "f.noel"), ("Agnès", "Müller", "a.m")]
    rows = "".join(";".join(who) + "\n" for who in people)
    assert people_in(mark + (HEADING + rows).encode(encoding)) == people
    assert people_in(mark + HEADING.encode(encoding) + mark + rows.encode(encoding)) == people


SINGLE = [
    "Zoé", "Lefèvre", "François", "Benoît", "Noël", "Éric", "élodie", "Élodie", "JÉRÔME",
    "LEFÈVRE", "CÔME", "Müller", "Özil", "Muñoz", "O’Neill", "Ångström", "Håkan", "Bjørn",
    "ÇELIK", "João", "Œuvrard", "Cœur", "Anaïs", "Žižek", "Šárka",
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp1252", "iso8859_15", "cp850", "cp437", "mac_roman"])
@pytest.mark.parametrize("name", SINGLE)
def test_one_name_is_read_right_or_refused(name: str, encoding: str) -> None:
    content = f"{name};Dupont;abc\n".encode(encoding, errors="ignore")
    written = content.decode(encoding).partition(";")[0] or None
    assert _first_name_or_refusal(content) in {written, UNCLEAR}


UNCLEAR = "line 1 cannot be read for sure"


def _first_name_or_refusal(content: bytes) -> str | None:
    try:
        return people_in(content)[0][0] or None
    except Refusal as refused:
        return UNCLEAR if UNCLEAR in str(refused) else str(refused)


@pytest.mark.parametrize(
    "name", ["Zoé", "Lefèvre", "François", "Élodie", "JÉRÔME", "O’Neill", "Håkan", "Muñoz", "Özil"]
)
def test_a_name_of_windows_is_read_without_a_heading(name: str) -> None:
    assert people_in(f"{name};Dupont;abc\n".encode("cp1252")) == [(name, "Dupont", "abc")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"Prenom;Nom;Login\nA;B;abc\nZo\xef\xbf\xbd;B;bcd\n", 3),
        ("Prenom;Nom;Login\nZoÃ©;B;bcd\n".encode(), 2),
        (codecs.BOM_UTF8 + HEADING.encode() + "Zoé;B;bcd\n".encode("cp1252"), 2),
        (HEADING.encode() + "Zoé;B;bcd\n".encode("cp1252"), 1),
        ("A;B;abc\nCÔME;B;bcd\n".encode("cp1252"), 2),
        (b"\xe9 " * 100_001, 1),
        ("A;B;abc\nИван;Б;ivan\n".encode("cp1251"), 2),
        ("A;B;abc\nWałęsa;B;lech\n".encode("cp1250"), 2),
    ],
)
def test_letters_that_are_lost_or_ambiguous_are_refused(content: bytes, line: int) -> None:
    assert f"accents of line {line} cannot be read for sure" in str(refusal_of(content))


@pytest.mark.parametrize(
    "content",
    [b"Prenom;Nom;Login\nA\0;B;abc\n", b"\xff\xfeP\0\0\0", b"\0\0\0", b"\xe9\x01;a;b\n"],
)
def test_zeros_and_controls_are_no_text(content: bytes) -> None:
    assert "not a CSV file" in str(refusal_of(content))


# --- Quotation marks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "line", "column"),
    [
        ('A;B;abc\nZoé;"Lefèvre;zoe.l\nPaul;Petit;paul.p\n', 3, 2),
        ('A;B;abc\n"Zoé;Lefèvre;zoe.l\nPaul;Petit;paul.p\n"Luc";Roux;luc\n', 3, 1),
        ('"Zoé;Lefèvre;zoe.l\nBob";B;bob\n', 2, 1),
        ('A;"B\nC";abc\nD;E;"def\nA;B;abc\n', 4, 3),
        ('A;B;abc\nZoé";Lefèvre;zoe.l\n', 3, 1),
        ('"Zoé" la vraie;Lefèvre;zoe.l\n', 2, 1),
        ('A;B;abc\n\nC;D;cde\nE;F;"efg', 5, 3),
    ],
)
def test_a_stray_quotation_mark_is_named_where_it_opens(rows: str, line: int, column: int) -> None:
    refused = refusal_of(HEADING + rows)
    assert refused.values == {"line": line, "column": column}
    assert f"Line {line}, column {column}: a quotation mark" in str(refused)


def test_quotation_marks_in_pairs_are_read() -> None:
    content = HEADING + 'Jean "Jo";"O""Neil"" B";jean\n"Zoé\nMarie";Lefèvre;zoe\nA;B;abc\n'
    lines = csv_reader.read_people(content.encode())
    assert [line.number for line in lines] == [2, 3, 5]
    assert [line.first_name for line in lines] == ['Jean "Jo"', "Zoé\nMarie", "A"]


# --- Into a group ------------------------------------------------------------------------------


def test_whole_addresses_give_the_login_before_the_at_sign(group: LicenceGroup) -> None:
    rows = (
        f"Username,First name,Last name,Display name,x\nzoe.l@{group.domain},Zoé,Lefèvre,Z,Lille\n"
        f"paul.p@{group.domain.upper()},Paul,Petit,P,\nluc@client.example,Luc,Roux,L,\n"
        f"zoe.l@client.example,Zoé,Autre,Z,\n@{group.domain},No,Login,,\nno.domain@,No,Domain,,\n"
    )
    made = import_preview.prepare_import(group, "users.csv", rows.encode())
    lines = list(import_preview.results_of(made))
    assert [line.login for line in lines[:4]] == ["zoe.l", "paul.p", "luc", "zoe.l"]
    assert [line.problem for line in lines[:5]] == [
        "", "", "", import_preview.DUPLICATE_LOGIN, "Enter the login.",
    ]  # fmt: skip
    assert lines[5].problem.startswith("A login is made of")
    assert [line.details for line in lines[:4]] == [{}, {}, {"other_domain": "client.example"}, {}]


def test_an_address_of_another_domain_is_told_before_it_is_configured(
    visitor: Visitor, alice: Account, group: LicenceGroup
) -> None:
    made = import_preview.prepare_import(
        group, "users.csv", (HEADING + "Zoé;Lefèvre;zoe.l@client.example\n").encode()
    )
    visitor.log_in(alice)
    page = visitor.client.get(f"/manager/groups/{group.name}/imports/{made.id}").text
    assert "se termine par @client.example dans le fichier" in page
    assert f"par @{group.domain} ici" in page


def test_names_of_every_script_and_shape_are_kept(group: LicenceGroup) -> None:
    rows = (
        "Thị Hồng;Nguyễn;nguyen12\nJosé;Nun\u0303ez;j.nunez12\nמשה\u200f;כהן\u200f;cohen12\n"
        "王;小明;xm12\nTeller;;teller12\nZoé\xa0;Lefèvre;z.lefevre12\n"
    )
    made = import_preview.prepare_import(group, "p.csv", (HEADING + rows).encode())
    problems = [line.problem for line in import_preview.results_of(made)]
    assert problems == ["", "", "", "", "Enter the last name.", ""]


def test_the_shops_own_export_is_read_again(
    visitor: Visitor, alice: Account, group: LicenceGroup
) -> None:
    groups.configured(group, 2, seats.Person(*ZOE))
    visitor.log_in(alice)
    content = visitor.client.get(f"/manager/groups/{group.name}/seats.csv").data
    assert people_in(content) == [ZOE]
    made = import_preview.prepare_import(groups.fresh(group), "export.csv", content)
    assert [line.problem for line in import_preview.results_of(made)] == [seats.actions.LOGIN_TAKEN]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Prénom;Service;Login\nZoé;x;zoe\n", "Il manque une colonne à l’en-tête : le nom."),
        (HEADING + 'Zoé;"Lefèvre;zoe\n', "Ligne 2, colonne 2 : un guillemet"),
        (HEADING + "Zo\ufffd;Lefèvre;zoe\n", "Les accents de la ligne 2 ne peuvent pas"),
    ],
)
def test_the_form_says_what_is_wrong_with_a_file(
    visitor: Visitor, alice: Account, group: LicenceGroup, content: str, said: str
) -> None:
    visitor.log_in(alice)
    visitor.open(f"/manager/groups/{group.name}/imports")
    sent = visitor.press("Examiner le fichier", file=(io.BytesIO(content.encode()), "équipe.csv"))
    assert sent.status_code == 422
    assert visitor.sees(said)
    assert not Seat.select().where(Seat.login.is_null(False)).exists()


# --- Mailboxes of the same files ---------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "Nom;Prénom;Service;Adresse e-mail;Taille (Go)\nLefèvre;Zoé;RH;zoe@a.example;50\n",
        (
            '#TYPE X\n"PrimarySmtpAddress","GivenName","Surname","Size GB"\n'
            '"zoe@a.example","Zoé","Lefèvre","50"\n'
        ),
        (
            "version:v1.0,,,\nName [displayName],User name [userPrincipalName],First name "
            "[givenName],Last name [surname],Size\nZ L,zoe@a.example,Zoé,Lefèvre,50\n"
        ),
        "email,first_name,last_name\nzoe@a.example,Zoé,Lefèvre,50\n",
        "zoe@a.example;Zoé;Lefèvre;50\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_mailboxes_are_read_by_the_same_reader(content: str, encoding: str) -> None:
    mailboxes = CsvFile(content.encode(encoding)).mailboxes()
    assert mailboxes == [Mailbox("zoe@a.example", "Zoé", "Lefèvre", 50)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("E-mail;Nom\nzoe@a.example;Lefèvre\n", "line 1: the heading lacks first_name"),
        ("email,email,first_name,last_name\n", "line 1: the heading names email twice"),
        ('email;Nom;Prénom\nzoe@a.example;"L;Z\n', "Line 2, column 2: a quotation mark"),
        ("email;Nom;Prénom;x\nzoe@a.example;L\n", "line 2: expected email"),
        ("email;Nom;Prénom;x\nzoe@a.example;L;Z;x;y\n", "line 2: expected email"),
    ],
)
def test_a_file_of_mailboxes_says_what_is_wrong(content: str, said: str) -> None:
    with pytest.raises(InvalidFile) as invalid:
        CsvFile(content.encode()).mailboxes()
    assert invalid.value.problems[0].startswith(said)
