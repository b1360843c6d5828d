"""All that cannot be made anew, in one file: `manage.py backup` and `manage.py restore`."""
