"""The corpus, graded once as a class between honest students."""

import pytest

from tests.hostile.corpus import CORPUS
from tests.hostile.field import grade_class


@pytest.fixture(scope="session")
def graded(tmp_path_factory):
    folder, home = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")
    return grade_class(folder, home, CORPUS.values())
