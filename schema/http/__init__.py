"""HTTP: the routes and how each answers."""
