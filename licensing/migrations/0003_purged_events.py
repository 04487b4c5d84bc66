"""How far each log was deleted because of its age, so that a gap is never taken for one."""

STATEMENT = "ALTER TABLE accounts ADD COLUMN purged_through BIGINT NOT NULL DEFAULT 0"


def up(migrator, db):
    db.execute_sql(STATEMENT)
