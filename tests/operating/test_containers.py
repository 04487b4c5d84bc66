"""Dockerfile and compose.yaml, read: there need not be anything here that runs containers."""

import re
from typing import Any

import click
import pytest
import yaml

from app import COMMANDS, create_app
from licensing import settings
from licensing.settings import Settings
from tests.serving import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "seatkeeper:local"]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
INSTRUCTIONS = re.findall(r"^([A-Z]+) +(.*)$", DOCKERFILE, re.MULTILINE)


def _last(instruction: str) -> str:
    return [text for name, text in INSTRUCTIONS if name == instruction][-1]


def test_the_service_runs_in_every_role() -> None:
    roles = {name: SERVICES[name].get("deploy", {}).get("replicas", 1) for name in OURS}

    assert roles == {"migrate": 1, "web": 2, "scheduler": 2, "dispatcher": 2, "keys": 1}


@pytest.mark.parametrize("name", [*OURS, "proxy"])
def test_a_container_can_write_nowhere_and_become_nobody_else(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is (name != "migrate")
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 that of the container
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_compose_can_put_secrets_where_it_has_to(name: str) -> None:
    """It copies those from variables into the container, unless that is read-only."""
    service = SERVICES[name]
    copied = [one for one in service.get("secrets", ()) if "environment" in COMPOSE["secrets"][one]]

    assert not (copied and service.get("read_only"))


def test_no_secret_has_a_default_or_stands_there() -> None:
    text = (ROOT / "compose.yaml").read_text()
    named = re.findall(r"\$\{(\w+)([^}]*)\}", text)

    assert {name for name, _ in named} == {
        *("SEATKEEPER_SECRET_KEY", "OWNER_PASSWORD", "RUNTIME_PASSWORD")
    }
    assert all(rest.startswith(":?") for _, rest in named)
    assert COMPOSE["secrets"] == {
        "owner_password": {"environment": "OWNER_PASSWORD"},
        "runtime_password": {"environment": "RUNTIME_PASSWORD"},
    }


def test_only_the_proxy_can_be_reached_and_only_from_this_machine_so_far() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"proxy": ["127.0.0.1:8080:8080"]}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {
        "proxy",
        "dispatcher",
    }


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    known = {settings.PREFIX + setting for setting in settings.NAMES}

    assert set(SERVICES[name]["environment"]) <= known


def test_only_the_migration_comes_as_the_owner() -> None:
    urls = {name: SERVICES[name]["environment"]["SEATKEEPER_DATABASE_URL"] for name in OURS}

    assert {name for name, url in urls.items() if "//seatkeeper_owner:" in url} == {"migrate"}
    assert all("//seatkeeper_runtime:" in url for name, url in urls.items() if name != "migrate")


@pytest.mark.parametrize("name", ["web", "migrate", "scheduler", "dispatcher"])
def test_every_command_and_option_is_there(name: str) -> None:
    command, *arguments = SERVICES[name]["command"]
    found = {c.name: c for c in COMMANDS}[command]
    options = {option for parameter in found.params for option in parameter.opts}

    assert {word for word in arguments if word.startswith("--")} <= options
    assert isinstance(found, click.Command)


def test_everything_waits_for_the_schema_and_the_schema_for_the_database() -> None:
    waits = {name: SERVICES[name]["depends_on"] for name in OURS}

    assert waits.pop("migrate") == {"postgres": {"condition": "service_healthy"}}
    assert list(waits.values()) == [
        {"migrate": {"condition": "service_completed_successfully"}}
    ] * len(waits)


def test_the_image_runs_as_somebody_who_owns_nothing() -> None:
    user = _last("USER")
    after = DOCKERFILE[DOCKERFILE.index(f"USER {user}") :]

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert "RUN" not in after
    assert "COPY" not in after


def test_the_image_starts_what_is_installed_and_asks_what_is_answered(service: Settings) -> None:
    command = yaml.safe_load(_last("ENTRYPOINT")) + yaml.safe_load(_last("CMD"))
    (path,) = re.findall(r"127\.0\.0\.1:8080(/\w+)", _last("CMD") + DOCKERFILE)
    rules = {rule.rule for rule in create_app(service).url_map.iter_rules()}

    assert command[:2] == ["seatkeeper", "serve"]
    assert path in rules


def test_only_what_is_copied_is_sent_to_be_built() -> None:
    copied = {
        word
        for name, text in INSTRUCTIONS
        if name == "COPY" and not text.startswith("--from")
        for word in text.split()[:-1]
    }
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)

    assert set(kept) == copied
    assert all((ROOT / name).exists() for name in copied)
