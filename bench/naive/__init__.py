"""The same job as one writes it at first: Django REST framework with a serializer, the ORM with
`F()` in a transaction, `requests` for the upstream. For comparison only (bench/naive_view.py).

It does less than the relay: no limits, no budgets by day, one channel, no second try, and nobody
follows what it has begun.
"""
