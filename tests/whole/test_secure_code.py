"""Rules on the code itself, which keep whole kinds of weaknesses out."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

from tests import ROOT
from tests.whole.test_architecture import OURS, modules_of

SERVED = sorted(OURS - {"sandbox"})
"""Everything that runs in production."""

CONNECTING = {
    "httpx", "msal", "redis", "requests", "smtplib", "socket", "stripe", "urllib.request",
    "urllib3", "http.client", "ftplib", "telnetlib",
}  # fmt: skip
"""Modules that open connections."""

MAY_CONNECT = {
    "serve.py", "serving/supervisor.py", "shop/mail/smtp.py", "shop/mail/sending.py",
    "shop/office/graph", "shop/office/sandbox.py", "shop/operations/doctor", "shop/payments/stripe",
    "shop/payments/sandbox.py", "shop/sandbox_link/client.py", "shop/security/rate_limits.py",
    "shop/vat/registry.py",
}  # fmt: skip
"""What connects to others (docs/security/parties.md): to a constant or a setting, no one else."""

RUNS_PROGRAMS = {"serve.py", "serving/supervisor.py", "shop/operations/postgresql_tools.py"}

DANGEROUS_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}

DANGEROUS_MODULES = {"pickle", "marshal", "shelve", "yaml", "xml", "lxml", "ldap3", "ctypes"}

PERSONAL = {"nic_handle", "email", "first_name", "last_name", "company", "street", "login"}
"""What log lines leave out: they name people by numbers (docs/security/logging.md)."""

SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))

DANGEROUS_SCRIPT = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|postMessage"
    r"|localStorage|sessionStorage|indexedDB|document\.cookie|__proto__|\.prototype\b"
)


@dataclass(frozen=True)
class Module:
    """A module of the shop: its nodes, its imports, its calls."""

    name: str
    nodes: list[ast.AST]

    @cached_property
    def imports(self) -> set[str]:
        found: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
        return found

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in self.nodes if isinstance(node, ast.Call)]


def read(source: str, name: str = "") -> Module:
    return Module(name, list(ast.walk(ast.parse(source))))


@cache
def modules() -> list[Module]:
    paths = [path for room in SERVED for path in modules_of(room)]
    return [read(path.read_text(), str(path.relative_to(ROOT))) for path in paths]


def is_listed(name: str, listed: set[str]) -> bool:
    return any(name == each or name.startswith(f"{each}/") for each in listed)


def test_only_named_modules_connect_to_others() -> None:
    connecting = {
        each.name
        for each in modules()
        if any({name, name.split(".")[0]} & CONNECTING for name in each.imports)
    }
    assert not {name for name in connecting if not is_listed(name, MAY_CONNECT)}
    for each in MAY_CONNECT:
        assert any(is_listed(name, {each}) for name in connecting), f"{each} does not connect"


def test_no_client_follows_redirects() -> None:
    """httpx follows none unless asked to; requests, by which Stripe's other client calls, does, and
    so does urllib3 unless it is asked not to."""
    asking = [
        f"{each.name}:{call.lineno}"
        for each in modules()
        for call in each.calls
        for word in call.keywords
        if word.arg == "follow_redirects"
    ]
    assert not asking
    assert not [each.name for each in modules() if "requests" in each.imports]
    by_urllib3 = [each for each in modules() if "urllib3" in each.imports]
    names = [ast.unparse(call.func) for each in by_urllib3 for call in each.calls]
    assert not [name for name in names if name.endswith((".request", "PoolManager"))]
    for call in (call for each in by_urllib3 for call in each.calls):
        if ast.unparse(call.func).endswith(".urlopen"):
            assert "redirect=False" in ast.unparse(call)
    assert not [
        each.name
        for each in modules()
        for call in each.calls
        if ast.unparse(call.func).endswith("RequestsClient")
    ]


def test_only_named_modules_run_programs_and_none_through_a_shell() -> None:
    running = [each for each in modules() if "subprocess" in each.imports]
    assert {each.name for each in running} == RUNS_PROGRAMS
    words = [
        (each.name, word.arg) for each in running for call in each.calls for word in call.keywords
    ]
    assert not [name for name, word in words if word in {"shell", None}]


def test_log_lines_name_nobody() -> None:
    written = [
        (f"{each.name}:{word.value.lineno}", ast.unparse(word.value))
        for each in modules()
        for call in each.calls
        if re.match(r"_?log\.\w+$", ast.unparse(call.func))
        for word in call.keywords
    ]
    assert len(written) > 80
    assert not [place for place, value in written if PERSONAL & set(value.split("."))]


def test_nothing_received_is_executed_or_unpickled() -> None:
    wrong = [
        f"{each.name}:{call.lineno}"
        for each in modules()
        for call in each.calls
        if ast.unparse(call.func) in DANGEROUS_CALLS
    ]
    wrong += [
        f"{each.name} imports {name}"
        for each in modules()
        for name in each.imports
        if name.split(".")[0] in DANGEROUS_MODULES - MAY_USE.get(each.name, set())
    ]
    assert not wrong


MAY_USE = {
    "serving/supervisor.py": {"ctypes"},
    "shop/documents/factur_x.py": {"lxml"},
    "shop/money_acts/statement_files.py": {"lxml"},
}
"""One asks the kernel to end children with their parent, one validates what it wrote, and one reads
statements, without their document types and entities."""


def test_no_template_is_made_of_a_text_that_is_not_the_shops() -> None:
    names = {"from_string", "render_template_string", "Template"}
    wrong = [
        f"{each.name}:{call.lineno}"
        for each in modules()
        for call in each.calls
        if ast.unparse(call.func).split(".")[-1] in names
    ]
    assert not wrong


def test_templates_escape_everything_but_one_constant() -> None:
    safe = [
        (str(path.relative_to(ROOT)), line.strip())
        for path in (ROOT / "templates").rglob("*.html")
        for line in path.read_text().splitlines()
        if re.search(r"\|\s*safe\b|autoescape", line)
    ]
    assert [path for path, _ in safe] == ["templates/mail/base.html"]
    assert '"&#847;&zwnj;&nbsp;"|safe' in safe[0][1]


def test_hashes_and_random_numbers_are_strong() -> None:
    wrong = [
        f"{each.name}:{node.lineno} {ast.unparse(node)}"
        for each in modules()
        for node in each.nodes
        if isinstance(node, ast.Attribute)
        and node.attr in {"md5", "sha1", "new", "uuid1"}
        and ast.unparse(node) in {"hashlib.md5", "hashlib.sha1", "hashlib.new", "uuid.uuid1"}
    ]
    random = {each.name for each in modules() if "random" in each.imports}
    assert not wrong
    assert random == {"shop/jobs/queue.py"}, "the spread of retries alone may be guessed"


def test_sql_is_not_put_together_of_values() -> None:
    """Statements are Peewee's, with parameters, or constants of the code."""
    wrong = [
        f"{each.name}:{call.lineno}"
        for each in modules()
        for call in each.calls
        if ast.unparse(call.func).split(".")[-1] in {"SQL", "execute_sql", "raw"}
        and any(isinstance(argument, (ast.JoinedStr, ast.BinOp)) for argument in call.args)
        and not each.name.startswith("shop/operations/")
    ]
    assert not wrong


