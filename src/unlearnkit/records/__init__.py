"""Records: the measurements on each row of a subject."""
