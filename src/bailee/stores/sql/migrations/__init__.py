"""Steps that bring a database up to date, one file a step; run by `database.migrate`, never by hand."""
