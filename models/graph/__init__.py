"""The registry of nouns, fields and edges that everything else walks."""
