"""Sessions in Redis, passwords, delays against guessing, the budget of look-ups."""
