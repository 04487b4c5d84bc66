"""Mutation testing: small mistakes are made in a module, and its tests have to notice each."""
