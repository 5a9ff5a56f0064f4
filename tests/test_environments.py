"""The places that say what to install agree: pyproject.toml, environment.yml, constraints.txt."""

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
NEEDED = [
    need
    for text in [*PROJECT["dependencies"], *(need for extra in EXTRAS.values() for need in extra)]
    if (need := Requirement(text)).name != PROJECT["name"]
]


@pytest.fixture(scope="module")
def conda() -> list:
    return yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


def test_conda_users_get_a_python_the_package_supports(conda: list) -> None:
    (python,) = (need for need in conda if str(need).startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))


def test_conda_lists_nothing_that_pyproject_lists(conda: list) -> None:
    *plain, from_pip = conda
    assert [need.split("=")[0] for need in plain] == ["python", "pip"]
    constraints, editable = from_pip["pip"]
    assert (ROOT / constraints.removeprefix("-c ")).is_file()
    extras = Requirement(f"{PROJECT['name']}{editable.removeprefix('-e .')}").extras
    assert extras <= EXTRAS.keys()


@pytest.mark.parametrize("need", NEEDED, ids=lambda need: need.name)
def test_what_is_needed_is_pinned_to_a_version_that_will_do(need: Requirement) -> None:
    pins = [
        Requirement(line)
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    plain = lambda name: name.lower().replace("_", "-")  # noqa: E731
    (pin,) = (pin for pin in pins if plain(pin.name) == plain(need.name))
    (version,) = pin.specifier
    assert need.specifier.contains(version.version)
