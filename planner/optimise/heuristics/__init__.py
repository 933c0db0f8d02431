"""Placements without any proof, bounded by steps: by construction, by local search, by rounding."""
