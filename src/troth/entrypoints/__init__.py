"""Where it is all put together: the command line, the HTTP server, and the reports both show."""
