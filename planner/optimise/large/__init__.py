"""Large sites taken apart: components, which servers stay on, and placements on those."""
