"""-v and -q on every command that answers: one place, one line; nothing is broken at 80 columns."""
