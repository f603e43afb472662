"""How often somebody may do something: counted in the cache that all processes share, by the whole hour."""

import hashlib
import time

from django.core.cache import cache

HOUR = 3600  # seconds


def within_limit(action: str, who: str, *, most: int) -> bool:
    """Count one more by `who` this hour, and say whether it is among the first `most`. `who` is kept hashed."""
    place = hashlib.sha256(f"{action} {who} {int(time.time()) // HOUR}".encode()).hexdigest()
    key = f"limit:{place}"
    if cache.add(key, 1, timeout=HOUR):
        return most > 0
    count = cache.incr(key)
    cache.touch(key, HOUR)  # not every cache keeps a key's time when it counts
    return count <= most
