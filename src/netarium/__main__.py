"""`python -m netarium` is `netarium`."""

import sys

from netarium.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
