"""One noun a file: its table, each column with its name and its class."""
