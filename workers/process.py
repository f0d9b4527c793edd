"""The worker process: everything is built once, then it listens until SIGTERM."""

import sys

from bridge import bootstrap

if __name__ == "__main__":
    sys.exit(bootstrap.run_worker())
