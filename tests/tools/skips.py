"""What could not be run here is named: in the output, and where `.ci/run` counts, at its end too."""

import os

EXIT = 77  # nothing could be run


def skip(what):
    """Say that something is left out; `what` names it, and why, in one line."""
    print(f"skipped: {what}", flush=True)
    if os.environ.get("SKIPS"):
        with open(os.environ["SKIPS"], "a") as file:
            file.write(what + "\n")
