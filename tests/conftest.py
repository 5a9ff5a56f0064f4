"""Settings for every test: random examples that are the same on every run and never timed."""

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the chapters: one process builds them all, while the other does the rest."""
    items.sort(key=lambda item: item.path.parent.name != "theory")
