"""What operators do with endpoints: one verb, one function."""
