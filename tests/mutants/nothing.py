"""What is run before the forks: the fixtures that all tests share are made for it, once."""

from flask import Flask


def test_nothing(app: Flask) -> None:
    """The application is there."""
    assert app
