"""From legacy to seat-based pricing, once and for good (R3)."""

from dataclasses import dataclass

from licensing import events, resources
from licensing.db import rehearsal, transactional
from licensing.events import EventType, Reason
from licensing.models import Account, User
from licensing.operations import holding
from licensing.operations.due import brought_up_to_date
from licensing.operations.standing import Standing, lock_holders, standing_of
from licensing.resources import Resource
from licensing.rules.accounts import PricingModel
from licensing.rules.permissions import CHANGE_BILLING, Actor, require


@dataclass(frozen=True)
class Migration:
    """An account as it would be, and what each of its users holds before and after."""

    account: Account
    users: list[Resource]


@transactional
def migrate_account(actor: Actor) -> Account:
    """
    Move a legacy account to seat-based pricing; there is no way back.

    Every held seat stays with its holder, every pool keeps its quantity, and each active user who
    holds no seat gets the free viewing one (R8). Migrating an account that is seat-based already
    answers the same (R32). Refuses with `PermissionDenied`.
    """
    require(actor, CHANGE_BILLING)
    standing = brought_up_to_date(actor, alone=True)
    _migrate(standing, actor)
    return standing.account


@transactional
def preview_migration(actor: Actor) -> Migration:
    """What each user would hold after `migrate_account`; nothing is changed. Refuses as that."""
    require(actor, CHANGE_BILLING)
    brought_up_to_date(actor, alone=True)
    with rehearsal():
        standing = standing_of(actor)
        _lock_everybody(standing)
        held = {id: holder.seat_types for id, holder in standing.holders.items()}
        _migrate(standing, actor)
        return Migration(
            standing.account,
            [
                {
                    "user_id": id,
                    "email": holder.user.email,
                    "name": holder.user.name,
                    "seat_types": held[id],
                    "seat_types_after": holder.seat_types,
                }
                for id, holder in sorted(standing.holders.items())
            ],
        )


def shown(migration: Migration) -> Resource:
    """A migration before it is committed, as the API shows it."""
    return {"account": resources.account(migration.account), "users": migration.users}


def _lock_everybody(standing: Standing) -> None:
    everybody = User.select(User.id).where(User.account_id == standing.account.id)
    lock_holders(standing, [user.id for user in everybody])


def _migrate(standing: Standing, actor: Actor) -> None:
    account = standing.account
    if account.pricing_model == PricingModel.SEAT_BASED:
        return
    _lock_everybody(standing)
    account.pricing_model = PricingModel.SEAT_BASED
    account.version += 1
    account.save(only=["pricing_model", "version"])
    migrated = events.record(
        actor,
        EventType.ACCOUNT_MIGRATED,
        resources.account(account),
        previous={"pricing_model": PricingModel.LEGACY},
    )
    standing.upheaval = migrated
    for _, holder in sorted(standing.holders.items()):
        holding.give_fallback(standing, actor, holder, cause=migrated, reason=Reason.MIGRATED)
