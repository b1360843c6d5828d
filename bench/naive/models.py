"""What a submit touches: a key, a wallet, a task, an entry, an attempt."""

from django.db import models


class Wallet(models.Model):
    balance = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)


class Key(models.Model):
    digest = models.CharField(max_length=64, unique=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT)
    is_active = models.BooleanField(default=True)


class Channel(models.Model):
    base_url = models.URLField()
    is_enabled = models.BooleanField(default=True)


class Task(models.Model):
    key = models.ForeignKey(Key, on_delete=models.PROTECT)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
    action = models.CharField(max_length=16)
    prompt = models.TextField()
    state = models.TextField(blank=True)
    notify_hook = models.URLField(blank=True)
    price = models.BigIntegerField()
    status = models.CharField(max_length=16, default="NOT_START", db_index=True)
    upstream_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)


class Entry(models.Model):
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT)
    task = models.ForeignKey(Task, on_delete=models.PROTECT)
    kind = models.CharField(max_length=16)
    amount = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)


class Attempt(models.Model):
    task = models.ForeignKey(Task, on_delete=models.PROTECT)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
    outcome = models.CharField(max_length=16, default="sending")
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
