"""Every setting of the system, in one file. Each variable is named as its setting.

The defaults are those of the embedded form: SQLite, a broker of files, nothing outside this folder.
They are safe in production but for SECRET_KEY, which `check --deploy` refuses, and the HTTPS switches,
which follow HTTPS=true.
"""

from datetime import time
from pathlib import Path
from typing import Any

import environ
import structlog
from celery.schedules import crontab
from csp.constants import NONE, SELF

from lefi.brokers import provider_apps
from lefi.masking import masking_processor

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VAR_DIR.mkdir(exist_ok=True)

env = environ.Env()
env.read_env(BASE_DIR / ".env")  # absent in production; real variables win

# Core

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="django-insecure-for-development-only")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "lefi.accounts",
    "lefi.audit",
    "lefi.service",
    "benefits",
    "subscriptions",
    "deliveries",
    "lefi.adminsite.WorkplaceConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "django_structlog",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "lefi.middleware.CompressedPages",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "lefi.accounts.middleware.SecondFactor",
    "django_structlog.middlewares.RequestMiddleware",
    "lefi.middleware.PrivateResponses",
    "lefi.middleware.BoundedBodies",
]

ROOT_URLCONF = "lefi.urls"
WSGI_APPLICATION = "lefi.wsgi.application"

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
            ],
            "libraries": {"lefi": "lefi.templatetags.lefi"},
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Data

DATABASE_URL = env("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'lefi.sqlite3'}")
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:  # PostgreSQL, where to compile one of our statements takes longer than to run it
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHE_URL = env("CACHE_URL", default=f"filecache://{VAR_DIR / 'cache'}")
CACHES = {"default": env.cache_url_config(CACHE_URL)}

# Where the documents of deliveries and the files of orders and imports are kept.
DOCUMENTS_DIR = Path(env("DOCUMENTS_DIR", default=str(VAR_DIR / "documents")))
ORDERS_DIR = Path(env("ORDERS_DIR", default=str(VAR_DIR / "orders")))
# Where the private keys that sign deliveries lie, and whether the system may make itself one where there never was any:
# so it does in the embedded form alone, unless it is told otherwise.
SIGNING_KEYS_DIR = Path(env("SIGNING_KEYS_DIR", default=str(VAR_DIR / "signing-keys")))
SIGNING_KEY_AT_FIRST_USE = env.bool("SIGNING_KEY_AT_FIRST_USE", default="SIGNING_KEYS_DIR" not in env.ENVIRON)
# Days between the announcement of a key and the first that it signs.
SIGNING_KEY_NOTICE_DAYS = env.int("SIGNING_KEY_NOTICE_DAYS", default=14)

# People

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "portal:start"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "lefi.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "lefi.adapters.SocialAccountAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # a code that ran out as it was written still counts, as RFC 6238, 5.2, advises
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_FORMS = {"reset_password": "lefi.accounts.forms.ResetPasswordForm"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # who writes a stranger's address sends that stranger nothing
# The brokers that people log in through (docs/login.md), and the key of the digests that they are known by.
IDENTITY_KEY = env("IDENTITY_KEY", default="")
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"APPS": provider_apps(env.json("OIDC_BROKERS", default=[]), key=IDENTITY_KEY)}
}
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True  # to bind an identity, or remove it
SOCIALACCOUNT_LOGIN_ON_GET = True  # a form may be sent to ourselves alone, and so not on to a broker
SESSION_COOKIE_AGE = 8 * 60 * 60

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="lefi@localhost")

# Days in which an invitation to join an organisation can be accepted.
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)

# Language

