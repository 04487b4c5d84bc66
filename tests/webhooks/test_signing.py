"""Signatures are those of Standard Webhooks, and nothing else passes for one (promise 3)."""

import base64
import random
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from webhooks import signing
from webhooks.signing import TOLERANCE_SECONDS, BadSignature, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAAAAAAAAA="
OLDER = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NOW = 1_800_000_000
BODY = '{"id":"evt_1","name":"Zoë"}'.encode()


@pytest.fixture(autouse=True)
def service() -> None:
    """No database is needed here."""


@pytest.fixture(autouse=True)
def published() -> None:
    """Nothing is told here."""


def _signed(*secrets: str, at: int = NOW, body: bytes = BODY) -> dict[str, str]:
    return signing.headers(list(secrets), "evt_1", at, body)


def _why(sent: dict[str, str], secret: str = SECRET, body: bytes = BODY, now: int = NOW) -> str:
    with pytest.raises(BadSignature) as refused:
        verify(secret, sent, body, now)
    return str(refused.value)


def test_the_vector_of_standard_webhooks() -> None:
    """The one that its specification and all its libraries have."""
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_thousand_random_bodies_are_signed_as_the_reference_signs_them() -> None:
    chance = random.Random(3)  # noqa: S311 no secret depends on it
    letters = "".join(map(chr, [*range(1, 0x250), 0x20AC, 0x2028, 0x1F600, 0xFFFD]))
    for n in range(1000):
        secret = "whsec_" + base64.b64encode(chance.randbytes(chance.randint(24, 64))).decode()
        text = "".join(chance.choices(letters, k=chance.randint(0, 200)))
        at = chance.randint(1, 2**33)

        ours = sign(secret, f"evt_{n}", at, text.encode())

        reference = Webhook(secret)
        assert ours == reference.sign(f"evt_{n}", datetime.fromtimestamp(at, UTC), text)


def test_the_reference_verifies_what_is_sent_with_each_live_secret() -> None:
    now = int(time.time())
    sent = _signed(SECRET, OLDER, at=now)

    for secret in (SECRET, OLDER):
        assert Webhook(secret).verify(BODY, sent) == {"id": "evt_1", "name": "Zoë"}
        verify(secret, sent, BODY, now)


def test_every_live_secret_signs_the_newest_first() -> None:
    signatures = _signed(SECRET, OLDER)["webhook-signature"].split(" ")

    assert signatures == [sign(secret, "evt_1", NOW, BODY) for secret in (SECRET, OLDER)]


def test_secrets_are_random_and_as_the_reference_wants_them() -> None:
    secrets = {signing.new_secret() for _ in range(100)}

    assert len(secrets) == 100
    for secret in secrets:
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
        assert _verified(secret)


def _verified(secret: str) -> bool:
    verify(secret, _signed(secret), BODY, NOW)
    return True


@pytest.mark.parametrize("off", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_a_signature_is_good_for_five_minutes(off: int) -> None:
    verify(SECRET, _signed(SECRET), BODY, NOW + off)


@pytest.mark.parametrize("off", [-TOLERANCE_SECONDS - 1, TOLERANCE_SECONDS + 1, 10**9])
def test_it_is_not_good_for_longer(off: int) -> None:
    why = _why(_signed(SECRET), now=NOW + off)

    assert why == "webhook-timestamp is more than 300 seconds off"


def test_a_change_of_any_byte_is_noticed() -> None:
    sent = _signed(SECRET)
    for place in range(len(BODY)):
        changed = bytearray(BODY)
        changed[place] ^= 1
        assert "no signature" in _why(sent, body=bytes(changed))
    for body in (b"", BODY + b" ", BODY[:-1], BODY.replace(b":", b": ")):
        assert "no signature" in _why(sent, body=body)


def test_a_change_of_what_is_signed_beside_the_body_is_noticed() -> None:
    sent = _signed(SECRET)

    assert "no signature" in _why(sent | {"webhook-id": "evt_2"})
    assert "no signature" in _why(sent | {"webhook-timestamp": str(NOW + 1)})
    assert "no signature" in _why(sent, secret=OLDER)


@pytest.mark.parametrize(
    "others",
    ["{} v1,AAAA", "v1,AAAA {}", "v9,AAAA {}", "v1a,AAAA {}", "  {}  ", "v1 , {}", "é {}", "{} {}"],
)
def test_other_signatures_beside_a_good_one_do_not_matter(others: str) -> None:
    sent = _signed(SECRET)

    verify(
        SECRET,
        sent | {"webhook-signature": others.replace("{}", sent["webhook-signature"])},
        BODY,
        NOW,
    )


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        ",",
        "v1",
        "v1,",
        "v1,,",
        "v1,AAAA",
        "v1, {}",
        "{}",
        "v1,{}x",
        "v1,{}=",
        "V1,{}",
        "v2,{}",
        "v1a,{}",
        "v1={}",
        "v1,{},{}",
        "v1,{}\x00",
        "v1,é",
        "v1,\ud800",
        "v1,%",
        "v1," + "A" * 100_000,
    ],
)
def test_nothing_else_is_a_good_signature(signature: str) -> None:
    good = _signed(SECRET)["webhook-signature"].removeprefix("v1,")

    why = _why(_signed(SECRET) | {"webhook-signature": signature.replace("{}", good)})

    assert why == "no signature in webhook-signature is the right one"


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        " ",
        "now",
        "1.8e9",
        "1800000000.0",
        "-1800000000",
        "+1800000000",
        "1_800_000_000",
        " 1800000000",
        "1800000000 ",
        "0x6b49d200",
        "１８００００００００",
        "9" * 16,
        "NaN",
        "inf",
        "2027-01-15T08:00:00Z",
        "\x00",
    ],
)
def test_a_timestamp_is_a_number_of_seconds(timestamp: str) -> None:
    assert "number of seconds" in _why(_signed(SECRET) | {"webhook-timestamp": timestamp})


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(name: str) -> None:
    sent = _signed(SECRET)
    del sent[name]

    assert name in _why(sent)
    assert name in _why({**sent, name: ""})


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_é",
        "whsec_!",
        "whsec_AAAA",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "whsec_" + base64.b64encode(bytes(32)).decode().rstrip("="),
        SECRET + "\n",
        " " + SECRET,
        "whsec_" + SECRET,
    ],
)
def test_what_is_no_secret_signs_nothing(secret: str) -> None:
    assert "the secret is not" in _why(_signed(SECRET), secret=secret)
    with pytest.raises(BadSignature):
        _signed(secret)


texts = st.text(st.characters(exclude_categories=()), max_size=60)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "webhook-id": texts,
            "webhook-timestamp": texts | st.just(str(NOW)),
            "webhook-signature": texts | st.just("v1,"),
        },
    ),
    st.binary(max_size=60),
)
def test_whatever_is_sent_it_is_refused_in_words(sent: dict[str, str], body: bytes) -> None:
    assert _why(sent, body=body)


@given(st.binary(max_size=200), st.integers(0, 2**40))
def test_what_is_signed_verifies(body: bytes, at: int) -> None:
    verify(SECRET, _signed(OLDER, SECRET, at=at, body=body), body, at)
