"""The questions: they read and change nothing."""
