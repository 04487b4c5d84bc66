"""The console's files: how they are served, what they may use, and that they are all packaged."""

import re
from importlib import resources
from pathlib import Path

import pytest
from flask import Flask

from licensing import console
from licensing.api.openapi import document

FILES = console.FILES
MODULES = sorted(FILES.rglob("*.js"))
LONGEST_FILE = 300
# What would make markup, code or requests of data, or keep something that is to be forgotten.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
    r"|localStorage|sessionStorage|document\.cookie|indexedDB|XMLHttpRequest|sendBeacon"
)
ADDRESS = re.compile(r"https?://[^\"'` ]+")


def named(path: Path) -> str:
    return path.relative_to(FILES).as_posix()


def test_the_page_asks_for_everything_at_once_and_is_asked_for_anew(app: Flask) -> None:
    client = app.test_client()

    page = client.get("/console")
    again = client.get("/console", headers={"If-None-Match": page.headers["ETag"]})

    assert page.content_type == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    assert again.status_code == 304
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    preloaded = re.findall(r'modulepreload" href="/console/\w+/([^"]+)"', page.text)
    assert preloaded == [named(path) for path in MODULES]
    assert "<script>" not in page.text
    assert "style=" not in page.text


def test_what_the_page_loads_has_its_type_and_is_kept_for_good(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/console").text
    addresses = re.findall(r'(?:href|src)="(/console/[^"]+)"', page)

    answers = {address: client.get(address) for address in addresses}

    assert {answer.status_code for answer in answers.values()} == {200}
    kinds = {answer.content_type for answer in answers.values()}
    assert kinds == {f"{kind}; charset=utf-8" for kind in console.KINDS.values()}
    assert {a.headers["Cache-Control"] for a in answers.values()} == {console.FOR_GOOD}


@pytest.mark.parametrize(
    "path",
    ["nothing.js", "index.html", "../__init__.py", "%2e%2e/__init__.py", "js/../../__init__.py"],
)
def test_nothing_else_is_served(app: Flask, path: str) -> None:
    answer = app.test_client().get(f"/console/{console.digest()}/{path}")

    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


def test_a_page_of_another_version_gets_its_files_but_does_not_keep_them(app: Flask) -> None:
    answer = app.test_client().get("/console/0123456789abcdef/js/main.js")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == console.ASK_AGAIN


def test_the_package_brings_every_file(app: Flask) -> None:
    declared = (Path(console.__file__).parents[2] / "pyproject.toml").read_text()
    folder = resources.files("licensing.console").joinpath("static")

    assert '"licensing.console" = ["static/**/*"]' in declared
    assert folder.joinpath("index.html").is_file()


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_is_short_local_and_makes_no_markup_of_data(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    imported = re.findall(r'^(?:import|export) [^"]*?from "([^"]+)";$', text, re.MULTILINE)

    assert len(text.splitlines()) <= LONGEST_FILE
    assert text.startswith("// "), "it says what it is for"
    assert FORBIDDEN.findall(text) == []
    assert set(ADDRESS.findall(text)) <= {"http://www.w3.org/2000/svg"}
    assert all(name.startswith(".") for name in imported)
    assert all((path.parent / name).resolve().is_file() for name in imported)


def test_modules_import_no_circles() -> None:
    graph = {
        path: {
            (path.parent / name).resolve()
            for name in re.findall(r' from "(\.[^"]+)";$', path.read_text(), re.MULTILINE)
        }
        for path in MODULES
    }

    while leaves := [path for path, imported in graph.items() if not imported & graph.keys()]:
        for path in leaves:
            del graph[path]

    assert [named(path) for path in graph] == []


def test_only_the_public_api_is_used_and_its_paths_are_written_in_one_module(app: Flask) -> None:
    places = {named(path) for path in MODULES if "/v1/" in path.read_text()}
    text = (FILES / "js/api.js").read_text()
    for short, path in {
        "${account()}": "/v1/accounts/{}",
        "${subscription(id)}": "/v1/accounts/{}/subscriptions/{}",
        "${endpoint(id)}": "/v1/webhook-endpoints/{}",
        "${kind}": "seat-batches",
    }.items():
        text = text.replace(short, path)
    used = {
        re.sub(r"\$\{[^}]+\}", "{}", path) for path in re.findall(r"[`\"](/v1/[^`\"]+)[`\"]", text)
    }
    public = {re.sub(r"\{\w+\}", "{}", path) for path in document(app)["paths"]}

    assert places == {"js/api.js"}
    assert len(used) > 25
    assert used - public == set()
