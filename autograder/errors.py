"""What an instructor or author did that can be put right, as an exception of its own."""


class WrongUse(ValueError):
    """A foreseeable mistake; the text is one sentence that says what is wrong, or what to do."""
