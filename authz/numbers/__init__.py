"""The vault of individual numbers: the one way to their database."""
