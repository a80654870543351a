"""Editing the policy: versions, what-if, explanation, replay, files."""
