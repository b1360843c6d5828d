"""Passwords as new-api and one-api keep them, so that people sign in with the one they know.

Django replaces the hash by one of its own at the first sign-in.
"""

from django.contrib.auth.hashers import BCryptPasswordHasher


class ImportedPasswordHasher(BCryptPasswordHasher):
    @classmethod
    def stored(cls, bcrypt_hash: str) -> str:
        return f"{cls.algorithm}${bcrypt_hash}"

    def verify(self, password: str, encoded: str) -> bool:
        """What bcrypt refuses to look at (more than 72 bytes, a broken hash) is a wrong password,
        not a crash."""
        try:
            return super().verify(password, encoded)
        except ValueError:
            return False
