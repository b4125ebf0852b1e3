"""The operator's commands for members of staff."""

from __future__ import annotations

import re

from flask import Flask
from structlog.testing import capture_logs

from models import StaffAccount, StaffLetter
from shop.customers.activity_log import Origin
from shop.operations import demo
from shop.security import one_time_codes
from shop.staff import accounts, sign_in
from tests.support.client import browser


def test_the_operator_adds_changes_and_disables_members(app: Flask) -> None:
    def run(*args: str) -> str:
        return app.test_cli_runner().invoke(args=["staff", *args], catch_exceptions=False).output

    said = run("add", "Dominique.Durand@nuage.example", "--role", "administrator")
    assert "invitation" in said, said
    link = re.search(r"http://localhost(/desk/invitation/\S+)", said)[1]
    assert browser(app).get(link).status_code == 200
    assert "has this email" in run("add", "dominique.durand@nuage.example", "--role", "support")
    run("add", "lea@nuage.example", "--role", "support")
    assert "last administrator" in run("disable", "dominique.durand")
    assert "auditor from now on" in run("set-role", "lea@nuage.example", "--role", "auditor")
    assert "another e-mail address" in run("set-email", "lea@nuage.example", "Lea.B@nuage.example")
    assert "has this email" in run("set-email", "lea", "dominique.durand@nuage.example")
    assert "not an email address" in run("set-email", "lea", "lea.b@nowhere")
    assert "no member of staff nobody" in run("set-email", "nobody", "nobody@nuage.example")
    told = StaffLetter.select().order_by(StaffLetter.id.desc()).limit(3)
    assert [(row.kind, row.recipient) for row in told] == [
        ("staff_invitation", "lea.b@nuage.example"),
        ("staff_account_changed", "lea.b@nuage.example"),
        ("staff_account_changed", "lea@nuage.example"),
    ]
    assert "is disabled" in run("disable", "lea.b@nuage.example")
    listed = run("list").splitlines()
    assert [line.split() for line in listed] == [
        ["dominique.durand", "administrator", "invited", "dominique.durand@nuage.example"],
        ["lea", "auditor", "disabled", "lea.b@nuage.example"],
    ]
    assert "can sign in again" in run("enable", "lea")
    with capture_logs() as logged:
        assert "lea is not disabled" in run("enable", "lea")
    assert logged == [], "no line of the log tells of a change that was none"
    assert "/desk/invitation/" in run("reset", "dominique.durand")
    assert browser(app).get(link).status_code == 404, "the earlier link is void"
    assert "no member of staff nobody" in run("reset", "nobody")
    assert {row.role for row in StaffAccount.select()} == {"administrator", "auditor"}


def test_the_demo_has_a_member_of_staff_whose_secret_is_told(app: Flask) -> None:
    for _ in range(2):
        said = app.test_cli_runner().invoke(args=["demo", "load"]).output
    login, secret = (re.search(rf"{name}: +(\S+)", said)[1] for name in ("Login", "for the codes"))
    begun = sign_in.begin_sign_in(login, demo.DEMO_PASSWORD, Origin("127.0.0.1"))
    assert sign_in.finish_by_code(begun, one_time_codes.code_of(secret), Origin("127.0.0.1"))
    accounts.reset(accounts.find_member(login))
    assert "Secret" not in app.test_cli_runner().invoke(args=["demo", "load"]).output
