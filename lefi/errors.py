"""The family of refusals: what services raise when they say no, and edges turn into words."""


class Refused(Exception):
    """A request that is not carried out. `code` is stable and documented; the sentence never names a person."""

    def __init__(self, code: str, sentence: str = "") -> None:
        super().__init__(f"{code}: {sentence}" if sentence else code)
        self.code = code
        self.sentence = sentence
