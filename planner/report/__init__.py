"""What people read: pure functions of Plan and Estate."""
