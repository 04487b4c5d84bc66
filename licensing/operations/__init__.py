"""The verbs: one verb is one function, one transaction, its events."""
