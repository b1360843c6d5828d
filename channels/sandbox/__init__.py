"""A real HTTP upstream for one machine and for tests: no account, no money, real pictures.

It knows nothing of Django or of the relay, so that it can stand in for a stranger's server.
`python -m channels.sandbox --help` starts it; `GET /sandbox/` on the running server explains it.
"""
