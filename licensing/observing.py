"""Settings about what whoever runs the service sees of it: its log and its metrics."""

from dataclasses import dataclass

from environs import Env, ValidationError, validate

NAMES = ("LOG_FORMAT", "LOG_LEVEL", "METRICS_TOKEN")
FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
SHORTEST_TOKEN = 16


@dataclass(frozen=True)
class Observing:
    """
    What is seen.

    Attributes:
        log_format: SEATKEEPER_LOG_FORMAT, `text` for people or `json` for machines.
        log_level: SEATKEEPER_LOG_LEVEL; requests that went well are logged with `debug` only.
        metrics_token: SEATKEEPER_METRICS_TOKEN, what Prometheus sends as bearer token to /metrics;
            there is no such page without it.
    """

    log_format: str = "text"
    log_level: str = "info"
    metrics_token: str = ""


def read(env: Env) -> Observing:
    """What the environment says; mistakes are kept by `env`."""
    return Observing(
        env.str("LOG_FORMAT", Observing.log_format, validate=validate.OneOf(FORMATS)),
        env.str("LOG_LEVEL", Observing.log_level, validate=validate.OneOf(LEVELS)),
        env.str("METRICS_TOKEN", Observing.metrics_token, validate=_is_long_enough),
    )


def _is_long_enough(token: str) -> None:
    if 0 < len(token) < SHORTEST_TOKEN or not (token.isascii() and token.isprintable()):
        raise ValidationError(f"at least {SHORTEST_TOKEN} printable ASCII characters are needed")
