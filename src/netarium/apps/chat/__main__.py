"""`python -m netarium.apps.chat`: the chat without the rest."""

from __future__ import annotations

import sys

from netarium.apps.chat.command import main

sys.exit(main(sys.argv[1:]))
