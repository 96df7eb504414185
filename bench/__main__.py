"""Run the benches and print a table with the budget beside each figure: `python -m bench [NAME ...]`.

A bench is a module of this folder with `figures() -> Iterator[Figure]`. Exit status 1 where a budget is not kept or a
bench could not run.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path

from bench.ratio import Figure

FOLDER = Path(__file__).resolve().parent
NO_BENCH = {"__main__", "__init__", "cedar", "founding", "ratio", "rego"}


def main(wanted: list[str]) -> int:
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in NO_BENCH)
    if unknown := [name for name in wanted if name not in names]:
        print(f"no bench named {', '.join(unknown)}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    failed = False
    print("| Work | Figure | Budget | |\n|---|---|---|---|")
    for name in wanted or names:
        try:
            module = importlib.import_module(f"bench.{name}")
            for figure in module.figures():
                failed = failed or figure.kept is False
                print(row(figure), flush=True)
        except Exception:  # noqa: BLE001 - the other benches are run all the same; the status says that one failed
            failed = True
            print(row(Figure(f"bench.{name}", "could not run", kept=False)), flush=True)
            traceback.print_exc()
    return 1 if failed else 0


def row(figure: Figure) -> str:
    verdict = {None: "", True: "kept", False: "**broken**"}[figure.kept]
    return f"| {figure.what} | {figure.figure} | {figure.budget} | {verdict} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
