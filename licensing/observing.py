"""Settings about what whoever runs the service sees of it: its log, its metrics, its spans."""

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
        traced: whether the variables that OpenTelemetry itself reads name a place to send spans to.
    """

    log_format: str = "text"
    log_level: str = "info"
    metrics_token: str = ""
    traced: bool = False


def read(env: Env) -> Observing:
    """What the environment says; mistakes are kept by `env`."""
    return Observing(
        env.str("LOG_FORMAT", Observing.log_format, validate=validate.OneOf(FORMATS)),
        env.str("LOG_LEVEL", Observing.log_level, validate=validate.OneOf(LEVELS)),
        env.str("METRICS_TOKEN", Observing.metrics_token, validate=_is_long_enough),
        _names_a_place(Env()),
    )


def _names_a_place(standard: Env) -> bool:
    off = standard.str("OTEL_SDK_DISABLED", "").lower() == "true"
    exporter = standard.str("OTEL_TRACES_EXPORTER", "") or "otlp"
    places = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return not off and exporter == "otlp" and any(standard.str(name, "") for name in places)


def _is_long_enough(token: str) -> None:
    if 0 < len(token) < SHORTEST_TOKEN or not (token.isascii() and token.isprintable()):
        raise ValidationError(f"at least {SHORTEST_TOKEN} printable ASCII characters are needed")
