"""The demo town: a city of invented people, made from a seed, in the form of the city's files."""
