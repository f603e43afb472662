"""`make bench`: measure import, orders, first deliveries and whole nights at four sizes, on PostgreSQL.

Makes a database and folders of its own, and removes them. BENCH_SCALE (0.05 unless told) says how large: 1 is a
million persons and two million watches. Results go to benchmarks/latest.json as they come, and to standard output.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from benchmarks import baselines, results, scene_constants
from benchmarks.measure import run_case
from benchmarks.results import LARGEST_GROWTH, LARGEST_PEAK, Result
from benchmarks.sizes import Sizes, sizes
