"""Records: what was measured on each row of a subject, once."""
