"""What the pages are measured on: a country's worth of persons, customers, watches, nights and logs, set-based.

Stream, agreement and customer of a number belong to each other. Number 1 is the large customer; person 1 is watched by
all. Night n of stream s made delivery (n - 1) * STREAMS + s, week w of it order (w - 1) * STREAMS + s. The rows of
each table lie in order of time, as they do where they came one by one.
"""

import json
from datetime import datetime
from pathlib import Path

from django.core.serializers.json import DjangoJSONEncoder

from benchmarks import scene
from benchmarks.facescene.law import fill_law
from benchmarks.facescene.logs import fill_logs, fill_rest
from benchmarks.facescene.ordered import fill_orders, fill_watches
from benchmarks.facescene.people import fill_customers, fill_people
from benchmarks.facescene.register import fill_register
from benchmarks.facescene.shared import PATTERNS, SUPERUSER
from benchmarks.facescene.told import fill_nights, fill_owed, fill_told
from benchmarks.facesizes import FaceSizes
from benchmarks.filling import run, unhindered
from benchmarks.population import write_part
from benefits import models as benefits
from benefits.services import import_file
from benefits.synthetic import Register
from deliveries import models as deliveries
from deliveries import personreport
from deliveries.signing_keys import signer
from lefi.accounts.models import User
from lefi.bulk import copy_rows


def make(sizes: FaceSizes, folder: Path, at: datetime) -> None:
    signer(at)
    scene.make(1, at)  # the legal basis
    for written in write_part(Register(PATTERNS), 1, range(PATTERNS), folder, at):
        import_file(manifest_path=written.manifest, at=at)
    _report(at)
    with unhindered():
        fill_people(sizes)
        fill_customers(sizes)
        fill_register(sizes)
        fill_nights(sizes)
        fill_watches(sizes)
        fill_told(sizes)
        fill_orders(sizes)
        fill_owed(sizes)
        fill_law(sizes)
        fill_logs(sizes)
        fill_rest(sizes)


def _report(at: datetime) -> None:
    """What a report says of a person of whom nothing has been told, as the text of all reports."""
    person = benefits.Person.objects.earliest("pk")
    said = personreport.contents(deliveries.PersonReport(person=person, requested_on=at.date(), as_of=at))
    run("CREATE TEMPORARY TABLE report (content text)")
    copy_rows("report", ["content"], [(json.dumps(said | {"withheld": 0}, cls=DjangoJSONEncoder),)])


def tell_busy_report(at: datetime) -> None:
    """A report to the person who is watched by all, which nobody has reviewed."""
    person = benefits.Person.objects.get(pk=1)
    by = User.objects.get(pk=SUPERUSER)
    personreport.make_report(person=person, requested_on=at.date(), reference="DNR-1", with_values=False, by=by, at=at)
