"""Entry point for Managed Service for Apache Flink: starts the job named by the property `job` of the group `fire`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "dep"))

from jobs.flink import managed

if __name__ == "__main__":
    sys.exit(managed.main(sys.argv[1:]))
