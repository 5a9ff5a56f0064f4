"""The corpus: hostile and faulty submissions, by the kind of weakness they try."""

from tests.hostile.attack import Attack
from tests.hostile.corpus import (
    answers,
    channel,
    comparing,
    files,
    pages,
    peeking,
    reaching,
    stopping,
    structure,
)

KINDS: dict[str, tuple[Attack, ...]] = {
    "tampering with the comparison": comparing.ATTACKS,
    "reading what is hidden": peeking.ATTACKS,
    "acting outside the notebook": reaching.ATTACKS,
    "stopping or slowing the grading": stopping.ATTACKS,
    "changed cells and metadata": structure.ATTACKS,
    "faulty and hostile files": files.ATTACKS,
    "script for whoever reads": pages.ATTACKS,
    "answers that are not what they seem": answers.ATTACKS,
    "forging the way to the score": channel.ATTACKS,
}
CORPUS = {attack.name: attack for attacks in KINDS.values() for attack in attacks}
assert len(CORPUS) == sum(map(len, KINDS.values())), "two attacks have one name"
