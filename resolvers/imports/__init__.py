"""The city's files: read, checked row by row, loaded."""
