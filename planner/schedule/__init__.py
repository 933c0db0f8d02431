"""In what order, when: serial order with parking moves, waves within the limits, clock windows, the way back."""
