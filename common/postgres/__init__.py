"""Django's PostgreSQL backend, with a limit on how long we wait for the server's answer."""
