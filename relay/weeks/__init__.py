"""What grows for ever lies in weekly parts: made ahead, dropped when old."""
