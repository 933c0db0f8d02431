"""Every morning: can each server be freed today, what restarts when one dies, on what it hangs, and what got worse."""
