"""Use cases of staff records."""
