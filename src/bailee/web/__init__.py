"""What people look at: console, partner desk, portal, register."""
