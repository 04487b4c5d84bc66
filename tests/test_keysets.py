"""The keys of an identity provider: kept, renewed, and never waited for for long."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from licensing import keysets
from licensing.keysets import KeySource, KeysUnavailable
from tests.providers import (
    AProvider,
    drips,
    drips_headers,
    fails,
    new_key,
    redirects,
    says,
    shows,
)


class Watch:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def read(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def provider() -> Iterator[AProvider]:
    with AProvider() as provider:
        yield provider


def _source(provider: AProvider, watch: Watch) -> KeySource:
    return KeySource(partial(keysets.fetched_from, provider.url), watch.read)


def _settle(source: KeySource) -> None:
    """Wait for the fetch that is under way, if one is."""
    if source._under_way is not None:
        assert source._under_way.wait(20)


def test_keys_are_fetched_once_and_taken_for_five_minutes(provider: AProvider) -> None:
    watch = Watch()
    source = _source(provider, watch)

    for _ in range(50):
        assert source.key("first") is not None
        watch.move(6)
    asked = provider.asked
    watch.move(1)
    source.key("first")
    _settle(source)

    assert (asked, provider.asked) == (1, 2)


def test_a_new_key_is_taken_within_half_a_minute(provider: AProvider) -> None:
    watch = Watch()
    source = _source(provider, watch)
    source.key("first")
    provider.rotate()

    too_early = source.key("second")
    watch.move(30)

    assert too_early is None
    assert source.key("second") is not None
    assert source.key("first") is None
    assert provider.asked == 2


def test_a_thousand_unknown_ids_cost_the_provider_one_question_in_half_a_minute(
    provider: AProvider,
) -> None:
    watch = Watch()
    source = _source(provider, watch)
    source.key("first")

    for number in range(1000):
        assert source.key(f"guess-{number}") is None
        watch.move(0.09)

    assert 3 <= provider.asked <= 4


def test_while_the_provider_is_down_its_keys_are_good_for_a_day(provider: AProvider) -> None:
    watch = Watch()
    source = _source(provider, watch)
    source.key("first")
    provider.answer = fails

    for _ in range(24):
        assert source.key("first") is not None
        _settle(source)
        watch.move(3599)
    watch.move(25)

    with pytest.raises(KeysUnavailable):
        source.key("first")
    provider.answer = shows
    watch.move(5)
    assert source.key("first") is not None


GARBAGE = {
    "an error": fails,
    "a redirect": redirects,
    "nothing": says(b""),
    "a page": says(b"<html>"),
    "a list": says(b"[]"),
    "null": says(b'{"keys": null}'),
    "no keys": says(b'{"keys": []}'),
    "no keys at all": says(b'{"keys": [1, null, "x", {}, {"kty": []}]}'),
    "a shared secret": says(b'{"keys": [{"kty": "oct", "k": "AAAA"}]}'),
    "a weak key": says(b'{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}'),
    "a broken key": says(b'{"keys": [{"kty": "EC", "crv": "P-256", "x": 1}]}'),
    "nesting": says(b"[" * 100_000),
    "too much": says(b" " * 300_000),
    "no text": says(b"\xff\xfe"),
}


def test_garbage_never_replaces_the_keys(provider: AProvider) -> None:
    watch = Watch()
    source = _source(provider, watch)
    source.key("first")
    watch.move(3601)

    for what, answer in GARBAGE.items():
        provider.answer = answer
        assert source.key("first") is not None, what
        watch.move(30)

    assert provider.asked == 1 + len(GARBAGE)


@pytest.mark.parametrize("answer", [drips, drips_headers])
def test_a_provider_that_drips_keeps_nobody_waiting_and_is_hung_up_on(
    provider: AProvider, answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keysets, "SECONDS_A_REQUEST_WAITS", 0.05)
    monkeypatch.setattr(keysets, "SECONDS_FOR_A_FETCH", 0.3)
    provider.answer = answer  # type: ignore[assignment]
    source = _source(provider, Watch())

    with pytest.raises(KeysUnavailable):
        source.key("first")
    under_way = source._under_way

    assert under_way is not None
    assert under_way.wait(20)  # 50 s, and for ever, if it were waited for
    assert source._under_way is None


def test_many_threads_ask_the_provider_once(provider: AProvider) -> None:
    source = _source(provider, Watch())
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(source.key("first"))) for _ in range(16)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert provider.asked == 1
    assert len(found) == 16
    assert None not in found


def test_nobody_waits_for_a_renewal_while_the_keys_are_young(provider: AProvider) -> None:
    watch = Watch()
    source = _source(provider, watch)
    source.key("first")
    let_go = threading.Event()
    provider.answer = lambda handler, keys: let_go.wait(20) and None
    watch.move(301)

    found = source.key("first")  # returns, although the provider does not answer

    assert found is not None
    assert source._under_way is not None
    let_go.set()
    _settle(source)


def test_a_token_without_a_key_id_is_for_the_only_key(provider: AProvider) -> None:
    alone = _source(provider, Watch())
    assert alone.key(None) is not None

    provider.keys.append(new_key("EC", "other"))
    among_others = _source(provider, Watch())

    assert among_others.key(None) is None
    assert among_others.key("other") is not None


def test_what_is_not_understood_is_passed_over(provider: AProvider) -> None:
    good = provider.key_set[:-2]
    odd = b', {"kty": "PQC", "kid": "new"}, {"kty": "oct", "k": "AAAA", "kid": "shared"}]}'

    keys = keysets.keys_in(good + odd)

    assert set(keys) == {"first"}


def test_a_key_that_is_for_encryption_checks_no_signature(provider: AProvider) -> None:
    with pytest.raises(ValueError, match="no key"):
        keysets.keys_in(provider.key_set.replace(b'"use": "sig"', b'"use": "enc"'))


def test_a_connection_that_is_refused_is_told_at_once() -> None:
    with AProvider() as gone:
        url = gone.url
    source = KeySource(partial(keysets.fetched_from, url))

    with pytest.raises(KeysUnavailable):
        source.key("first")

    assert source._under_way is None  # it was not waited for in vain
