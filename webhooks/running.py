"""A dispatcher with what wakes it, as a thread of the service or as a process of its own."""

import logging
import threading

from licensing import db
from licensing.row_security import EVERY_ACCOUNT
from licensing.settings import Settings
from webhooks import retention, waking
from webhooks.dispatcher import Dispatcher
from webhooks.transport import Transport

SECONDS_TO_FINISH = 15
SECONDS_BETWEEN_PURGES = 3600

log = logging.getLogger(__name__)


class Running:
    """A dispatcher under these settings; `run` delivers until `stop` is called."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._dispatcher = Dispatcher(Transport(settings.webhook_allowed_hosts))
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="dispatcher", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Deliver until `stop` is called, and finish what is on its way."""
        if not self._settings.on_sqlite:
            # The database's own word that others have committed; SQLite has one process only.
            threading.Thread(target=self._listen, name="webhook-listener", daemon=True).start()
        threading.Thread(target=self._keep_tidy, name="webhook-keeper", daemon=True).start()
        self._dispatcher.run()

    def _keep_tidy(self) -> None:
        while not self._stopping.wait(SECONDS_BETWEEN_PURGES):
            try:
                with db.connection(EVERY_ACCOUNT):
                    retention.purge()
            except Exception:
                log.exception("what is old could not be deleted; it is tried again")

    def _listen(self) -> None:
        waking.listen(self._settings.database_url, self._stopping.is_set)

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()
        self._dispatcher.stop()

    def finish(self) -> None:
        """Stop, and wait until what is on its way has come back."""
        self.stop()
        if self._thread is not None:
            self._thread.join(SECONDS_TO_FINISH)
