"""`python -m bailee`."""

import sys

from bailee.cli.main import main

sys.exit(main())
