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
    "benefits",
    "subscriptions",
    "deliveries",
    "django.contrib.admin",
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
    "drf_spectacular_sidecar",
    "django_structlog",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
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
    "django_structlog.middlewares.RequestMiddleware",
    "lefi.middleware.PrivateResponses",
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
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHE_URL = env("CACHE_URL", default=f"filecache://{VAR_DIR / 'cache'}")
CACHES = {"default": env.cache_url_config(CACHE_URL)}

# Where the documents of deliveries and the files of orders and imports are kept.
DOCUMENTS_DIR = Path(env("DOCUMENTS_DIR", default=str(VAR_DIR / "documents")))

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
ACCOUNT_SESSION_REMEMBER = False
SESSION_COOKIE_AGE = 8 * 60 * 60

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="lefi@localhost")

# Language

LANGUAGE_CODE = "sv"
LANGUAGES = [("sv", "Svenska"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Stockholm"
USE_TZ = True
FORMAT_MODULE_PATH = ["lefi.formats"]

# Web

HTTPS = env.bool("HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
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

# The API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["subscriptions.authentication.PartnerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["subscriptions.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["subscriptions.authentication.PartnerThrottle"],
    "DEFAULT_THROTTLE_RATES": {"partner": "600/min"},
    "EXCEPTION_HANDLER": "lefi.problems.problem_response",
}
# The largest body taken in, in bytes: an order in XML on some 100 000 persons.
ORDER_MAX_BYTES = env.int("ORDER_MAX_BYTES", default=32 * 1024 * 1024)
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "orders": "Order, cancel and refresh watches, and read how it went",
        "deliveries": "List, fetch and acknowledge deliveries",
        "consents": "Register consents, read them and withdraw them",
    },
    "DEFAULT_SCOPES": [],
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
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "OAUTH2_FLOWS": ["clientCredentials"],
    "OAUTH2_TOKEN_URL": "/oauth/token/",
    "OAUTH2_SCOPES": OAUTH2_PROVIDER["SCOPES"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "OrderKind": "subscriptions.orderfile.KINDS",
        "ProblemCode": "lefi.problems.CODES",
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
CELERY_BEAT_SCHEDULE = {
    "start-the-night": {
        "task": "deliveries.tasks.start_the_night",
        "schedule": crontab(hour=NIGHT_STARTS.hour, minute=NIGHT_STARTS.minute),
        "options": {"expires": 3600},
    },
    "put-back-what-is-stuck": {
        "task": "deliveries.tasks.put_back_what_is_stuck",
        "schedule": crontab(),
        "options": {"expires": 50},
    },
    "keep-up": {
        "task": "subscriptions.tasks.keep_up",
        "schedule": crontab(minute=15),
        "options": {"expires": 3000},
    },
    "mail-notices": {
        "task": "subscriptions.tasks.mail_notices",
        "schedule": crontab(),
        "options": {"expires": 50},
    },
    "sweep-orphan-documents": {
        "task": "deliveries.tasks.sweep_orphan_documents",
        "schedule": crontab(hour=6, minute=0),
        "options": {"expires": 3600},
    },
}
# What signs agreements (subscriptions.signing): a recorded signature, until an e-signature service takes its place.
AGREEMENT_SIGNING_BACKEND = env("AGREEMENT_SIGNING_BACKEND", default="subscriptions.signing.RecordedSignature")
# What the record of processing says beside what follows from the rows (GDPR article 30.1): the agency's own statements.
# TIME_LIMITS is JSON, by the keys of subscriptions.registers.KEPT; nothing here is erased because it says so.
RECORD_OF_PROCESSING = {
    "controller": env("CONTROLLER", default="Försäkringskassan, 202100-5521"),
    "officer": env("DATA_PROTECTION_OFFICER", default=""),
    "time_limits": env.json("TIME_LIMITS", default={}),
}
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
