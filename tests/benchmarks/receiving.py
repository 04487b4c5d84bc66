"""A receiver of webhooks that is no bottleneck: nginx, which answers 204 to everything."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.loading import beside
from tests.serving import free_port

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    {temporary}
    server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }}
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
SECONDS_TO_START = 10


def is_there() -> bool:
    """Whether nginx is installed."""
    return shutil.which("nginx") is not None


@contextmanager
def receiver() -> Iterator[str]:
    """Run it until the block ends; yields its address."""
    port = free_port()
    with TemporaryDirectory() as folder:
        temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
        file = Path(folder) / "nginx.conf"
        file.write_text(CONFIGURATION.format(folder=folder, port=port, temporary=temporary))
        command = [*beside(), "nginx", "-c", str(file), "-e", f"{folder}/errors"]
        with subprocess.Popen(command) as process:  # noqa: S603 nginx, which is ours to start
            try:
                _wait_for(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
