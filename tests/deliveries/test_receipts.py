"""Keys that sign, and what they sign: manifests, tombstones and receipts, one chain a stream."""

import json
from datetime import date, datetime, timedelta
from io import StringIO
from unittest import mock

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deliveries import checks, jws, receipts, runs, services, signing_keys
from deliveries.models import Delivery, Receipt, SigningKey, StreamRun, Told
from lefi.audit.models import AuditEvent
from lefi.reasons import ReasonRefused
from subscriptions.models import Member, Notice
from tests.deliveries.test_verifier import header_of
from tests.documents import delivered, said_of
from tests.factories import (
    AT,
    DAY,
    ApiClientFactory,
    CustomerFactory,
    DeliveryFactory,
    MemberFactory,
    ReceiptFactory,
    SigningKeyFactory,
    StreamFactory,
    WatchFactory,
)
from tests.histories.sources import SJP, sickness
from tests.partners import partner, refusal_of, url_of

pytestmark = pytest.mark.django_db
REASON = "The disk was lost"
KIND = Receipt.Kind


def first_key() -> SigningKey:
    return signing_keys.signer(AT).key


def public_of(kid: str) -> Ed25519PublicKey:
    listed = {one["kid"]: one for one in signing_keys.published()["keys"]}
    return Ed25519PublicKey.from_public_bytes(bytes_of(listed[kid]["x"]))


def bytes_of(segment: str) -> bytes:
    return jws.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def holds(statement: str) -> bool:
    signed, _, signature = statement.rpartition(".")
    try:
        public_of(header_of(statement)["kid"]).verify(bytes_of(signature), signed.encode())
    except InvalidSignature:
        return False
    return True


def refusal(step, **said) -> str:
    with pytest.raises(signing_keys.Refused) as refused, transaction.atomic():
        step(**said)
    return refused.value.code


# Keys


def test_the_first_key_is_made_at_first_use_and_its_private_half_is_a_file_for_its_owner_alone(settings):
    key = first_key()

    path = signing_keys.place_of(key.kid)
    assert SigningKey.objects.get() == key == first_key()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert key.kid.startswith("2026-11-23-")
    assert set(key.public_jwk) == {"kty", "crv", "x"}


def test_no_key_is_made_where_they_are_to_be_announced(settings):
    settings.SIGNING_KEY_AT_FIRST_USE = False

    assert refusal(signing_keys.signer, at=AT) == "SIGNING_KEY_MISSING"
    assert not SigningKey.objects.exists()


def open_to_others(path):
    path.chmod(0o640)


def gone(path):
    path.unlink()


def damaged(path):
    path.write_text("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n")


def another_key(path):
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.parametrize("happens", [open_to_others, gone, damaged, another_key])
def test_a_private_key_that_is_not_safe_and_whole_signs_nothing_and_no_other_is_made(happens):
    happens(signing_keys.place_of(first_key().kid))

    assert refusal(signing_keys.signer, at=AT) == "SIGNING_KEY_MISSING"
    assert SigningKey.objects.count() == 1


def test_a_new_key_is_published_and_told_of_at_once_and_signs_from_its_day():
    customer = CustomerFactory()
    CustomerFactory(active=False)
    old = first_key()

    new = signing_keys.announce(signs_from=DAY + timedelta(days=14), at=AT)

    assert [one["kid"] for one in signing_keys.published()["keys"]] == [old.kid, new.kid]
    old.refresh_from_db()
    assert old.signs_to == new.signs_from == datetime(2026, 12, 7, tzinfo=timezone.get_default_timezone())
    assert signing_keys.signer(new.signs_from - timedelta(microseconds=1)).key == old
    assert signing_keys.signer(new.signs_from).key == new
    notice = Notice.objects.get()
    assert (notice.customer, notice.code) == (customer, "SIGNING_KEY_ANNOUNCED")
    assert notice.details == {"kid": new.kid, "day": "2026-12-07"}
    assert AuditEvent.objects.get(object_type="deliveries.signingkey").object_id == new.kid


def test_a_key_without_notice_or_beside_one_that_waits_is_refused():
    first_key()

    assert refusal(signing_keys.announce, signs_from=DAY + timedelta(days=13), at=AT) == "NOTICE_TOO_SHORT"
    signing_keys.announce(signs_from=DAY + timedelta(days=14), at=AT)
    assert refusal(signing_keys.announce, signs_from=DAY + timedelta(days=30), at=AT) == "ANOTHER_WAITS"


