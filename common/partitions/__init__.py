"""Tables that grow for ever, in one part for each week (PostgreSQL: range partitions).

The key is a task's id, which begins with its milliseconds since 1970 (relay/migrations/0001). What
belongs to a task lies in the part of its task's week, whenever it was written.
"""
