"""Emergency blocks: set at once by one person, lifted by another (OSL 21:7; R19).

A block is in force from the commit on: a run that is building finds it before it releases, a fetch before it hands
over.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.reasons import demand_reason
from subscriptions.models import Block


class BlockRefused(Refused):
    """Not set: BLOCK_STOPS_NOTHING, BLOCK_WITHOUT_RECIPIENT. Not lifted: BLOCK_SAME_PERSON, BLOCK_LIFTED."""


@transaction.atomic
def set_block(*, block: Block, by: Any, at: datetime) -> Block:
    """Save a new block, which stops at once whatever fits all that it names.

    Raise BlockRefused: BLOCK_STOPS_NOTHING if it names nothing, BLOCK_WITHOUT_RECIPIENT if a recipient is suspected
    and neither a customer nor an agreement is named.
    """
    recipient = block.customer or block.agreement
    if not (recipient or block.basis_code or block.benefit):
        raise BlockRefused("BLOCK_STOPS_NOTHING", "A block names what it stops.")
    if block.ground == Block.Ground.SUSPECTED_RECIPIENT and not recipient:
        raise BlockRefused("BLOCK_WITHOUT_RECIPIENT", "A suspected recipient is named by customer or agreement.")
    block.reason = demand_reason(block.reason)
    block.set_by, block.set_at, block.lifted_at = by, at, None
    block.save(force_insert=True)
    record(action=Action.CREATE, object_type=block._meta.label_lower, object_id=block.pk, actor=by, ground=block.ground)
    return block


@transaction.atomic
def lift_block(*, block: Block, by: Any, at: datetime, reason: str) -> None:
    """Let go on what a block stopped.

    Raise BlockRefused: BLOCK_SAME_PERSON to who set it, BLOCK_LIFTED if it is lifted already.
    """
    if block.set_by_id == by.pk:
        raise BlockRefused("BLOCK_SAME_PERSON", "Another person than who set a block lifts it.")
    if not Block.objects.filter(pk=block.pk, lifted_at=None).update(lifted_at=at):
        raise BlockRefused("BLOCK_LIFTED", "The block is lifted already.")
    record(
        action=Action.END,
        object_type=block._meta.label_lower,
        object_id=block.pk,
        actor=by,
        reason=demand_reason(reason),
    )
    block.refresh_from_db()
