"""One module per export format: text in, typed records out. Readers know nothing of planning."""
