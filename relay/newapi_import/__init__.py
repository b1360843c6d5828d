"""What `manage.py import_newapi` takes over from a new-api or one-api database.

address.py and source.py read it; users.py, keys.py, channels.py and prices.py say what each row
becomes; write.py writes that; verify.py proves it; run.py is the whole in order.
"""
