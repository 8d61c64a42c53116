"""Sentences that look as if they named somebody and do not: for training, so that the model leaves medicine alone."""
