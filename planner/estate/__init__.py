"""What exists: servers, VIOSes, LPARs, their networks and disks, and the policies people state."""
