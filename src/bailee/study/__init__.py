"""A partner's algorithm run inside the hospital; only checked results leave."""
