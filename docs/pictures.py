"""Draw the pictures of the documentation anew: `python docs/pictures.py` founds Example Company and photographs it.

Needs Chromium (`python scripts/provide.py`) and the `browser` extra. Writes docs/pictures/policy.png, the head of the
policy page at 1280 by 900 px, in the light.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 900
LARGEST = 250_000


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from playwright.sync_api import sync_playwright

    from scripts.provide import chromium
    from troth.entrypoints import checking, demonstration

    program = chromium()
    if program is None:
        sys.exit("pictures: there is no Chromium here; `python scripts/provide.py` brings one.")
    TARGET.mkdir(exist_ok=True)
    with demonstration.running(port=demonstration.free_port(), people=2_000, folder=None) as (company, instance):
        checking.remember(instance, checking.check(instance))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            page.goto(f"{company.url}/privacy")
            # the third sentence that is kept opens, so that the picture shows what stands behind a mark
            page.locator("details:has(.v.kept) summary").nth(2).click()
            page.screenshot(path=TARGET / "policy.png")
            browser.close()
    size = (TARGET / "policy.png").stat().st_size
    if size > LARGEST:
        sys.exit(f"pictures: policy.png has {size} bytes, more than {LARGEST}.")
    print(f"pictures: policy.png, {size} bytes")


if __name__ == "__main__":
    main()
