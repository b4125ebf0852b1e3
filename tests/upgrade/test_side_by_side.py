"""The previous release goes on serving on the migrated database, beside this one.

Both run on the packages of this release. The sandbox, which stands for parties that no release
changes, is this release's.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shop.database import open_database
from tests import ROOT
from tests.upgrade.releases import Shop, code_of, previous, walk

pytestmark = pytest.mark.waits

NARROWING = "ALTER TABLE purchase_order RENAME COLUMN number TO reference"
"""What no migration may do: the previous release reads and writes that column."""


def test_the_previous_release_serves_on_beside_this_one(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    """Each release's pages are walked through while the other's worker does the jobs.

    Then the control: after a migration that narrows the schema, the same walk fails.
    """
    before = code_of(previous().commit)
    url = new_database("upgrade")
    shop = Shop(tmp_path, url)
    with shop.sandbox_runs():
        shop.migrate(before)
        with shop.web_runs(before) as old:
            old.wait()
            shop.migrate(ROOT)
            with shop.web_runs(ROOT) as new:
                with shop.worker_runs(ROOT):
                    assert walk(before, old.url) == ""
                with shop.worker_runs(before):
                    new.wait()
                    assert walk(ROOT, new.url) == ""
            with closing(open_database(url)) as database:
                database.execute_sql(NARROWING)
            assert "led to 50" in walk(before, old.url), "the walk does not see a narrow schema"