LANGUAGE_CODE = "sv"
LANGUAGES = [("sv", "Svenska"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Stockholm"
USE_TZ = True
FORMAT_MODULE_PATH = ["lefi.formats"]

# Web

HTTPS = env.bool("HTTPS", default=False)
# Of whom a second factor is asked before anything else. An e-identification through a broker is one.
SECOND_FACTOR_STAFF = env.bool("SECOND_FACTOR_STAFF", default=HTTPS)
SECOND_FACTOR_MEMBERS = env.bool("SECOND_FACTOR_MEMBERS", default=False)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]  # asked by the machine itself, past the proxy that ends TLS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# The largest body of a page, in bytes, and the pages that take in whole files of orders beside it.
BODY_MAX_BYTES = 10 * 1024 * 1024
FILE_PATHS = ["/orders/", "/reconciliations/", "/admin/subscriptions/order/"]
# How many proxies stand before us: whose word we take for the address that a request comes from.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=1 if HTTPS else 0)

# The API

# How often a minute somebody may ask for a token from one address, in all and for one client; and how often a client's
# secret may be wrong, from all addresses together.
TOKEN_TRIES_BY_ADDRESS = env.int("TOKEN_TRIES_BY_ADDRESS", default=120)
TOKEN_TRIES_BY_CLIENT = env.int("TOKEN_TRIES_BY_CLIENT", default=30)
TOKEN_FAILURES_BY_CLIENT = env.int("TOKEN_FAILURES_BY_CLIENT", default=300)
PARTNER_REQUESTS_A_MINUTE = 600
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["subscriptions.authentication.PartnerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["subscriptions.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["subscriptions.authentication.PartnerThrottle"],
    "DEFAULT_THROTTLE_RATES": {"partner": f"{PARTNER_REQUESTS_A_MINUTE}/min"},
    "EXCEPTION_HANDLER": "lefi.problems.problem_response",
}
# Days for which it is kept what a customer's system called and was answered, for the customer to look into.
API_CALL_DAYS = env.int("API_CALL_DAYS", default=30)
# The largest body taken in, in bytes; a larger file is sent in parts, each at most this large.
ORDER_MAX_BYTES = env.int("ORDER_MAX_BYTES", default=32 * 1024 * 1024)
# The largest file of an order, in bytes: a million lines in XML.
ORDER_FILE_MAX_BYTES = env.int("ORDER_FILE_MAX_BYTES", default=512 * 1024 * 1024)
# So many lines, in so many bytes, are answered while the customer waits; more are answered by a worker.
ORDER_AT_ONCE_LINES = env.int("ORDER_AT_ONCE_LINES", default=1000)
ORDER_AT_ONCE_BYTES = env.int("ORDER_AT_ONCE_BYTES", default=512 * 1024)
# Days after which a preview that nobody confirmed, or a file that never came whole, is thrown away.
ORDER_PREVIEW_DAYS = env.int("ORDER_PREVIEW_DAYS", default=7)
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "orders": "Order, cancel and refresh watches, and read how it went",
        "deliveries": "List, fetch and acknowledge deliveries",
        "consents": "Register consents, read them and withdraw them",
    },
    "DEFAULT_SCOPES": [],
    "OAUTH2_VALIDATOR_CLASS": "subscriptions.secrets.PartnerValidator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 900,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "LEFI Prenumeration",
    "DESCRIPTION": "Order watches on persons and collect deliveries of benefit information.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "OAUTH2_FLOWS": ["clientCredentials"],
    "OAUTH2_TOKEN_URL": "/oauth/token/",
    "OAUTH2_SCOPES": OAUTH2_PROVIDER["SCOPES"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "LineAnswer": "subscriptions.api.orderforms.LINE_ANSWERS",
        "OrderAim": "subscriptions.api.orderforms.AIMS",
        "OrderForm": "subscriptions.api.orderforms.FORMS",
        "OrderKind": "subscriptions.orders.lines.KINDS",
        "OrderStatus": "subscriptions.api.orderforms.STATUSES",
        "ProblemCode": "lefi.problems.CODES",
        "DifferenceKind": "deliveries.api.reconciliations.KINDS",
        "ReconciliationStatus": "deliveries.api.reconciliations.STATUSES",
    },
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

# Background work

CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="filesystem://")
BROKER_DIR = VAR_DIR / "broker"  # used by filesystem:// alone, which does not make it itself
BROKER_DIR.mkdir(exist_ok=True)
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "data_folder_in": str(BROKER_DIR),
        "data_folder_out": str(BROKER_DIR),
        "control_folder": str(VAR_DIR / "broker-control"),
    }
    if CELERY_BROKER_URL.startswith("filesystem")
    else {}
)
CELERY_TASK_ALWAYS_EAGER = env.bool("CELERY_TASK_ALWAYS_EAGER", default=False)
CELERY_TASK_IGNORE_RESULT = True  # the rows are the result
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")

