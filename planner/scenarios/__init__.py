"""Scenarios: what would change, what that makes of the estate, and how each LPAR gets there."""
