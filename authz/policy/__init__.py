"""The policy: Casbin's lines, the invariants, and the clearance compiled from them."""
