"""The road of a change: may it, change, log, show."""
