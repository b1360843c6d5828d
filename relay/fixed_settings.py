"""How Django, its REST framework and allauth are put together here: what no operator changes.
relay/settings.py has the rest."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

INSTALLED_APPS = [
    # Before Django's own, so that its `createsuperuser` is the one that counts.
    "billing",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "rest_framework",
    "common",
    "channels",
    "relay",
    "console",
]
# For programs, which have a key and no session (relay/api/handler.py).
API_MIDDLEWARE = [
    "relay.api.middleware.edge",
    "relay.api.transport.https_only",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
MIDDLEWARE = [
    "relay.api.middleware.edge",
    "relay.api.transport.https_only",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "console.security.guard",
    "console.display.viewer",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "console.errors.ErrorPages",
    "allauth.account.middleware.AccountMiddleware",
    "console.accounts.sessions.ages",
    "console.accounts.preferences.keep",
    "console.accounts.acting.notice",
]
# A redirect never answers a POST: both forms of an address are served (relay/api/middleware.py).
APPEND_SLASH = False
ROOT_URLCONF = "relay.urls"
WSGI_APPLICATION = "relay.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.display.context",
            ],
        },
    },
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    # Of people who came with import_newapi, until they sign in.
    "relay.newapi_import.passwords.ImportedPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "console" / "static"]
WHITENOISE_USE_FINDERS = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Bodies are bounded by relay/api/parsers.py, which knows the contract's error.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
# The longest form is a channel's costs: 500 rows of three.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# -- Accounts (console/accounts/) -----------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["console.accounts.backend.PeopleBackend"]
CACHES = {"default": {"BACKEND": "console.accounts.cache.PostgresCache"}}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "console:home"
LOGOUT_REDIRECT_URL = "account_login"
CSRF_FAILURE_VIEW = "console.errors.csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
ACCOUNT_ADAPTER = "console.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
MFA_ADAPTER = "console.accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "add_webauthn": "console.accounts.forms.AddKey",
    "edit_webauthn": "console.accounts.forms.RenameKey",
    "authenticate_webauthn": "console.accounts.forms.UseKey",
    "login_webauthn": "console.accounts.forms.SignInByKey",
    "reauthenticate_webauthn": "console.accounts.forms.ConfirmByKey",
}
# People who were imported have no confirmed address.
MFA_ALLOW_UNVERIFIED_EMAIL = True
USERSESSIONS_TRACK_ACTIVITY = True
SOCIALACCOUNT_ADAPTER = "console.accounts.social.SocialAdapter"

# -- The API --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["relay.api.auth.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["relay.api.parsers.OrjsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["relay.api.renderers.OrjsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "relay.api.renderers.AlwaysJson",
    "EXCEPTION_HANDLER": "relay.api.errors.answer",
    "UNAUTHENTICATED_USER": None,
}
