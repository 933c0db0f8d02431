"""Utilisation over months: read from exports, kept in one file, asked by calendar bucket. See docs/history.md."""
