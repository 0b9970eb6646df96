"""Web pages as files, served by the API: without any library, put together of what they share, and speaking to the API alone."""
