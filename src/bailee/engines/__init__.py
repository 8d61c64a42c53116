"""Where batches run: one machine, or a cluster."""
