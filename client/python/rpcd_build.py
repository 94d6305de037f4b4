"""Builds the package's wheel (PEP 517), so that pip needs neither network nor setuptools.

A wheel is a zip of the package and three texts about it (PEP 427). There is nothing to compile.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import zipfile
from typing import Any, Dict, List, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
WHEEL = "Wheel-Version: 1.0\nGenerator: rpcd_build\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _project() -> Dict[str, str]:
    """Reads the plain strings of pyproject.toml's [project]. Python has a parser from 3.11 on only."""
    with open(os.path.join(HERE, "pyproject.toml"), encoding="utf-8") as f:
        table = f.read().split("[project]\n")[1].split("\n[")[0]
    return dict(re.findall(r'^([a-z-]+) = "(.*)"$', table, re.MULTILINE))


def build_wheel(wheel_directory: str, config_settings: Optional[Dict[str, Any]] = None, metadata_directory: Optional[str] = None) -> str:
    """Writes the wheel into a folder and gives its name."""
    p = _project()
    about = f"{p['name']}-{p['version']}.dist-info"
    files: Dict[str, bytes] = {}
    for name in sorted(os.listdir(os.path.join(HERE, "rpcd"))):
        if name.endswith((".py", ".typed")):
            with open(os.path.join(HERE, "rpcd", name), "rb") as f:
                files[f"rpcd/{name}"] = f.read()
    lines = ["Metadata-Version: 2.1", f"Name: {p['name']}", f"Version: {p['version']}"]
    lines += [f"Summary: {p['description']}", f"Requires-Python: {p['requires-python']}", ""]
    files[f"{about}/METADATA"] = "\n".join(lines).encode()
    files[f"{about}/WHEEL"] = WHEEL.encode()
    record: List[str] = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        record.append(f"{name},sha256={digest},{len(content)}\n")
    files[f"{about}/RECORD"] = ("".join(record) + f"{about}/RECORD,,\n").encode()
    wheel = f"{p['name']}-{p['version']}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in files.items():
            z.writestr(name, content)
    return wheel
