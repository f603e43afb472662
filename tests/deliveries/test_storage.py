"""Documents lie by their hash, whole or not at all."""

import hashlib
import os
import time

import pytest

from deliveries import storage

TEXT = b"<leverans/>"
SHA256 = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture
def kept():
    draft = storage.temporary()
    draft.write_bytes(TEXT)
    return storage.keep(draft, SHA256)


def test_a_kept_document_has_its_place_and_its_draft_is_gone(kept):
    assert kept == storage.place_of(SHA256)
    assert kept.read_bytes() == TEXT
    assert not any((kept.parent.parent / "unfinished").iterdir())


def test_a_draft_that_is_not_what_was_written_any_more_gets_no_place():
    draft = storage.temporary()
    draft.write_bytes(TEXT.swapcase())

    with pytest.raises(storage.NotAsWritten):
        storage.keep(draft, SHA256)
    assert not storage.place_of(SHA256).exists()


def test_drafts_never_meet():
    assert storage.temporary() != storage.temporary()


@pytest.mark.parametrize("content", [None, b"", b"<leverans>", TEXT[::-1]])
def test_a_document_that_is_gone_or_of_another_length_or_hash_is_not_whole(kept, content):
    assert storage.is_whole(SHA256, len(TEXT))
    kept.unlink() if content is None else kept.write_bytes(content)

    assert not storage.is_whole(SHA256, len(TEXT))


def test_a_file_is_read_once_while_nothing_touches_it_and_again_when_something_has(kept, monkeypatch):
    read = []
    whole = storage._hash_of
    monkeypatch.setattr(storage, "_hash_of", lambda path: read.append(path) or whole(path))

    assert [storage.is_still_whole(SHA256, len(TEXT)) for _ in range(3)] == [True] * 3
    assert read == [kept]
    kept.write_bytes(TEXT[::-1])
    assert not storage.is_still_whole(SHA256, len(TEXT))
    kept.write_bytes(TEXT[:-1])
    assert not storage.is_still_whole(SHA256, len(TEXT))
    kept.unlink()
    assert not storage.is_still_whole(SHA256, len(TEXT))


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_only_a_day_old_document_that_no_delivery_names_is_swept(kept, old, known):
    if old:
        then = time.time() - storage.ORPHAN_AGE - 1
        os.utime(kept, (then, then))

    swept = storage.sweep([SHA256] if known else [])

    assert swept == (old and not known)
    assert kept.exists() != (old and not known)


def test_an_old_draft_is_swept():
    draft = storage.temporary()
    draft.write_bytes(b"half")
    os.utime(draft, (0, 0))

    assert storage.sweep([]) == 1
