"""Callbacks to tenants' hooks: written, claimed, sent, tried again."""
