"""A warning of NumPy that lossmath lets out is a fault: the answer is right, or numbers are huge.

A test that overflows on purpose says so with a mark of its own.
"""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            strict = pytest.mark.filterwarnings("error::RuntimeWarning:lossmath")
            item.add_marker(strict, append=False)
