"""Webhooks by Celery: a task for each delivery, which keeps its attempt in SQLite."""

import hashlib
import hmac
import os
import sqlite3
import sys
import time

import requests
from celery import Celery
from celery.signals import worker_process_init

app = Celery("peer", broker=os.environ["PEER_BROKER"])
app.conf.task_ignore_result = True
app.conf.task_acks_late = True
SECRET = b"a secret of thirty-two characters"
here: dict[str, object] = {}


def opened() -> sqlite3.Connection:
    connection = sqlite3.connect(os.environ["PEER_DATABASE"], isolation_level=None, timeout=10)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = normal")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS attempts (id INTEGER PRIMARY KEY, event TEXT, status, at REAL)"
    )
    return connection


@worker_process_init.connect
def begin(**_: object) -> None:
    here["session"], here["database"] = requests.Session(), opened()
    here["session"].trust_env = False


@app.task(name="deliver", autoretry_for=(requests.RequestException,), retry_backoff=True)
def deliver(event: str, body: str) -> None:
    at = str(int(time.time()))
    signed = hmac.new(SECRET, f"{event}.{at}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{signed}",
    }
    answer = here["session"].post(
        os.environ["PEER_RECEIVER"], data=body.encode(), headers=headers, timeout=15
    )
    here["database"].execute(
        "INSERT INTO attempts (event, status, at) VALUES (?, ?, ?)",
        (event, answer.status_code, time.time()),
    )
    answer.raise_for_status()


if __name__ == "__main__":
    opened().close()
    for number in range(int(sys.argv[1])):
        deliver.delay(f"evt_{number}", "x" * 600)
