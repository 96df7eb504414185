"""Draw the pictures of the documentation anew: `python docs/pictures.py` founds Example Company and photographs it.

Needs Chromium (`python scripts/provide.py`) and the `browser` extra. Writes into docs/pictures, at 1280 by 900 px, in
the light: policy.png, the head of the policy page; copy.png, the head of the copy that a customer gets; copy-data.png,
part of it. A name on the command line (`policy`, `copy`) draws only that; `--keep FOLDER` keeps the copy itself.
"""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from troth.example.company import Company

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 900
LARGEST = 250_000


def main(wanted: list[str]) -> None:
    sys.path.insert(0, str(ROOT))
    from playwright.sync_api import sync_playwright

    from scripts.provide import chromium
    from troth.entrypoints import checking, demonstration

    program = chromium()
    if program is None:
        sys.exit("pictures: there is no Chromium here; `python scripts/provide.py` brings one.")
    keep = Path(wanted[wanted.index("--keep") + 1]) if "--keep" in wanted else None
    TARGET.mkdir(exist_ok=True)
    with (
        demonstration.running(port=demonstration.free_port(), people=2_000, folder=None) as (company, instance),
        tempfile.TemporaryDirectory() as temporary,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        if "copy" not in wanted:
            checking.remember(instance, checking.check(instance))
            photograph_policy(page, company.url)
        if "policy" not in wanted:
            photograph_copy(page, copy_of(company, keep or Path(temporary)))
        browser.close()
    for picture in sorted(TARGET.glob("*.png")):
        size = picture.stat().st_size
        if size > LARGEST:
            sys.exit(f"pictures: {picture.name} has {size} bytes, more than {LARGEST}.")
        print(f"pictures: {picture.name}, {size} bytes")


def photograph_policy(page: Any, url: str) -> None:
    page.goto(f"{url}/privacy")
    # the third sentence that is kept opens, so that the picture shows what stands behind a mark
    page.locator("details:has(.v.kept) summary").nth(2).click()
    page.screenshot(path=TARGET / "policy.png")


def photograph_copy(page: Any, folder: Path) -> None:
    page.goto((folder / "index.html").as_uri())
    page.screenshot(path=TARGET / "copy.png")
    page.locator(".group").nth(2).evaluate("each => scrollTo(0, each.getBoundingClientRect().top + scrollY - 24)")
    page.screenshot(path=TARGET / "copy-data.png")


def copy_of(company: Company, folder: Path) -> Path:
    """The copy of one customer of the company, made as any is, taken out of its zip into `folder`."""
    from troth.foundation import people
    from troth.policy import settings
    from troth.policy.vocabulary import Right
    from troth.rights import identity, packages, requests
    from troth.rights.desk import Desk
    from troth.rights.requests import Intake
    from troth.rights.words import Channel, Proof

    with company.open() as troth:
        desk = Desk.of(troth.office, settings.read(company.folder, company.environ))
        try:
            known_by = (people.identifier("id", str(_customer(company.shop_url))),)
            filed = requests.file(desk, Intake(Right.ACCESS, Channel.TERMINAL, known_by, proof=Proof.OPERATOR)).request
            request = identity.settle(desk, filed.id)
            packages.provide(desk, request.id)
            download = packages.open_stream(desk, request.id, request.person or 0)
            if download is None:
                sys.exit("pictures: no copy was made.")
            data = io.BytesIO(b"".join(download.chunks))
        finally:
            desk.close()
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(data) as archive:
        archive.extractall(folder)
    return folder


def _customer(shop_url: str) -> int:
    """The first customer with four orders, who has enough to show and not too much."""
    from sqlalchemy import create_engine, func, select

    from troth.example.shop.tables import orders, users

    open_ = select(users.c.id).where(users.c.closed_at.is_(None))
    often = select(orders.c.user_id).group_by(orders.c.user_id).having(func.count() == 4)
    engine = create_engine(shop_url)
    with engine.connect() as connection:
        found = (
            connection.execute(often.where(orders.c.user_id.in_(open_)).order_by(orders.c.user_id)).scalars().first()
        )
    engine.dispose()
    return int(found or 1)


if __name__ == "__main__":
    main(sys.argv[1:])