def test_patterns_are_constants() -> None:
    functions = {"compile", "match", "search", "sub", "fullmatch", "split", "findall", "finditer"}
    wrong = [
        f"{each.name}:{call.lineno}"
        for each in modules()
        for call in each.calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "re"
        and call.func.attr in functions
        and not isinstance(call.args[0], ast.Constant)
        and "re.escape" not in ast.unparse(call.args[0])
    ]
    assert not wrong


KEPT_FOR_A_PAGE = re.compile(r"sessionStorage\.(?:setItem|getItem|removeItem)\(TYPED\b")
"""The one thing a script keeps: what was typed, without passwords, until the same page comes in
the other language."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_text_only_and_store_nothing(script: Path) -> None:
    lines = [KEPT_FOR_A_PAGE.sub("", line) for line in script.read_text().splitlines()]
    assert not [line for line in lines if DANGEROUS_SCRIPT.search(line)]
    assert '"use strict";' in script.read_text()
    assert script.read_text().count("(function () {") == 1


def test_the_one_script_of_another_site_is_pinned_by_its_hash() -> None:
    tags = re.findall(r"<(?:script|link)\b[^>]*https://[^>]*>", all_templates(), re.DOTALL)
    assert len(tags) == 1
    assert re.search(r'integrity="sha384-[\w+/]{64}"', tags[0])
    assert "crossorigin" in tags[0]
    assert re.search(r"@\d+\.\d+\.\d+/", tags[0])


def all_templates() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))


def test_only_post_changes_anything_beside_reading() -> None:
    """No view answers other methods than GET and POST, and none both."""
    wrong = [
        f"{each.name}:{decorator.lineno}"
        for each in modules()
        for node in each.nodes
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in {"route", "put", "patch", "delete"}
    ]
    assert not wrong


READS_THE_CLOCK = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
    "time.localtime", "time.gmtime", "time.ctime", "time.strftime",
}  # fmt: skip


def test_one_module_of_the_shop_reads_the_clock() -> None:
    reading = {
        each.name
        for each in modules()
        if each.name.startswith("shop/")
        and any(ast.unparse(call.func) in READS_THE_CLOCK for call in each.calls)
    }
    assert reading == {"shop/clock.py"}


def test_no_test_sleeps() -> None:
    """Fixtures and the driver of faults may, between two looks at what they wait for."""
    free = (ROOT / "tests" / "support", ROOT / "tests" / "faults")
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "e2e").rglob("*.py")]
        if not path.is_relative_to(free[0]) and not path.is_relative_to(free[1])
        if "sleep" in (source := path.read_text())
        for call in read(source).calls
        if ast.unparse(call.func) in {"time.sleep", "sleep"}
    ]
    assert not found


def test_no_function_replaces_a_name_of_its_module() -> None:
    """What a process keeps is in a `PerProcess`, which setting up again replaces."""
    found = [
        f"{each.name}:{node.lineno}"
        for each in modules()
        for node in each.nodes
        if isinstance(node, ast.Global)
    ]
    assert not found


@pytest.mark.parametrize(
    ("source", "found"),
    [("eval('1')", True), ("import pickle", True), ("re.compile('a')", False)],
)
def test_control_the_rules_find_what_they_look_for(source: str, found: bool) -> None:
    module = read(source)
    dangerous = [call for call in module.calls if ast.unparse(call.func) in DANGEROUS_CALLS]
    assert bool(dangerous or module.imports & DANGEROUS_MODULES) is found