# The nightly run: planned at NIGHT_STARTS, over by NIGHT_ENDS the next morning (Europe/Stockholm).
NIGHT_STARTS = time.fromisoformat(env("NIGHT_STARTS", default="22:00"))
NIGHT_ENDS = time.fromisoformat(env("NIGHT_ENDS", default="05:00"))
NIGHT_WEEKDAYS = env.list("NIGHT_WEEKDAYS", cast=int, default=[1, 2, 3, 4, 5, 6, 7])  # 1 is Monday
# Watches of one benefit in one stream that may have news at once: always so many, never more, and until it is known
# what is usual no more than this share of those that stand (deliveries.brake).
BRAKE_FLOOR = env.int("BRAKE_FLOOR", default=500)
BRAKE_MOST = env.int("BRAKE_MOST", default=200_000)
BRAKE_FLOOR_ALL = env.int("BRAKE_FLOOR_ALL", default=5_000)  # the same of a benefit over all streams
BRAKE_MOST_ALL = env.int("BRAKE_MOST_ALL", default=1_000_000)
BRAKE_SHARE = env.float("BRAKE_SHARE", default=0.5)
# Hours without an import after which deliveries say that a source is silent.
SOURCE_SILENT_HOURS = env.int("SOURCE_SILENT_HOURS", default=36)
# Days between the announcement of a version of the schema and the first that it is in force.
SCHEMA_NOTICE_DAYS = env.int("SCHEMA_NOTICE_DAYS", default=60)
# Days that a delivery may wait to be fetched, or acknowledged by a system, before its customer is told so.
LAG_FETCH_DAYS = env.int("LAG_FETCH_DAYS", default=5)
LAG_ACKNOWLEDGE_DAYS = env.int("LAG_ACKNOWLEDGE_DAYS", default=5)
# Watches that the check for delta debt looks at each minute (deliveries.debt).
DEBT_WATCHES_A_MINUTE = env.int("DEBT_WATCHES_A_MINUTE", default=10_000)
CELERY_BEAT_SCHEDULE = {
    "start-debt-check": {
        "task": "deliveries.tasks.start_debt_check",
        "schedule": crontab(hour=7, minute=0),
        "options": {"expires": 3600},
    },
    "check-debt": {
        "task": "deliveries.tasks.check_debt",
        "schedule": crontab(),
        "options": {"expires": 50},
    },
    "watch-lags": {
        "task": "deliveries.tasks.watch_lags",
        "schedule": crontab(minute=30),
        "options": {"expires": 3000},
    },
    "remind-of-the-next-schema": {
        "task": "deliveries.tasks.remind_of_the_next_schema",
        "schedule": crontab(hour=8, minute=0),
        "options": {"expires": 3600},
    },
    "start-the-night": {
        "task": "deliveries.tasks.start_the_night",
        "schedule": crontab(),
        "options": {"expires": 50},
    },
    "look-back-at-the-night": {
        "task": "deliveries.tasks.look_back_at_the_night",
        "schedule": crontab(hour=NIGHT_ENDS.hour, minute=NIGHT_ENDS.minute),
        "options": {"expires": 3600},
    },
    "put-back-what-is-stuck": {
        "task": "deliveries.tasks.put_back_what_is_stuck",
        "schedule": crontab(),
        "options": {"expires": 50},
    },
    "examine-ahead": {
        "task": "deliveries.tasks.examine_ahead",
        "schedule": crontab(),
        "options": {"expires": 50},
    },
    "keep-up": {
        "task": "subscriptions.tasks.keep_up",
        "schedule": crontab(minute=15),
        "options": {"expires": 3000},
    },
    "take-up-orders": {
        "task": "subscriptions.tasks.take_up_orders",
        "schedule": crontab(),
        "options": {"expires": 50},
    },
    "mail-notices": {
        "task": "subscriptions.tasks.mail_notices",
        "schedule": crontab(),
        "options": {"expires": 50},
    },
    "look-through-the-log": {
        "task": "subscriptions.tasks.look_through_the_log",
        "schedule": crontab(hour=5, minute=30),
        "options": {"expires": 3600},
    },
    "sweep-unkept-files": {
        "task": "subscriptions.tasks.sweep_unkept_files",
        "schedule": crontab(hour=6, minute=5),
        "options": {"expires": 3600},
    },
    "compare-waiting-lists": {
        "task": "deliveries.tasks.compare_waiting_lists",
        "schedule": crontab(),
        "options": {"expires": 50},
    },
    "note-watches-to-close": {
        "task": "deliveries.tasks.note_watches_to_close",
        "schedule": crontab(day_of_week="sunday", hour=7, minute=0),
        "options": {"expires": 3600},
    },
    "erase-what-is-due": {
        "task": "deliveries.tasks.erase_what_is_due",
        "schedule": crontab(hour=6, minute=30),
        "options": {"expires": 3600},
    },
    "sweep-orphan-documents": {
        "task": "deliveries.tasks.sweep_orphan_documents",
        "schedule": crontab(hour=6, minute=0),
        "options": {"expires": 3600},
    },
}
# Whom to turn to, and when they answer, as the open pages say it.
CONTACT = {
    "email": env("CONTACT_EMAIL", default="lefi@example.org"),
    "phone": env("CONTACT_PHONE", default="010-000 00 00"),
    "hours": env("CONTACT_HOURS", default="08:00–16:00"),
}
# Days that the draft of an application is kept after it was last saved.
APPLICATION_DRAFT_DAYS = env.int("APPLICATION_DRAFT_DAYS", default=30)
# Days before a planned stop on which it is told.
PLANNED_STOP_NOTICE_DAYS = env.int("PLANNED_STOP_NOTICE_DAYS", default=5)
# What signs agreements (subscriptions.signing): a recorded signature, until an e-signature service takes its place.
AGREEMENT_SIGNING_BACKEND = env("AGREEMENT_SIGNING_BACKEND", default="subscriptions.signing.RecordedSignature")
# What the record of processing says beside what follows from the rows (GDPR article 30.1): the agency's own statements.
# TIME_LIMITS is JSON, by the keys of subscriptions.registers.KEPT; nothing here is erased because it says so.
RECORD_OF_PROCESSING = {
    "controller": env("CONTROLLER", default="Försäkringskassan, 202100-5521"),
    "officer": env("DATA_PROTECTION_OFFICER", default=""),
    "time_limits": env.json("TIME_LIMITS", default={}),
}
# What is erased, after how many days and by which rule (deliveries.retention, docs/retention.md). The days are ours,
# until the agency has decided; RETENTION is JSON with the kinds that differ. Nothing is erased before the decision is
# named.
_ERASURE = "SFB (2010:110) 114 kap. 15 §; GDPR 5.1 e"
RETENTION_DECISION = env("RETENTION_DECISION", default="")
RETENTION: dict[str, dict[str, Any]] = {
    "documents": {"days": 400, "reference": _ERASURE},
    "documents_unacknowledged": {"days": 800, "reference": _ERASURE},
    "spontaneous": {"days": 400, "reference": _ERASURE},
    "orders": {"days": 400, "reference": _ERASURE},
    "refused_orders": {"days": 30, "reference": _ERASURE},
    "reconciliations": {"days": 60, "reference": _ERASURE},
    "versions": {"days": 1100, "reference": _ERASURE},
    "reports": {"days": 800, "reference": "GDPR 5.1 e, 5.2"},
    "log": {"days": 3650, "reference": "GDPR 5.1 e, 5.2; SFB (2010:110) 114 kap. 13 §"},
} | env.json("RETENTION", default={})
# What is unusual in the log of a month's reads (subscriptions.followup, docs/followup.md): so many persons in a day,
# and so many times the reader's own usual day, where that is known from enough days; persons read at odd hours; days
# with the same person; searches without a hit; lines in the files taken in a day; and so on. FOLLOW_UP is JSON with
# those that differ. A month is to be signed off so many days after its end.
FOLLOW_UP: dict[str, int] = {
    "many_persons": 50,
    "many_times": 3,
    "usual_days": 90,
    "usual_least_days": 5,
    "night_from": 22,
    "night_to": 6,
    "odd_persons": 5,
    "same_days": 6,
    "misses": 10,
    "protected_persons": 1,
    "unwatched_persons": 5,
    "others_persons": 20,
    "numbers": 50,
    "file_lines": 1000,
} | env.json("FOLLOW_UP", default={})
FOLLOW_UP_DAYS = env.int("FOLLOW_UP_DAYS", default=14)
# An import with more persons in quarantine than this, or than this share of its lines, is refused whole.
IMPORT_QUARANTINE_MOST = env.int("IMPORT_QUARANTINE_MOST", default=1000)
IMPORT_QUARANTINE_SHARE = env.float("IMPORT_QUARANTINE_SHARE", default=0.01)
# Days that something owed may wait before `verify` calls it a fault.
PENDING_DAYS = env.int("PENDING_DAYS", default=3)
FROZEN_DAYS = env.int("FROZEN_DAYS", default=40)  # while frozen: protected, blocked, unconfirmed
# Days that a watch waits for the customer to confirm it, or for a consent that ran out to be renewed, before it ends.
RECONFIRM_GRACE_DAYS = env.int("RECONFIRM_GRACE_DAYS", default=30)
CONSENT_GRACE_DAYS = env.int("CONSENT_GRACE_DAYS", default=30)
# How many days a consent for a purpose may hold at most. Purposes that are not named here have no limit.
CONSENT_MOST_DAYS = {"riskbedomning": env.int("CONSENT_RISK_DAYS", default=90)}

# When a watch is noted as one to close: days with nothing told, days with no delivery of its stream fetched, days since
# it was said that the benefit may not be told, and how many days the from-date may be too far back. What the customer
# says is to be kept is let be for KEEP_DAYS.
DORMANT_DAYS = env.int("DORMANT_DAYS", default=365)
UNUSED_DAYS = env.int("UNUSED_DAYS", default=180)
REFUSED_DAYS = env.int("REFUSED_DAYS", default=90)
LOOK_BACK_GRACE_DAYS = env.int("LOOK_BACK_GRACE_DAYS", default=30)
KEEP_DAYS = env.int("KEEP_DAYS", default=365)

# Logs

DJANGO_STRUCTLOG_CELERY_ENABLED = True
shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *shared_processors,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": shared_processors,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                masking_processor,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING")},
}
