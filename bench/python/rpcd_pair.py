"""rpcd.connect and resident.serve_arrays (echo.py)."""

import sys

import rpcd
import turns

with rpcd.connect(sys.argv[1], "echo") as echo:
    turns.ask(echo)
