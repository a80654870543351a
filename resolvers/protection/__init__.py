"""Use cases of protection: measures, obligations, lifts, what is issued."""
