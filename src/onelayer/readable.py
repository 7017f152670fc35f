"""Names and messages as people read them: on one line, and without what a terminal would obey."""

import re

# Control characters, line and paragraph separators, and what turns the direction of writing; also the halves of
# surrogate pairs, which stand for bytes of file names that are not UTF-8.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: object) -> str:
    """Return a name, a cell or a message with control characters as the escapes of Python's strings."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))
