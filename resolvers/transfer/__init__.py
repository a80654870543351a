"""Transfers: ordered, made, released, fetched."""
