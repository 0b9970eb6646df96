"""Web pages as files, served by the API; each is one file without any library, and speaks to the API alone."""
