"""Telling others: endpoints, lanes and the dispatcher. May use `licensing`, never the reverse."""
