"""Settings. Every value that an operator may change comes from the environment (`.env.example`);
the others are in relay/fixed_settings.py."""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from common import logs, redaction
from relay.fixed_settings import *  # noqa: F403  they are ours too
from relay.operators import providers
from relay.up import embedded

BASE_DIR = Path(__file__).resolve().parent.parent


class Env(environ.Env):
    """Says which variable is wrong; a bare ValueError would not."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var}: {error}") from error


env = Env()
env.read_env(str(BASE_DIR / ".env"))

VAR_DIR = Path(env.str("RELAY_VAR", default=str(BASE_DIR / "var"))).resolve()
# Workers and the clock touch it while they live (tools/healthy.py).
ALIVE_FILE = env.str("ALIVE_FILE", default="")
EMBEDDED_DATABASE = not env.str("DATABASE_URL", default="")
EMBEDDED_REDIS = not env.str("REDIS_URL", default="")

# -- Django ---------------------------------------------------------------------------------------

if EMBEDDED_DATABASE:
    SECRET_KEY = env.str("SECRET_KEY", default="") or embedded.secret_key(VAR_DIR)
else:
    # Several machines must share it, so it is never made up silently.
    SECRET_KEY = env.str("SECRET_KEY", default="")
    if not SECRET_KEY:
        raise ImproperlyConfigured("SECRET_KEY must be set when DATABASE_URL is set.")

# Those before it: what was signed under them is still good.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
SITE_NAME = env.str("SITE_NAME", default="MJ Relay")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])

# Signing in again is due after so long without a request, and after so long in any case.
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=12 * 3600)
SESSION_MAX_SECONDS = env.int("SESSION_MAX_SECONDS", default=14 * 86400)
SESSION_COOKIE_AGE = SESSION_MAX_SECONDS
IS_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
# By http nobody is served then but whom a proxy of ours says to have come by https
# (relay/api/transport.py).
SECURE_SSL_REDIRECT = env.bool("HTTPS_ONLY", default=IS_HTTPS)
# Asked from inside.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
# Browsers come by https only for so long after a visit.
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=30 * 86400 if IS_HTTPS else 0)
# What else there is below our name we do not know (W005), and to be preloaded is for good (W021):
# both are for the operator to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", default=False)
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
# Of mails, papers and pages whose reader is not known to want another; the API speaks English.
SITE_LANGUAGE = env.str("SITE_LANGUAGE", default=LANGUAGE_CODE).strip().lower()
# -- Database, Redis, Celery ----------------------------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", default="") or embedded.database_url(VAR_DIR)
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=12)
DATABASE_CONNECT_SECONDS = 3
# DATABASE_URL leads to a PgBouncer that pools by transactions: nothing of ours outlives one.
DATABASE_POOLER = env.bool("DATABASE_POOLER", default=False)
# Such a pooler can keep prepared statements since PgBouncer 1.21, when it is told to.
DATABASE_PREPARE = env.bool("DATABASE_PREPARE", default=not DATABASE_POOLER)
# A statement that takes longer is ended, by us too when the server itself says nothing any more;
# zero: none is. What is known to take long says so (common/sql.py).
DATABASE_STATEMENT_SECONDS = env.float("DATABASE_STATEMENT_SECONDS", default=10)
DATABASE_IDLE_SECONDS = 60
if not DATABASE_URL.startswith(("postgres://", "postgresql://")):
    raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// or postgresql://.")
try:
    DATABASES = {"default": env.db_url_config(DATABASE_URL)}
except ValueError as error:
    raise ImproperlyConfigured(f"DATABASE_URL: {error}") from error
DATABASES["default"]["ENGINE"] = "common.postgres"
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"] |= {
    "connect_timeout": DATABASE_CONNECT_SECONDS,
    # Zero prepares a statement at its first use; Django's default never prepares any.
    "prepare_threshold": 0 if DATABASE_PREPARE else None,
}
# Such a cursor would outlive its transaction.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = DATABASE_POOLER
# A statement of ours is over before it would have been compiled. What is asked for is in memory, or
# on a disk without an arm; and with PostgreSQL's default the first statements to a new week, when
# it is empty, would be planned to go through all of it, for as long as nobody has counted its rows.
_words = ["-c jit=off", "-c random_page_cost=1.1"]
if DATABASE_PREPARE:
    # What is prepared is planned once (common/sql.py).
    _words.append("-c plan_cache_mode=force_generic_plan")
if DATABASE_STATEMENT_SECONDS:
    _limits = {
        "statement_timeout": DATABASE_STATEMENT_SECONDS,
        # For statements that may take long: they hold up nobody who waits in line behind them.
        "lock_timeout": DATABASE_STATEMENT_SECONDS,
        "idle_in_transaction_session_timeout": DATABASE_IDLE_SECONDS,
    }
    _words += [f"-c {name}={round(seconds * 1000)}" for name, seconds in _limits.items()]
    # A machine that has gone without a word, in milliseconds.
    DATABASES["default"]["OPTIONS"]["tcp_user_timeout"] = round(DATABASE_STATEMENT_SECONDS * 1000)
_own = DATABASES["default"]["OPTIONS"].get("options", "")
if not DATABASE_POOLER:
    # A pooler refuses them: it says them itself (deploy/pgbouncer/start.sh).
    DATABASES["default"]["OPTIONS"]["options"] = " ".join([*_words, _own]).strip()
if DATABASE_POOL_SIZE:
    # Small on purpose: more connections make a hot wallet slower, and none is held during HTTP.
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": min(2, DATABASE_POOL_SIZE),
        "max_size": DATABASE_POOL_SIZE,
        "timeout": 5,
        # After an outage of the database the pool tries again ever more rarely; not longer than so.
        "reconnect_timeout": 2,
    }

REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url(VAR_DIR)
REDIS_TIMEOUT_SECONDS = 2
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or (
    # Celery has words of its own for a Redis behind a unix socket.
    REDIS_URL.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
)

# -- Money ----------------------------------------------------------------------------------------

CURRENCY = env.str("CURRENCY", default="USD")
# How often the ledger is added up by days (billing/usage.py).
USAGE_TICK_SECONDS = env.float("USAGE_TICK_SECONDS", default=60)
# Keys are stored as HMACs under this secret, or under one of those before it: losing it locks every
# tenant out.
KEY_HASH_SECRET = env.str("KEY_HASH_SECRET", default="") or SECRET_KEY
KEY_HASH_OLD_SECRETS = env.list("KEY_HASH_OLD_SECRETS", default=[])
# Secrets at rest: the first key encrypts, all of them decrypt.
ENCRYPTION_SECRETS = env.list("ENCRYPTION_SECRETS", default=[])
# What has no secret of its own changes with SECRET_KEY.
if KEY_HASH_SECRET == SECRET_KEY:
    KEY_HASH_OLD_SECRETS = [*KEY_HASH_OLD_SECRETS, *SECRET_KEY_FALLBACKS]
if not ENCRYPTION_SECRETS:
    ENCRYPTION_SECRETS = [SECRET_KEY, *SECRET_KEY_FALLBACKS]

# -- Sign-up --------------------------------------------------------------------------------------

# Who may open a tenant of his own: "closed" (nobody), "invitation" or "open".
SIGN_UP = env.str("SIGN_UP", default="closed").strip().lower()
# The group that such tenants are in, and the money that they begin with, in units of the currency.
SIGN_UP_GROUP = env.str("SIGN_UP_GROUP", default="default")
SIGN_UP_BALANCE = env.str("SIGN_UP_BALANCE", default="0")
# Domains of the mail addresses that may; empty: any.
SIGN_UP_DOMAINS = env.list("SIGN_UP_DOMAINS", default=[])

# -- Payments -------------------------------------------------------------------------------------

# The least and the most that is paid in at once, in units of the site's currency.
TOPUP_MIN = env.str("TOPUP_MIN", default="1")
TOPUP_MAX = env.str("TOPUP_MAX", default="10000")
# Units of a payment service's currency for one unit of the site's: CNY=7.2.
TOPUP_RATES = env.dict("TOPUP_RATES", default={})
# A payment service without its secrets takes no orders, and is not believed.
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="").strip()
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="").strip()
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com").rstrip("/")
EPAY_URL = env.str("EPAY_URL", default="").strip()
EPAY_PID = env.str("EPAY_PID", default="").strip()
EPAY_KEY = env.str("EPAY_KEY", default="").strip()
EPAY_TYPES = env.list("EPAY_TYPES", default=["alipay", "wxpay"])

# -- Limits ---------------------------------------------------------------------------------------

# Queries of one key in any 60 seconds; zero: no limit.
FETCH_RPM = env.int("FETCH_RPM", default=6000)
# Networks of proxies whose word on a client's address is taken.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=["127.0.0.0/8", "::1/128"])
# The bearer that opens /metrics. Without it only this machine may read them.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_DIR = VAR_DIR / "metrics"
# Workers tell their own counters there, to everybody; zero: they do not (relay/watch/metrics.py).
METRICS_PORT = env.int("METRICS_PORT", default=0)
# Requests of one management key in any 60 seconds; zero: no limit.
MANAGEMENT_RPM = env.int("MANAGEMENT_RPM", default=600)
# How long the head of a request may take from its first byte on (common/web_worker.py).
WEB_HEAD_SECONDS = env.float("WEB_HEAD_SECONDS", default=10)
# How long a client may let us wait for its body, and as long again for taking its answer.
WEB_CLIENT_SECONDS = env.float("WEB_CLIENT_SECONDS", default=30)
# Connections of one address to one web process, our proxies' excepted; zero: no limit.
WEB_CONNECTIONS_PER_ADDRESS = env.int("WEB_CONNECTIONS_PER_ADDRESS", default=1000)

# -- Submits --------------------------------------------------------------------------------------

BODY_MAX_BYTES = env.int("BODY_MAX_BYTES", default=30 * 1024 * 1024)
IMAGE_MAX_BYTES = env.int("IMAGE_MAX_BYTES", default=10 * 1024 * 1024)
PROMPT_MAX_CHARS = env.int("PROMPT_MAX_CHARS", default=8000)
DEFAULT_MODE = env.str("DEFAULT_MODE", default="fast")
SUBMIT_MAX_CHANNELS = env.int("SUBMIT_MAX_CHANNELS", default=3)
UPSTREAM_CONNECT_SECONDS = env.float("UPSTREAM_CONNECT_SECONDS", default=5)
UPSTREAM_SUBMIT_SECONDS = env.float("UPSTREAM_SUBMIT_SECONDS", default=60)
UPSTREAM_POLL_SECONDS = env.float("UPSTREAM_POLL_SECONDS", default=15)
UPSTREAM_ANSWER_MAX_BYTES = env.int("UPSTREAM_ANSWER_MAX_BYTES", default=16 * 1024 * 1024)

# A channel of whose newest attempts too many went wrong is left alone for a while.
BREAKER_WINDOW_SECONDS = env.float("BREAKER_WINDOW_SECONDS", default=300)
BREAKER_LEAST_RESULTS = env.int("BREAKER_LEAST_RESULTS", default=10)
BREAKER_FAULT_SHARE = env.float("BREAKER_FAULT_SHARE", default=0.5)
BREAKER_FIRST_OPEN_SECONDS = env.float("BREAKER_FIRST_OPEN_SECONDS", default=30)
BREAKER_LONGEST_OPEN_SECONDS = env.float("BREAKER_LONGEST_OPEN_SECONDS", default=300)
# How often each channel is asked, for free, whether it is there and has room.
PROBE_SECONDS = env.float("PROBE_SECONDS", default=60)
# How long the history of a channel is kept.
CHANNEL_EVENT_DAYS = env.int("CHANNEL_EVENT_DAYS", default=90)

# One word a line; a prompt that has one is refused before any money moves.
BANNED_WORDS_FILE = env.str("BANNED_WORDS_FILE", default="")

# -- Following tasks ------------------------------------------------------------------------------

POLL_TICK_SECONDS = env.float("POLL_TICK_SECONDS", default=1)
POLL_MIN_SECONDS = env.float("POLL_MIN_SECONDS", default=2)
POLL_MAX_SECONDS = env.float("POLL_MAX_SECONDS", default=30)
POLL_OLD_SECONDS = env.float("POLL_OLD_SECONDS", default=300)
# Where more tasks stand still than this allows, or looks come late, they are looked at more rarely
# than POLL_MAX_SECONDS.
POLL_LOOKS_PER_SECOND = env.float("POLL_LOOKS_PER_SECOND", default=3000)
POLL_BATCH = env.int("POLL_BATCH", default=200)
# A task the upstream no longer knows is given this long to come back.
TASK_GRACE_SECONDS = env.float("TASK_GRACE_SECONDS", default=60)
# From here on the next "not finished" answer of the upstream ends the task.
TASK_DEADLINE_SECONDS = env.float("TASK_DEADLINE_SECONDS", default=3600)
# Where it takes longer, by action, by mode, or by both: {"VIDEO": 7200, "IMAGINE/relax": 10800}.
TASK_DEADLINES = env.json("TASK_DEADLINES", default={})
# What failed by our own verdict is asked for again after this long, then ever more rarely until it
# is given up for good.
LATE_FIRST_SECONDS = env.float("LATE_FIRST_SECONDS", default=300)
LATE_TICK_SECONDS = env.float("LATE_TICK_SECONDS", default=10)
LATE_LAST_SECONDS = env.float("LATE_LAST_SECONDS", default=48 * 3600)
# Nothing stays open longer than this, whatever the upstream does or does not say.
TASK_EXPIRY_SECONDS = env.float("TASK_EXPIRY_SECONDS", default=24 * 3600)
# A modal that nobody confirms is closed.
MODAL_EXPIRY_SECONDS = env.float("MODAL_EXPIRY_SECONDS", default=3600)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=30)

# -- Callbacks ------------------------------------------------------------------------------------

CALLBACK_TICK_SECONDS = env.float("CALLBACK_TICK_SECONDS", default=1)
CALLBACK_TIMEOUT_SECONDS = env.float("CALLBACK_TIMEOUT_SECONDS", default=15)
# Seconds before each try of a message, counted from the one before; empty: those of
# relay/messages/ladder.py.
CALLBACK_LADDER_SECONDS = env.list("CALLBACK_LADDER_SECONDS", cast=float, default=[])
CALLBACK_PORTS = env.list("CALLBACK_PORTS", cast=int, default=[80, 443, *range(8000, 9001)])
# Networks that may be called although they are private, on any port. `make run` adds loopback.
CALLBACK_ALLOWED_NETWORKS = env.list("CALLBACK_ALLOWED_NETWORKS", default=[])
# A hook that has failed for so long without a success is switched off.
CALLBACK_OFF_SECONDS = env.float("CALLBACK_OFF_SECONDS", default=5 * 24 * 3600)
# How long a replaced webhook secret signs beside the new one, unless the tenant says otherwise.
WEBHOOK_OVERLAP_SECONDS = env.int("WEBHOOK_OVERLAP_SECONDS", default=24 * 3600)
# Inner networks that pictures may lie in which tenants name in their submits; upstreams fetch them.
IMAGE_ALLOWED_NETWORKS = env.list("IMAGE_ALLOWED_NETWORKS", default=[])

# -- Notices --------------------------------------------------------------------------------------

# How often balances are compared with their tenants' thresholds.
BALANCE_TICK_SECONDS = env.float("BALANCE_TICK_SECONDS", default=30)
NOTICE_TICK_SECONDS = env.float("NOTICE_TICK_SECONDS", default=5)
# What concerns no tenant goes to these.
OPERATOR_MAILS = env.list("OPERATOR_MAILS", default=[])
OPERATOR_NOTICE_HOOK = env.str("OPERATOR_NOTICE_HOOK", default="")
OPERATOR_WEBHOOK_SECRET = env.str("OPERATOR_WEBHOOK_SECRET", default="")
# From this hour on (UTC) the books are proven, once a day.
PROOF_HOUR_UTC = env.int("PROOF_HOUR_UTC", default=3)
# Where mail is handed in; without it none is sent.
EMAIL_URL = env.str("EMAIL_URL", default="")
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="")
EMAIL_TIMEOUT_SECONDS = env.float("EMAIL_TIMEOUT_SECONDS", default=20)
EMAIL_TIMEOUT = EMAIL_TIMEOUT_SECONDS
if EMAIL_URL:
    try:
        # EMAIL_HOST, EMAIL_PORT, and what else Django knows.
        globals().update(env.email_url_config(EMAIL_URL))
    except (ImproperlyConfigured, KeyError, ValueError) as error:
        raise ImproperlyConfigured(f"EMAIL_URL: {error}") from error

# -- Pictures -------------------------------------------------------------------------------------

PICTURE_MAX_BYTES = env.int("PICTURE_MAX_BYTES", default=64 * 1024 * 1024)
PICTURE_TIMEOUT_SECONDS = env.float("PICTURE_TIMEOUT_SECONDS", default=30)
# Networks that pictures may come from although they are private, on any port. A channel's own host
# and port need not be here.
PICTURE_ALLOWED_NETWORKS = env.list("PICTURE_ALLOWED_NETWORKS", default=[])

# Days that tasks, and the ledger's entries about them, are kept; 0: for ever.
KEEP_TASKS_DAYS = env.int("KEEP_TASKS_DAYS", default=0)
KEEP_ENTRIES_DAYS = env.int("KEEP_ENTRIES_DAYS", default=0)

# Copies the results of finished tasks, so that they outlive the upstream's links.
KEEP_RESULTS = env.bool("KEEP_RESULTS", default=False)
RESULTS_TICK_SECONDS = env.float("RESULTS_TICK_SECONDS", default=2)
LOCAL_STORAGE = "django.core.files.storage.FileSystemStorage"
RESULTS_STORAGE = env.str("RESULTS_STORAGE", default=LOCAL_STORAGE)
RESULTS_STORAGE_OPTIONS = env.json("RESULTS_STORAGE_OPTIONS", default={})
if not isinstance(RESULTS_STORAGE_OPTIONS, dict):
    raise ImproperlyConfigured("RESULTS_STORAGE_OPTIONS must be a JSON object.")
# What a backend needs to fit us: a copy that is made again takes the place of the first, and no
# file is read into memory as a whole.
RESULTS_STORAGE_DEFAULTS: dict[str, dict[str, Any]] = {
    LOCAL_STORAGE: {"location": str(VAR_DIR / "results"), "allow_overwrite": True},
    "storages.backends.s3.S3Storage": {"max_memory_size": 1024 * 1024, "file_overwrite": True},
}
# The same with time-outs.
BOUNDED_STORAGES = {"storages.backends.s3.S3Storage": "relay.pictures.s3_storage.BoundedS3Storage"}
STORAGES = {
    "default": {"BACKEND": LOCAL_STORAGE},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "results": {
        "BACKEND": BOUNDED_STORAGES.get(RESULTS_STORAGE, RESULTS_STORAGE),
        "OPTIONS": RESULTS_STORAGE_DEFAULTS.get(RESULTS_STORAGE, {}) | RESULTS_STORAGE_OPTIONS,
    },
}

# -- Accounts (console/accounts/) -----------------------------------------------------------------

# Wrong passwords, or wrong second factors, for one name or from one address.
SIGN_IN_TRIES = env.int("SIGN_IN_TRIES", default=5)
SIGN_IN_LOCK_SECONDS = env.int("SIGN_IN_LOCK_SECONDS", default=300)
# What concerns money, prices, secrets or roles asks for the password when the sign-in is older.
SIGN_IN_FRESH_SECONDS = env.int("SIGN_IN_FRESH_SECONDS", default=900)
# [{"id": "corp", "name": "Corp", "issuer": "https://…", "client_id": "…", "secret": "…"}]
OIDC_PROVIDERS = env.json("OIDC_PROVIDERS", default=[])
GITHUB_CLIENT_ID = env.str("GITHUB_CLIENT_ID", default="").strip()
GITHUB_CLIENT_SECRET = env.str("GITHUB_CLIENT_SECRET", default="").strip()

# Without mail an address cannot be confirmed, so none is asked for.
ACCOUNT_SIGNUP_FIELDS = [
    *(["email*"] if EMAIL_URL else []),
    "username*",
    "password1*",
    "password2*",
]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_URL else "none"
ACCOUNT_EMAIL_NOTIFICATIONS = bool(EMAIL_URL)
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = SIGN_IN_FRESH_SECONDS
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_RATE_LIMITS = {
    # By address, and by account however its name is written.
    "login_failed": f"10/m/ip,100/h/ip,{SIGN_IN_TRIES}/{SIGN_IN_LOCK_SECONDS}s/key",
}
SOCIALACCOUNT_PROVIDERS = providers.settings(
    oidc=OIDC_PROVIDERS, github=(GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET)
)

# -- Logs -----------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
# "line" for people, "json" for programs (docs/metrics.md).
LOG_FORMAT = env.str("LOG_FORMAT", default=logs.LINE).lower()
# One line for each request.
ACCESS_LOG = env.bool("ACCESS_LOG", default=True)
try:
    LOGGING = logs.configuration(level=LOG_LEVEL, style=LOG_FORMAT, access=ACCESS_LOG)
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from error
# Whatever happens, these stand in no log.
redaction.hide(
    SECRET_KEY,
    *SECRET_KEY_FALLBACKS,
    KEY_HASH_SECRET,
    *KEY_HASH_OLD_SECRETS,
    *ENCRYPTION_SECRETS,
    *METRICS_TOKEN.split(","),
    STRIPE_SECRET_KEY,
    STRIPE_WEBHOOK_SECRET,
    EPAY_KEY,
    OPERATOR_WEBHOOK_SECRET,
    GITHUB_CLIENT_SECRET,
    *providers.secrets(SOCIALACCOUNT_PROVIDERS),
    *map(redaction.password, (DATABASE_URL, REDIS_URL, CELERY_BROKER_URL, EMAIL_URL)),
)
