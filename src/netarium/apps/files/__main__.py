"""`python -m netarium.apps.files`: the file transfer without the rest."""

from __future__ import annotations

import sys

from netarium.apps.files.command import main

sys.exit(main(sys.argv[1:]))
