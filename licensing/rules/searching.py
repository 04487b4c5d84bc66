"""
Searching people by name and e-mail (R27): what is compared, and the pieces that an index keeps.

Text is folded here, and not by a database, so that every database finds the same.
"""

import re
import unicodedata

LONGEST_KEY = 100
LONGEST_GRAM = 3
# Letters that Unicode does not take apart, as who has no such key types them, and marks that look
# alike.
ALIKE = str.maketrans(
    {
        "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "þ": "th",
        "æ": "ae", "œ": "oe", "’": "'", "ʼ": "'", "‐": "-", "‑": "-", "–": "-",
    }
)  # fmt: skip
# Joiners and soft hyphens, which nobody sees.
UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def folded(text: str) -> str:
    """
    The text without case, accents and what nobody sees; folding it again changes nothing.

    `É`, `é` and `e` are one letter, so are `ß` and `ss`, and all four Turkish ones are `i`. White
    space is one blank.
    """
    bare = _bare(_bare(text).casefold()).translate(ALIKE)
    return " ".join(UNSEEN.sub("", bare).split())


def _bare(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in apart if not unicodedata.combining(mark))


def name_key(name: str) -> str:
    """What users are sorted by: the beginning of the folded name."""
    return folded(name)[:LONGEST_KEY]


def search_text(name: str, email: str) -> str:
    """What is searched of a user; no word reaches from the name into the address."""
    return f"{folded(name)}\n{folded(email)}"


def words(search: str) -> tuple[str, ...]:
    """The words that all have to be in the text, each once; none where nothing is left of it."""
    found = set(folded(search).split())
    contained = {word for word in found for other in found if word in other and word != other}
    return tuple(sorted(found - contained))


def is_found(text: str, wanted: tuple[str, ...]) -> bool:
    """R27: every word is somewhere in the search text, at the beginning of a word or inside."""
    return all(word in text for word in wanted)


def grams(text: str) -> frozenset[str]:
    """Every piece of one to three characters of a search text: what an index keeps of it."""
    return frozenset(
        text[start : start + length]
        for length in range(1, LONGEST_GRAM + 1)
        for start in range(len(text) - length + 1)
    )


def grams_of_word(word: str) -> tuple[str, ...]:
    """The longest pieces of a word: a text that has the word has all of them."""
    length = min(len(word), LONGEST_GRAM)
    return tuple(sorted({word[at : at + length] for at in range(len(word) - length + 1)}))
