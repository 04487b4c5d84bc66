"""
Clients that others generate from the committed contract, used against a running service.

Each is generated, compiled where that is done, and tells the same story: an account, a checkout,
users, a seat, a conflict with its numbers, a purchase twice with one key, a removal, the log page
by page, an endpoint that is changed with If-Match. What they need is in `clients/package.json` and
in the extra `contract`.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requiring import needs
from tests.serving import Served, clean_environment, served

ROOT = Path(__file__).parent.parent.parent
CONTRACT, OLDER = ROOT / "openapi/openapi.json", ROOT / "openapi/openapi-3.0.json"
CLIENTS = Path(__file__).parent / "clients"
NODE_TOOLS = CLIENTS / "node_modules/.bin"
SECONDS = 300
# A body may also be CSV, which this generator leaves out, and says so.
WITHOUT_CSV = "WARNING parsing POST"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service with its demo data, for all of the clients."""
    folder = tmp_path_factory.mktemp("served")
    with served(folder, "--demo", SEATKEEPER_WEBHOOK_ALLOWED_HOSTS="127.0.0.1:9") as running:
        yield running


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def _python_tool(name: str) -> Path:
    tool = Path(sys.executable).with_name(name)
    needs("clients", tool.exists(), f"{name} (pip install '.[contract]')")
    return tool


def _node_tool(name: str) -> Path:
    there = shutil.which("node") is not None and (NODE_TOOLS / name).exists()
    needs("clients", there, f"{name} (npm ci in tests/contract/clients)")
    return NODE_TOOLS / name


def _run(*command: str | Path, folder: Path, **environment: str) -> str:
    """What a command prints; its failure is that of the test."""
    more = {"REDOCLY_TELEMETRY": "off", "SCARF_ANALYTICS": "false", "NO_COLOR": "1"}
    ran = subprocess.run(  # noqa: S603 the tools of this test
        command,
        cwd=folder,
        env=clean_environment() | more | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def _tell(service: Served, story: str, folder: Path) -> None:
    assert service.process.poll() is None, service.printed
    _run(
        sys.executable,
        CLIENTS / story,
        service.address,
        service.key,
        folder=folder,
        PYTHONPATH=str(folder),
    )


def test_openapi_python_client(service: Served, tmp_path: Path) -> None:
    tool = _python_tool("openapi-python-client")

    said = _run(
        tool,
        *("generate", "--path", CONTRACT, "--meta", "none"),
        *("--output-path", tmp_path / "seatkeeper_attrs"),
        folder=tmp_path,
    )

    assert said.count("WARNING") == said.count(WITHOUT_CSV), said
    _tell(service, "attrs_story.py", tmp_path)


def test_openapi_generator(service: Served, tmp_path: Path) -> None:
    tool = _python_tool("openapi-generator-cli")
    needs("clients", shutil.which("java") is not None, "Java")

    _run(
        tool,
        *("generate", "-g", "python", "-i", OLDER, "-o", tmp_path),
        *("--package-name", "seatkeeper_pydantic"),
        *("--global-property", "modelDocs=false,apiDocs=false,modelTests=false,apiTests=false"),
        folder=tmp_path,
    )

    _tell(service, "pydantic_story.py", tmp_path)


def test_openapi_typescript_and_openapi_ts(service: Served, tmp_path: Path) -> None:
    types, sdk, compiler = map(_node_tool, ("openapi-typescript", "openapi-ts", "tsc"))
    for file in [*CLIENTS.glob("*.ts"), *CLIENTS.glob("*.mjs"), *CLIENTS.glob("*.json")]:
        shutil.copy(file, tmp_path)
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")

    made = tmp_path / "types.ts"
    _run(types, CONTRACT, "-o", made, "--default-non-nullable=false", folder=tmp_path)
    _run(sdk, "-f", "openapi-ts.config.mjs", folder=tmp_path, CONTRACT=str(CONTRACT))
    _run(compiler, "--project", ".", folder=tmp_path)

    for story in ("fetch_story.js", "sdk_story.js"):
        _run("node", f"built/{story}", service.address, service.key, folder=tmp_path)


@pytest.mark.parametrize(
    ("contract", "ruleset"),
    [(CONTRACT, "spectral.yaml"), (OLDER, "spectral-3.0.yaml")],
    ids=["3.1", "3.0"],
)
def test_linters_have_nothing_to_say(contract: Path, ruleset: str, tmp_path: Path) -> None:
    redocly, spectral = map(_node_tool, ("redocly", "spectral"))

    told = _run(redocly, "lint", contract, "--config", CLIENTS / "redocly.yaml", folder=tmp_path)
    warned = _run(
        spectral,
        *("lint", contract, "--ruleset", CLIENTS / ruleset, "--fail-severity", "warn"),
        folder=tmp_path,
    )

    assert "warning" not in told.replace("Deprecation warning", "")
    assert "No results" in warned
