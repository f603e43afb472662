"""The persons and their benefit periods."""

from collections.abc import Iterator
from itertools import count, islice

from benchmarks import orderfile
from benchmarks.facescene.shared import BUSY, PATTERNS, SECTION, ago, sha_of
from benchmarks.facesizes import FaceSizes
from benchmarks.filling import fill, run
from benefits import models as benefits
from lefi.bulk import copy_rows

PERIODS = 4  # of each person


def fill_register(sizes: FaceSizes) -> None:
    """Each person's number and facts, and copies of some periods of one of those that were imported."""
    names = ["id", "first_number"]
    taken = set(benefits.PersonNumber.objects.values_list("number", flat=True))  # read before rows are copied
    numbers = islice(_new_numbers(taken), sizes.persons - PATTERNS)
    copy_rows("benefits_person", names, enumerate(numbers, start=PATTERNS + 1))
    others = f"benefits_person p WHERE p.id > {PATTERNS} ORDER BY p.id"
    imports = 3 * sizes.nights
    by = f"3 + p.id * {imports} / {sizes.persons}"
    fill(benefits.PersonNumber, others, person="p.id", number="p.first_number", current="true", recorded_in=by)
    fill(
        benefits.PersonFacts,
        others,
        person="p.id",
        name="'Karin Testsson'",
        born="substr(p.first_number, 1, 4)",
        protection="CASE WHEN p.id % 50 = 0 THEN 'SEKRETESSMARKERING' ELSE 'INGET' END",
        recorded_in=by,
    )
    run(
        "CREATE TEMPORARY TABLE pattern AS SELECT b.*, row_number() OVER (PARTITION BY person_id ORDER BY "
        f"section <> '{SECTION}', id) AS place FROM benefits_benefitperiod b WHERE person_id <= {PATTERNS}"
    )
    copied = {
        name: f"t.{name}"
        for name in ("section", "digest", "ordinal", "starts_on", "ends_on", "extent", "amount", "content")
    }
    fill(
        benefits.BenefitPeriod,
        f"benefits_person p JOIN pattern t ON t.person_id = p.id % {PATTERNS} + 1 AND t.place <= {PERIODS} "
        f"WHERE p.id > {PATTERNS} ORDER BY p.id, t.place",
        person="p.id",
        recorded_in=by,
        withdrawn_in=f"CASE WHEN t.place = {PERIODS} AND p.id % 3 = 0 THEN {by} + 1 END",
        **copied,
    )
    fill(
        benefits.BenefitPeriod,
        f"generate_series(1, {BUSY}) n, (SELECT * FROM pattern LIMIT 1) t",
        person="1",
        recorded_in="n",
        **copied | {"digest": sha_of("n")},
    )
    source = "(ARRAY['FK', 'FK', 'PM'])[n % 3 + 1]"
    fill(
        benefits.Import,
        f"generate_series(3, {imports}) n",
        number="n",
        source=source,
        sequence="n + 10",
        status="'published'",
        state="'OK'",
        file_name="'fil-' || n || '.jsonl'",
        sha256=sha_of("n"),
        lines="10000",
        lines_checked="10000",
        created_at=ago("n", imports, 365),
        received_at=ago("n", imports, 365),
        published_at=ago("n", imports, 365),
        counts='\'{"items": 10000, "touched": 3000}\'::jsonb',
    )
    many = sizes.times(3_000_000)
    fill(
        benefits.Touched,
        f"generate_series(1, {many}) n",
        number=f"3 + n::bigint * ({imports} - 3) / {many + 1}",
        person=f"1 + (n * 7919::bigint) % {sizes.persons}",
        section=f"'{SECTION}'",
    )
    many = sizes.times(50_000)
    fill(
        benefits.Quarantined,
        f"generate_series(1, {many}) n",
        imported=f"(SELECT max(id) FROM benefits_import) - n % {sizes.nights}",
        line="n",
        section=f"'{SECTION}'",
        code="'REQUIRED'",
        reason="'A required field is missing.'",
    )
    fill(
        benefits.Reversal,
        "generate_series(0, 49) n",
        imported="(SELECT max(id) FROM benefits_import) - n",
        reason="'Körningen gick en månad för tidigt.'",
        prepared_by="9",
        prepared_at="now()",
        approved_by="CASE WHEN n > 3 THEN 10 END",
        approved_at="CASE WHEN n > 3 THEN now() END",
    )
    fill(
        benefits.LeftAsItIs,
        f"generate_series(1, {sizes.times(20_000)}) n",
        reversal="(SELECT min(id) FROM benefits_reversal) + n % 50",
        person=f"1 + n % {sizes.persons}",
        section=f"'{SECTION}'",
        why="'later'",
    )


def _new_numbers(taken: set[str]) -> Iterator[str]:
    """Identity numbers that nobody holds, without end; those of `taken` are held, and so is each that is given."""
    for index in count(PATTERNS):
        number = orderfile.number(index)
        if number not in taken:
            taken.add(number)
            yield number
