"""Deciding for many watches at once: one decision for each distinct profile, kept to be stored and proved."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benefits.apart import numbers_apart
from deliveries.models import StoredDecision
from subscriptions.decision import Consent, Decision, Profile, decide
from subscriptions.models import Watch
from subscriptions.profiles import (
    Given,
    StreamLaw,
    consents_of,
    given_for,
    protected_among,
    protected_numbers,
    released_among,
)


class Decider:
    """The decisions of one stream on one day. Tell it first which watches, in sets, with `about`."""

    def __init__(self, law: StreamLaw) -> None:
        self.law = law
        self.stored: dict[str, StoredDecision] = {}
        self._decided: dict[Profile, tuple[Decision, str]] = {}
        self._consents: dict[int, list[Given]] = {}
        self._protected: set[int] = set()
        self._protected_numbers: set[str] = set()
        self._apart: set[str] = set()
        self._released: set[int] = set()

    def about(self, watches: Sequence[Watch]) -> None:
        """Read the consents and protection of the watches' persons, as newest known."""
        person_ids = sorted({one.person_id for one in watches})
        self._protected = protected_among(person_ids)
        self._protected_numbers = protected_numbers(person_ids)
        self._released = released_among(filter(self._is_protected, watches), self.law.day)
        if self.law.basis is not None and self.law.basis.consent_needed:
            self._consents = consents_of(self.law.stream, person_ids)
            self._apart = self._protected_numbers | numbers_apart(self._protected)

    def decide(self, watch: Watch) -> tuple[Decision, str]:
        """The decision for a watch, and the key it is stored under."""
        profile = self.law.profile(
            watch.benefit,
            consent=self._consent(watch),
            case=bool(watch.case_reference),
            need=bool(watch.need_reference),
            protected=self._is_protected(watch),
            released=watch.pk in self._released,
            reconfirm_by=watch.reconfirm_by,
            ended=watch.ended_at is not None,
        )
        if profile not in self._decided:
            decision = decide(profile)
            row = row_of(profile, decision)
            self.stored[row.key] = row
            self._decided[profile] = decision, row.key
        return self._decided[profile]

    def _consent(self, watch: Watch) -> Consent | None:
        """The consent that speaks for a watch."""
        given = given_for(watch.ordered_number, self._consents.get(watch.person_id, []), self._apart)
        return self.law.consent(given, watch.ordered_number, watch.benefit) if given else None

    def _is_protected(self, watch: Watch) -> bool:
        return watch.person_id in self._protected or watch.ordered_number in self._protected_numbers


def store(rows: dict[str, StoredDecision]) -> dict[str, int]:
    """Store decisions that are not stored yet, and return key to id for all."""
    StoredDecision.objects.bulk_create(rows.values(), ignore_conflicts=True)
    return dict(StoredDecision.objects.filter(key__in=list(rows)).values_list("key", "pk"))


def row_of(profile: Profile, decision: Decision) -> StoredDecision:
    """A decision with all that it rested on, not stored yet."""
    values = _plain(asdict(profile))
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return StoredDecision(
        key=hashlib.sha256(text.encode()).hexdigest(),
        day=profile.day,
        outcome=decision.outcome,
        refusal=decision.refusal or "",
        basis_code=profile.basis.code if profile.basis else "",
        basis_version=profile.basis.version if profile.basis else None,
        scope_version=profile.terms.version,
        benefit=profile.benefit,
        classes=sorted(decision.classes),
        consent_id=profile.consent.id if profile.consent else None,
        profile=values,
    )


def _plain(value: Any) -> Any:
    """A value as JSON can hold it, the same for equal values."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)
