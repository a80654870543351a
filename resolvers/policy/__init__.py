"""Use cases of the policy's editors."""
