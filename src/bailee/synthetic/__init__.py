"""A synthetic hospital with known truth: for demo, tests and training."""
