"""``python -m bridge.cli``: how the bridge starts processes of its own."""

import sys

from bridge.cli import main

sys.exit(main())
