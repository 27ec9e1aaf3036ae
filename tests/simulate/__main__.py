"""`make simulate`: draws the studies, writes docs/decisions/simulation.md and its figure."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulate import figure, page
from tests.simulate.replicates import simulate


def main() -> None:
    """Simulates and writes."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--replicates", type=int, default=5000, help="studies drawn of each world and size")
    parser.add_argument("--permutations", type=int, default=999, help="random permutations of one test")
    chosen = parser.parse_args()
    begun = time.monotonic()
    simulated = simulate(chosen.replicates, chosen.permutations, tell=lambda how_far: print(how_far, file=sys.stderr))
    figure.write(simulated)
    print(page.write(simulated, time.monotonic() - begun))


if __name__ == "__main__":
    main()
