"""The stored answers by their age, so that the old ones are found without reading all."""

INDEX = "CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at)"


def up(migrator, db):
    db.execute_sql(INDEX)
