"""Tests of what is not installed are skipped, and say so."""
import shutil

import pytest


def need(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        pytest.skip("not installed: " + ", ".join(missing))
