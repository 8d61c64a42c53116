"""What a record is and how bytes become one; no storage and no network here."""
