"""How names and addresses are compared (R27)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.rules.searching import (
    LONGEST_KEY,
    folded,
    grams,
    grams_of_word,
    is_found,
    name_key,
    search_text,
    words,
)

TEXTS = st.text("aAeéÉiIıİsSßẞ%_*'’ \t\u0301\u00ad\u200dﬁΣςσłøÆŉǰΐﷺ한日ﾊﾞ𐐀हिं", max_size=12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Élodie", "elodie", id="an accent"),
        pytest.param("e\u0301", "\u00e9", id="composed or not"),
        pytest.param("STRASSE", "straße", id="sharp s"),
        pytest.param("ẞ", "ss", id="capital sharp s"),
        pytest.param("ISTANBUL", "İstanbul", id="dotted capital I"),
        pytest.param("ışık", "ISIK", id="dotless i"),
        pytest.param("Łódź", "lodz", id="a stroke"),
        pytest.param("Ægir Bjørn", "aegir bjorn", id="Nordic letters"),
        pytest.param("ＡＢＣ", "abc", id="full width"),
        pytest.param("ﬁ", "fi", id="a ligature"),
        pytest.param("ΣΊΣΥΦΟΣ", "σίσυφος", id="final sigma"),
        pytest.param("O’Neill", "o'neill", id="apostrophes"),
        pytest.param("a\u00adb\u200bc", "abc", id="what nobody sees"),
        pytest.param("  a \t b ", "a b", id="white space"),
    ],
)
def test_r27_texts_that_people_take_for_the_same_are(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_r27_other_scripts_keep_their_letters() -> None:
    assert folded("日本 太郎") == "日本 太郎"
    assert folded("Иван") == "иван"
    assert folded("हिन्दी") != folded("हन्दी")
    assert folded("%_*\"'\\") == "%_*\"'\\"


@given(TEXTS)
def test_r27_folding_twice_changes_nothing_and_forms_do_not_matter(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert folded(unicodedata.normalize("NFD", text)) == folded(text)
    assert folded(text.upper().lower()) == folded(text.lower().upper().lower())


@given(TEXTS, TEXTS, TEXTS)
def test_r27_a_text_that_has_the_words_has_all_their_pieces(
    name: str, email: str, search: str
) -> None:
    text, wanted = search_text(name, email), words(search)

    if is_found(text, wanted):
        assert {gram for word in wanted for gram in grams_of_word(word)} <= grams(text)
    assert is_found(text, words(name))
    assert is_found(text, words(email))
    assert is_found(search_text(search, "x"), wanted)


def test_r27_words_are_looked_for_once_and_none_is_part_of_another() -> None:
    assert words("Ann ANN anna") == ("anna",)
    assert words("b a") == ("a", "b")
    assert words("\u0301 \u200b") == ()
    assert is_found("anything", ())
    assert not is_found("anna\nb@example.com", ("annab",))


def test_r27_the_pieces_of_a_word_are_as_long_as_can_be() -> None:
    assert grams_of_word("a") == ("a",)
    assert grams_of_word("ab") == ("ab",)
    assert grams_of_word("abcd") == ("abc", "bcd")
    assert grams("abc") == {"a", "b", "c", "ab", "bc", "abc"}


def test_r27_a_name_is_sorted_by_its_beginning() -> None:
    assert name_key("Émile") == "emile"
    assert len(name_key("ﷺ" * 200)) == LONGEST_KEY
