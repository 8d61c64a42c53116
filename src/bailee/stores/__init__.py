"""Where things lie; the only room that touches disks and databases."""
