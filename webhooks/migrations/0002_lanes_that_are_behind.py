"""The lanes that are behind, by endpoint: they tell how far it lags."""

INDEX = """
CREATE INDEX webhook_lanes_behind ON webhook_lanes (endpoint_id) WHERE cursor < head
"""


def up(migrator, db):
    db.execute_sql(INDEX)
