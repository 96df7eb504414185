"""A process that sequences until it is killed: `python sequencing_process.py URL KEY_FOLDER`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from troth.foundation.keys import Keyring
from troth.foundation.ledger.sequencer import Sequencer
from troth.foundation.store import Store

if __name__ == "__main__":
    with Store.open(sys.argv[1]) as store, Sequencer(store, Keyring.load(Path(sys.argv[2]), {})):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            time.sleep(60)
