"""`pip install ./client/python` works without a network."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest

from . import rig


class Install(unittest.TestCase):
    def test_pip(self) -> None:
        if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0:
            self.skipTest("no pip for this Python (python3-pip)")
        with tempfile.TemporaryDirectory() as target:
            done = subprocess.run(
                [sys.executable, "-m", "pip", "install", "--no-index", "--disable-pip-version-check", "--target", target, rig.PACKAGE],
                capture_output=True,
                text=True,
                env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            found = subprocess.run(
                [sys.executable, "-c", "import rpcd.resident; print(rpcd.__file__)"],
                capture_output=True,
                text=True,
                cwd="/",
                env={**os.environ, "PYTHONPATH": target},
            )
            self.assertEqual(found.stdout, os.path.join(target, "rpcd", "__init__.py") + "\n")
            self.assertTrue(os.path.exists(os.path.join(target, "rpcd", "py.typed")))