def test_a_key_signs_at_once_only_where_none_does():
    old = first_key()

    assert refusal(signing_keys.replace_now, reason=REASON, at=AT) == "NOT_COMPROMISED"
    signing_keys.withdraw(kid=old.kid, reason=REASON, at=AT)
    assert refusal(signing_keys.signer, at=AT) == "SIGNING_KEY_MISSING"
    with pytest.raises(ReasonRefused):
        signing_keys.replace_now(reason=" ", at=AT)
    new = signing_keys.replace_now(reason=REASON, at=AT)

    assert signing_keys.signer(AT).key == new
    assert [one["withdrawn_at"] for one in signing_keys.published()["keys"]] == [AT.isoformat(), None]
    assert AuditEvent.objects.filter(reason=REASON).count() == 2


def test_one_in_place_of_a_withdrawn_key_signs_until_the_one_that_waits():
    old = first_key()
    waiting = signing_keys.announce(signs_from=DAY + timedelta(days=14), at=AT)
    signing_keys.withdraw(kid=old.kid, reason=REASON, at=AT)

    new = signing_keys.replace_now(reason=REASON, at=AT)

    assert new.signs_to == waiting.signs_from
    assert signing_keys.signer(waiting.signs_from).key == waiting


def test_a_key_withdrawn_while_it_waits_leaves_its_place_to_the_one_before():
    old = first_key()
    waiting = signing_keys.announce(signs_from=DAY + timedelta(days=14), at=AT)

    signing_keys.withdraw(kid=waiting.kid, reason=REASON, at=AT)

    assert signing_keys.signer(waiting.signs_from).key == old
    assert refusal(signing_keys.withdraw, kid=waiting.kid, reason=REASON, at=AT) == "ALREADY_WITHDRAWN"
    assert refusal(signing_keys.withdraw, kid="2026-01-01-0", reason=REASON, at=AT) == "KEY_UNKNOWN"


