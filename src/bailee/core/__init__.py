"""What every room stands on: errors, clock, entropy, canonical JSON, keys; imports nothing of ours."""
