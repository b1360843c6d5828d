"""The management API: what tenants and operators do with their money, keys and work."""
