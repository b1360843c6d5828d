"""Passwords as new-api and one-api keep them, so that people sign in with the one they know.

Django replaces the hash by one of its own at the first sign-in.
"""

from django.contrib.auth.hashers import BCryptPasswordHasher, make_password


class ImportedPasswordHasher(BCryptPasswordHasher):
    @classmethod
    def stored(cls, bcrypt_hash: str) -> str:
        return f"{cls.algorithm}${bcrypt_hash}"

    def verify(self, password: str, encoded: str) -> bool:
        """What bcrypt refuses to look at (more than 72 bytes, a broken hash) is a wrong password,
        not a crash."""
        try:
            is_right = super().verify(password, encoded)
        except ValueError:
            is_right = False
        if not is_right:
            # As long as a wrong one takes for all others: nobody learns who was imported.
            make_password(password)
        return is_right
