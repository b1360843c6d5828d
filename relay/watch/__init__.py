"""How the relay is doing: measured, proven, told to people and programs."""
