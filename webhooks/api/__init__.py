"""The HTTP skin of webhooks."""

from webhooks.api import deliveries, endpoints, positions

RESOURCES = (endpoints, deliveries, positions)