@pytest.mark.parametrize(
    "change", [{"kid": "x"}, {"public_jwk": {}}, {"signs_from": AT}, {"created_at": AT + timedelta(1)}]
)
def test_a_key_is_fixed_but_for_its_end(change):
    key = first_key()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        SigningKey.objects.filter(pk=key.pk).update(**change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        SigningKey.objects.filter(pk=key.pk)._raw_delete("default")


def test_a_withdrawn_key_stays_withdrawn():
    key = SigningKeyFactory(withdrawn_at=AT)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        SigningKey.objects.filter(pk=key.pk).update(withdrawn_at=None)


def test_the_keys_are_published_to_everybody_without_a_private_part(client):
    first_key()

    answer = client.get("/.well-known/lefi-keys.json")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/jwk-set+json")
    assert "public" in answer["Cache-Control"]
    (said,) = answer.json()["keys"]
    assert said.keys() >= {"kty", "crv", "x", "kid", "alg", "use", "created_at", "signs_from", "signs_to"}
    assert "d" not in said


@pytest.mark.parametrize(("at_first_use", "found"), [(True, [checks.KEY_AT_FIRST_USE]), (False, [])])
def test_the_deployment_check_warns_of_a_key_that_the_system_makes_itself(settings, at_first_use, found):
    settings.SIGNING_KEY_AT_FIRST_USE = at_first_use

    assert checks.keys_are_announced(None) == found


def told_by(*words: str) -> str:
    out = StringIO()
    call_command("signing_keys", *words, stdout=out)
    return out.getvalue()


def test_staff_announce_list_and_withdraw_keys_by_command():
    first = told_by("new", "--now", "--reason", "The first key").split()[0]
    second = told_by("new").split()[0]
    told_by("withdraw", second, "--reason", REASON)
    signing_keys.place_of(second).unlink()

    lines = told_by("list").splitlines()

    assert [line.split()[0] for line in lines] == [first, second]
    assert "withdrawn" in lines[1] and "its file is not here" in lines[1]
    with pytest.raises(CommandError, match="NOTICE_TOO_SHORT"):
        told_by("new", "--from", str(date.today()))


# Statements


@pytest.fixture
def stream(world):
    person = world.sources.people[0]
    person.items("sjukpenningarende").append(sickness(world.day - timedelta(days=30), 9))
    world.sources.hand_over(world.now, person)
    world.watch(world.streams[0], 0, SJP)
    return world.streams[0]


def chain(stream) -> list[str]:
    return list(Receipt.objects.chain(stream.pk).values_list("jws", flat=True))


def assert_chained(stream) -> None:
    previous = ""
    for statement in chain(stream):
        assert holds(statement)
        assert jws.payload_of(statement)["previous"] == previous
        previous = jws.digest(statement)


def fetch(world, delivery):
    services.fetch(delivery=delivery, at=world.now)


def test_a_manifest_says_which_document_was_released(world, stream):
    world.night()
    delivery = Delivery.objects.get(stream=stream)
    agreement = stream.agreement

    assert jws.payload_of(delivery.manifest.jws) == {
        "stream": stream.pk,
        "number": 1,
        "previous": "",
        "agreement": agreement.code,
        "organisation_number": agreement.customer.organisation_number,
        "unit": agreement.customer.unit,
        "purpose": stream.purpose,
        "sha256": delivery.sha256,
        "size": delivery.size,
        "previous_sha256": "",
        "schema_version": delivery.schema_version,
        "as_of_import": delivery.as_of_import,
        "as_of_law": delivery.as_of_law,
        "day": "2026-01-05",
        "run": delivery.run_id,
        "released_at": "2026-01-05T21:00:00+00:00",
        "persons": 1,
        "blocks": 2,
        "final": False,
    }
    assert header_of(delivery.manifest.jws).keys() == {"alg", "kid", "typ"}
    assert delivery.manifest.sha256 == jws.digest(delivery.manifest.jws)


def test_manifests_and_tombstones_are_one_chain(world, stream):
    world.night()
    person = world.sources.people[0]
    world.night()
    fetch(world, Delivery.objects.get(stream=stream, number=1))
    person.protection = "SKYDDAD_FOLKBOKFORING"
    person.items("sjukpenningarende").append(sickness(world.day, 2))
    world.night()
    world.sources.hand_over(world.now, person, only=[])
    recalled = services.recall_what_may_no_longer_be_told(world.now)
    world.night()

    said = [jws.payload_of(one) for one in chain(stream)]
    assert_chained(stream)
    kinds = list(Receipt.objects.chain(stream.pk).values_list("kind", "number"))
    tombstones = [("tombstone", one.number) for one in Delivery.objects.filter(stream=stream).exclude(recalled_at=None)]
    assert recalled == len(tombstones)
    assert sorted(kinds) == sorted([*(("manifest", number) for number in range(1, 5)), *tombstones])
    assert said[-1]["number"] == 4


def test_a_recall_leaves_a_tombstone_for_each_delivery_after_the_manifests(world, stream):
    world.night()
    world.night()
    delivery = Delivery.objects.get(stream=stream, number=1)
    with transaction.atomic():
        services.take_back(services._locked(stream.pk), 1, world.now)

    assert_chained(stream)
    first, second = (jws.payload_of(one) for one in chain(stream)[2:])
    assert (first["number"], second["number"]) == (1, 2)
    assert (first["sha256"], first["manifest_sha256"]) == (delivery.sha256, delivery.manifest.sha256)
    assert receipts.tombstones_of(stream.pk, [1, 2, 3]).keys() == {1, 2}


def test_there_is_no_delivery_without_a_manifest():
    with pytest.raises(IntegrityError), transaction.atomic():
        DeliveryFactory(manifest=None)


def test_a_chain_has_no_fork_and_a_number_one_manifest():
    kept = ReceiptFactory(previous="")

    for same in ({"previous": ""}, {"number": kept.number}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReceiptFactory(stream=kept.stream, **same)


def test_what_was_signed_is_never_changed_or_deleted():
    kept = ReceiptFactory()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Receipt.objects.filter(pk=kept.pk).update(jws="")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Receipt.objects.filter(pk=kept.pk)._raw_delete("default")


def test_without_a_key_the_night_tells_nothing_and_the_next_one_with_it_tells_all(world, stream):
    path = signing_keys.place_of(signing_keys.signer(world.now).key.kid)
    spare = path.rename(path.with_suffix(".spare"))

    run = world.night()

    failed = set(StreamRun.objects.filter(run=run).values_list("status", "code"))
    assert failed == {(StreamRun.Status.FAILED, "SIGNING_KEY_MISSING")}
    assert not Delivery.objects.exists() and not Told.objects.exists() and not Receipt.objects.exists()
    spare.rename(path)
    world.night()
    assert Delivery.objects.get(stream=stream).number == 1
    assert Delivery.objects.get(stream=stream).persons == 1


def test_a_stream_that_cannot_be_signed_stops_no_other(world, stream):
    true = runs.release

    def unsigned(run, of, *rest):
        if of.pk == stream.pk:
            raise signing_keys.SigningRefused("SIGNING_KEY_MISSING")
        return true(run, of, *rest)

    with mock.patch.object(runs, "release", unsigned):
        run = world.night()

    statuses = dict(StreamRun.objects.filter(run=run).values_list("stream", "status"))
    assert statuses.pop(stream.pk) == StreamRun.Status.FAILED
    assert set(statuses.values()) == {StreamRun.Status.RELEASED}


def test_a_recall_that_cannot_be_signed_hands_nothing_out(world, stream):
    world.night()
    delivery = Delivery.objects.get(stream=stream)
    person = world.sources.people[0]
    person.protection = "SKYDDAD_FOLKBOKFORING"
    world.sources.hand_over(world.now, person, only=[])
    signing_keys.place_of(SigningKey.objects.get().kid).unlink()

    assert refusal(services.fetch, delivery=delivery, at=world.now) == "SIGNING_KEY_MISSING"
    delivery.refresh_from_db()
    assert (delivery.first_fetched_at, delivery.recalled_at) == (None, None)


def test_signing_costs_a_release_at_most_three_queries(world, stream):
    world.night()
    delivery = Delivery.objects.get(stream=stream)
    delivery.number, delivery.pk = 2, None

    with CaptureQueriesContext(connection) as asked:
        receipts.sign_manifest(delivery, stream)

    assert len(asked) <= 3


# Acknowledging


@pytest.fixture
def fetched():
    watch = WatchFactory(stream__served=True)
    delivery = delivered([said_of(watch)], stream=watch.stream)
    services.fetch(delivery=delivery, at=AT)
    return delivery


RIGHT = [("sha256",), ("manifest_sha256",), ("sha256", "manifest_sha256")]


@pytest.mark.parametrize("by", RIGHT)
def test_an_acknowledgement_is_bound_to_the_document_its_manifest_or_both(fetched, by):
    own = {"sha256": fetched.sha256, "manifest_sha256": fetched.manifest.sha256.upper()}

    receipt = services.acknowledge(delivery=fetched, at=AT, client="abc", **{name: own[name] for name in by})

    assert holds(receipt.jws)
    assert jws.payload_of(receipt.jws) == {
        "stream": fetched.stream_id,
        "number": 1,
        "manifest_sha256": fetched.manifest.sha256,
        "acknowledged_at": AT.isoformat(),
        "client": "abc",
    }


@pytest.mark.parametrize("said", [{}, {"sha256": "0" * 64}, {"manifest_sha256": "0" * 64}, {"manifest_sha256": "own"}])
def test_an_acknowledgement_of_another_hash_is_refused_even_beside_the_right_one(fetched, said):
    if said == {"manifest_sha256": "own"}:
        said = {"sha256": fetched.manifest.sha256, "manifest_sha256": fetched.sha256}
    elif "manifest_sha256" in said:
        said = said | {"sha256": fetched.sha256}

    assert refusal(services.acknowledge, delivery=fetched, at=AT, **said) == "WRONG_HASH"
    assert not Receipt.objects.filter(kind=KIND.ACKNOWLEDGEMENT).exists()


def test_a_repeated_acknowledgement_gets_the_same_receipt_until_its_key_is_withdrawn(fetched):
    def again():
        return services.acknowledge(delivery=fetched, at=AT, sha256=fetched.sha256)

    first = again()
    assert again() == first
    for key in SigningKey.objects.all():
        signing_keys.withdraw(kid=key.kid, reason=REASON, at=AT)
    assert refusal(services.acknowledge, delivery=fetched, at=AT, sha256=fetched.sha256) == "SIGNING_KEY_MISSING"
    signing_keys.replace_now(reason=REASON, at=AT)

    assert again() != first
    assert again() == Receipt.objects.filter(kind=KIND.ACKNOWLEDGEMENT).latest("pk")


# The API, the portal and the command


@pytest.fixture
def api(fetched):
    return partner(ApiClientFactory(customer=fetched.stream.agreement.customer))


def test_a_partner_reads_the_manifest_without_fetching(api, fetched):
    answer = api.get(url_of(fetched.stream, "deliveries", 1, "manifest"))

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/jose")
    assert answer.content.decode() == fetched.manifest.jws
    assert answer["ETag"] == f'"{fetched.manifest.sha256}"'
    assert fetched.fetches.count() == 1


@pytest.mark.parametrize("rest", [("deliveries", 1, "manifest"), ("manifests",)])
def test_what_is_signed_for_another_customer_does_not_exist(fetched, rest):
    stranger = partner(ApiClientFactory(customer=CustomerFactory()))

    assert refusal_of(stranger.get(url_of(fetched.stream, *rest))) == (404, "NOT_FOUND")


def test_a_partner_acknowledges_by_the_manifest_and_gets_a_signed_receipt(api, fetched):
    where = url_of(fetched.stream, "deliveries", 1, "acknowledgement")

    answer = api.post(where, {"manifest_sha256": fetched.manifest.sha256}, content_type="application/json")

    assert answer.status_code == 200
    assert holds(answer.json()["receipt"])
    assert refusal_of(api.post(where, {}, content_type="application/json")) == (400, "INVALID")
    wrong = api.post(where, {"manifest_sha256": "0" * 64}, content_type="application/json")
    assert refusal_of(wrong) == (409, "WRONG_HASH")


def test_the_list_of_deliveries_names_manifests_and_tombstones_in_the_same_number_of_questions(api, fetched):
    def ask():
        with CaptureQueriesContext(connection) as asked:
            results = api.get(url_of(fetched.stream, "deliveries")).json()["results"]
        return results, len(asked)

    DeliveryFactory(stream=fetched.stream, number=2, recalled_at=AT)
    ReceiptFactory(stream=fetched.stream, number=2, kind=KIND.TOMBSTONE, jws="e30.e30.BB")
    few, asked = ask()
    for number in (3, 4, 5):
        DeliveryFactory(stream=fetched.stream, number=number, recalled_at=AT)
        ReceiptFactory(stream=fetched.stream, number=number, kind=KIND.TOMBSTONE)

    assert [one["tombstone"] for one in few] == ["", "e30.e30.BB"]
    assert few[0]["manifest_sha256"] == fetched.manifest.sha256
    assert ask()[1] == asked


def lines_of(answer) -> list[dict]:
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def test_the_export_holds_every_statement_in_order_and_goes_on_where_it_was(api, fetched, monkeypatch):
    monkeypatch.setattr(receipts, "PAGE", 2)
    services.acknowledge(delivery=fetched, at=AT, sha256=fetched.sha256)
    for number in (2, 3):
        DeliveryFactory(stream=fetched.stream, number=number)
    DeliveryFactory()

    answer = api.get(url_of(fetched.stream, "manifests"))
    lines = lines_of(answer)

    assert answer["Content-Type"] == "application/jsonl"
    assert [(one["kind"], one["number"]) for one in lines] == [
        ("manifest", 1),
        ("acknowledgement", 1),
        ("manifest", 2),
        ("manifest", 3),
    ]
    assert lines_of(api.get(url_of(fetched.stream, "manifests"), {"after": lines[2]["id"]})) == lines[3:]
    assert refusal_of(api.get(url_of(fetched.stream, "manifests"), {"after": "x"})) == (400, "INVALID")


def test_staff_export_what_a_partner_can(api, fetched):
    out = StringIO()

    call_command("manifests", str(fetched.stream_id), stdout=out)

    exported = b"".join(api.get(url_of(fetched.stream, "manifests")).streaming_content)
    assert out.getvalue() == exported.decode()
    with pytest.raises(CommandError, match="no such stream"):
        call_command("manifests", "0")


def test_a_member_reads_the_manifest_in_the_portal_and_a_stranger_does_not(client, fetched):
    customer = fetched.stream.agreement.customer
    client.force_login(MemberFactory(customer=customer, role=Member.Role.INTEGRATION).user)
    page = client.get(f"/deliveries/{fetched.pk}/").content.decode()
    answer = client.get(f"/deliveries/{fetched.pk}/manifest/")
    assert f"/deliveries/{fetched.pk}/manifest/" in page
    assert answer.content.decode() == fetched.manifest.jws

    client.force_login(MemberFactory().user)
    assert client.get(f"/deliveries/{fetched.pk}/manifest/").status_code == 404


def test_an_acknowledgement_in_the_portal_that_cannot_be_signed_says_so(client, fetched):
    client.force_login(MemberFactory(customer=fetched.stream.agreement.customer, role=Member.Role.INTEGRATION).user)
    for key in SigningKey.objects.all():
        signing_keys.place_of(key.kid).unlink()

    answer = client.post(f"/deliveries/{fetched.pk}/acknowledge/")

    assert answer.status_code == 409
    assert "SIGNING_KEY_MISSING" in answer.content.decode()


def test_the_same_statement_is_signed_in_the_same_words():
    """Objects in one order, no spaces: so a receiver can compare texts."""
    assert jws.canonical({"b": 1, "a": {"d": True, "c": "å"}}) == '{"a":{"c":"å","d":true},"b":1}'.encode()


def test_a_stream_of_another_agreement_has_a_chain_of_its_own():
    ReceiptFactory(stream=StreamFactory(), previous="")
    ReceiptFactory(stream=StreamFactory(), previous="")

    assert Receipt.objects.filter(previous="").count() == 2
