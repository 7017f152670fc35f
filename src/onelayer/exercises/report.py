"""The message of a verdict: what is wrong, the input in full, what came of it, and one hint."""

from dataclasses import dataclass
from typing import Any

from onelayer.exercises import wording
from onelayer.exercises.comparing import difference
from onelayer.exercises.exercise import Arguments, Exercise, Language, Observation, Words
from onelayer.exercises.running import Raised
from onelayer.exercises.showing import lines_of, lines_of_all, text_of

INDENT = "    "  # code, in Markdown


@dataclass(frozen=True)
class Report:
    """Writes the messages of one exercise in one language."""

    exercise: Exercise
    language: Language

    def uncallable(self, parameters: str) -> str:
        """Return that a function with these parameters cannot be called as the exercise wants."""
        expected, got = wording.EXPECTED.of(self.language), wording.GOT.of(self.language)
        details = [expected + self.exercise.signature, got + self.exercise.name + parameters]
        details += ["", *self._parameters()]
        return self._message(wording.UNCALLABLE.of(self.language), details, wording.UNCALLABLE_HINT)

    def _parameters(self) -> list[str]:
        colon = "：" if self.language == "zh" else ": "
        return [name + colon + words.of(self.language) for name, words in self.exercise.arguments.items()]

    def raised(self, arguments: Arguments, raised: Raised, hint: Words | None) -> str:
        """Return that a function raised an error, and where."""
        words, details = wording.RAISED, []
        if raised.line is not None:
            words = wording.RAISED_IN_LINE
            details = [wording.LINE.of(self.language, line=raised.line, source=raised.source)]
        details.append(f"{raised.kind}: {raised.text}" if raised.text else raised.kind)
        sentence = words.of(self.language, kind=raised.kind, line=raised.line)
        return self._message(
            sentence, [*self._input(arguments), "", *details], hint or hint_for_error(raised)
        )

    def differing(
        self, arguments: Arguments, outcome: Observation, truth: Observation, name: str, hint: Words | None
    ) -> str:
        """Return that a value of an observation is not the one of the truth."""
        got, expected = outcome.values.get(name), truth.values[name]
        sentence, general_hint = self._differing_words(name, got, expected)
        if outcome.shown is None:
            details = self._pair(name, got, expected)
        else:
            details = [wording.GOT.of(self.language).rstrip()]
            details += [INDENT + line for line in lines_of_all(outcome.shown, self.language)]
        return self._message(sentence, [*self._input(arguments), "", *details], hint or general_hint)

    def _differing_words(self, name: str, got: Any, expected: Any) -> tuple[str, Words]:
        if name in self.exercise.differs:
            return self.exercise.differs[name].of(self.language), self.exercise.otherwise
        if name == "changed":
            return wording.CHANGED.of(self.language, names=", ".join(got)), wording.CHANGED_HINT
        if name == "gradient":
            return wording.GRADIENT.of(self.language), self.exercise.otherwise
        kind, values = difference(got, expected, self.exercise.or_vector)
        words, hint = wording.KINDS[kind]
        return words.of(self.language, **values), hint or self.exercise.otherwise

    def _pair(self, name: str, got: Any, expected: Any) -> list[str]:
        """Return the lines with the value that is expected and the one that came."""
        if name == "changed" or isinstance(expected, bool):  # the sentence has said it
            return []
        pair = []
        for words, value in ((wording.EXPECTED, expected), (wording.GOT, got)):
            label = words.of(self.language)
            if isinstance(value, dict | list):
                pair += [label.rstrip(), *(INDENT + line for line in lines_of(name, value, self.language))]
            else:
                first, *more = text_of(value, self.language).split("\n")
                pair += [label + first, *(" " * width(label) + line for line in more)]
        return pair

    def _input(self, arguments: Arguments) -> list[str]:
        return self.exercise.show(arguments, self.language)

    def _message(self, sentence: str, details: list[str], hint: Words) -> str:
        code = "\n".join(INDENT + line if line else "" for line in details).rstrip()
        return f"{sentence}\n\n{code}\n\n{wording.HINT.of(self.language)}{hint.of(self.language)}"


def width(text: str) -> int:
    """Return the columns that a text takes in a terminal, where Chinese characters take two each."""
    return sum(1 + (character > "\u2e7f") for character in text)


def hint_for_error(raised: Raised) -> Words:
    """Return the general hint for an error."""
    for kind, part, hint in wording.ERROR_HINTS:
        if raised.kind == kind and part in raised.text:
            return hint
    return wording.ERROR_HINT
