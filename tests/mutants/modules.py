"""Which tests belong to which module: the first that should notice a mistake in it come first."""

RULES = "licensing/rules"
OPERATIONS = "licensing/operations"
_ASSIGNING = (
    "tests/operations/test_assigning.py",
    "tests/operations/test_transferring.py",
    "tests/operations/test_taking_back.py",
    "tests/operations/test_changing_seats.py",
)

TESTS_OF: dict[str, tuple[str, ...]] = {
    f"{RULES}/seats.py": (
        "tests/rules/test_seats.py",
        "tests/operations/test_transferring.py",
        "tests/queries/test_seats_table.py",
    ),
    f"{RULES}/pools.py": (
        "tests/rules/test_pools.py",
        "tests/operations/test_lines_crossed.py",
        "tests/operations/test_buying.py",
    ),
    f"{RULES}/entitlements.py": (
        "tests/rules/test_entitlements.py",
        "tests/operations/test_entitlements_told.py",
    ),
    f"{RULES}/terms.py": ("tests/rules/test_terms.py", "tests/operations/test_renewing.py"),
    f"{RULES}/permissions.py": ("tests/rules/test_permissions.py",),
    f"{RULES}/prices.py": ("tests/rules/test_prices.py",),
    f"{RULES}/accounts.py": (
        "tests/rules/test_accounts.py",
        "tests/operations/test_accounts.py",
        "tests/operations/test_inviting.py",
        "tests/queries/test_inactive_seats.py",
    ),
    f"{RULES}/subscriptions.py": (
        "tests/rules/test_subscriptions.py",
        "tests/operations/test_tiers.py",
    ),
    "licensing/idempotency.py": (
        "tests/api/test_idempotency.py",
        "tests/api/test_repeating.py",
        "tests/test_kept_answers.py",
        "tests/webhooks/test_retention.py",
    ),
    "webhooks/rules.py": ("tests/webhooks/test_rules.py", "tests/webhooks/test_trouble.py"),
    "webhooks/addresses.py": ("tests/webhooks/test_addresses.py",),
    "webhooks/lanes.py": (
        "tests/webhooks/test_lanes.py",
        "tests/webhooks/test_delivering.py",
        "tests/webhooks/test_sharing.py",
        "tests/webhooks/test_by_hand.py",
        "tests/webhooks/test_changing.py",
    ),
    f"{OPERATIONS}/assigning.py": (
        *_ASSIGNING,
        "tests/operations/test_requesting.py",
        "tests/operations/test_suspending.py",
        "tests/operations/test_giving_back.py",
    ),
    f"{OPERATIONS}/holding.py": (
        *_ASSIGNING,
        "tests/operations/test_giving_back.py",
        "tests/operations/test_lines_crossed.py",
        "tests/operations/test_suspending.py",
        "tests/operations/test_inviting.py",
        "tests/operations/test_deactivating.py",
    ),
    f"{OPERATIONS}/giving_back.py": ("tests/operations/test_giving_back.py",),
}
