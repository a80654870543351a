"""What is told of something hidden on purpose: each release with its reason.

`authz/policy/implicit_flow.py` finds what a shown field, row or order depends on. What it depends
on must be visible to the same actor, or the pair stands here. Whoever adds a line here tells
actors something about data that they may not see: the reason says what, and why it does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

POPULATION_INPUTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "overpaid": ("Collection.overpaid",),
        "in-arrears": ("Collection.outstanding", "Collection.dueOn"),
        "to-be-reminded": (
            "Collection.outstanding",
            "Collection.dueOn",
            "Collection.remindedOn",
            "Collection.arrearsState",
        ),
        "own-section": ("Collection.taxItemCode", "Account.taxItemCode"),
        "payers:": ("Collection.taxItemCode", "Account.taxItemCode"),
        "output-allowed": ("Handling.stopOutput",),
    }
)
"""What a row's being in a population depends on (`resolvers/read/population.py`)."""

NAMED = ("Addressee", "Addressee.code")
"""What the log tells of a person to whoever may read it: that there is one of this code."""

OF_A_FILE = ("personCount", "levyCount", "state")
"""What a transfer's record tells of its file, in which nobody stands whose output is stopped."""

CHECKED = ("Addressee.fullName", "Collection.taxItemCode", "Collection.outstanding")
"""What the checks of a transfer go by, and tell in numbers alone."""

IN_A_FILE = (
    "Addressee.code",
    "Addressee.fullName",
    "Collection.taxAmount",
    "Handling.addressWithheld",
    "Handling.stopOutput",
)
"""What a digest of the file tells whoever guesses the rest: one of each class that is in it."""

DERIVED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("Handling", "Handling.addressWithheld", "Handling.stopOutput"),
            ("ProtectiveMeasure", "Addressee.dvFlag", "Addressee.neglectFlag"),
        ),
        "ForwardingAddress": ("SpecialAddressee",),
        "HandlingNotice": ("Handling.addressWithheld", "Handling.stopOutput"),
        "Collection.outstanding": ("Collection.taxAmount", "Collection.receivedTax"),
        "Collection.overpaid": ("Collection.taxAmount", "Collection.receivedTax"),
        "Collection.status": ("Collection.outstanding", "Collection.overpaid", "Collection.dueOn"),
        "Query.policyComparison": ("Addressee",),
        "Query.policyReplay": ("AccessRecord", "LoggedOperation"),
        **{f"Transfer.{name}": ("Handling.stopOutput",) for name in OF_A_FILE},
        "Transfer.state": ("Handling.addressWithheld", "Handling.stopOutput"),
        **dict.fromkeys(("TransferCheck.passed", "TransferCheck.reason"), CHECKED),
        **dict.fromkeys(("Transfer.ndjsonDigest", "Transfer.csvDigest"), IN_A_FILE),
    }
)
"""What is worked out, and from what."""

_CAUSE = "that care is due and not why: each obligation has at least three kinds of causes"
_PURPOSE = "the purpose is defined by these people: to act for it is to be told who they are"
_DIGITS = "three digits tell accounts apart, and not which they are"
_ORDER = "lists end their order by the code: who was entered before whom"
_SIZE = "how many people the whole city has, in two figures: nobody shows in it"
_SHAPES = "shapes of requests alone: no person, no actor"
_FILE = "how many of a whole population are in a file: that some are left out, and not who"
_TAKEN = (
    "a file is taken back when an obligation of anybody in it changes: that one did, and not whose"
)
_CHECKED = "how many of a whole population lack what a file must hold, and not who"
_AGENT = "that somebody's mail goes nowhere that may be told: not that there is an agent, nor who"
_OWN = "whoever acts for these payers knows which items are theirs"

RELEASES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        **{
            (told, cause): _CAUSE
            for told in ("Handling", "Handling.addressWithheld", "Handling.stopOutput")
            for cause in ("ProtectiveMeasure", "Addressee.dvFlag", "Addressee.neglectFlag")
        },
        ("population:overpaid", "Collection.overpaid"): _PURPOSE,
        ("population:in-arrears", "Collection.outstanding"): _PURPOSE,
        ("population:in-arrears", "Collection.dueOn"): _PURPOSE,
        ("population:own-section", "Collection.taxItemCode"): _OWN,
        ("population:own-section", "Account.taxItemCode"): _OWN,
        ("population:payers:", "Collection.taxItemCode"): _OWN,
        ("population:payers:", "Account.taxItemCode"): _OWN,
        ("mask:last3", "Account.accountNumber"): _DIGITS,
        ("order", "Addressee.code"): _ORDER,
        ("Query.policyComparison", "Addressee"): _SIZE,
        ("Query.policyReplay", "AccessRecord"): _SHAPES,
        ("Query.policyReplay", "LoggedOperation"): _SHAPES,
        ("ForwardingAddress", "SpecialAddressee"): _AGENT,
        **{(f"Transfer.{name}", "Handling.stopOutput"): _FILE for name in OF_A_FILE},
        ("Transfer.state", "Handling.addressWithheld"): _TAKEN,
        **{
            (f"TransferCheck.{name}", on): _CHECKED
            for name in ("passed", "reason")
            for on in CHECKED
        },
    }
)
"""(what tells, what it tells of) → why."""


_HEAD = "levies fall on the heads of households: that somebody is one, not with whom they live"
_ONE_BRANCH = "where a bank has one branch: who debits must name the bank, whoever is covered"
_NOWHERE = "what is kept back from a salary is paid at no counter: that there is no place"

PREDICTS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("Collection", "HouseholdMembership.relationship"): _HEAD,
        ("Receipt", "HouseholdMembership.relationship"): _HEAD,
        ("Receipt", "Receipt.paymentPlace"): _NOWHERE,
        ("Collection", "Receipt.paymentPlace"): _NOWHERE,
        ("Account", "HouseholdMembership.relationship"): _HEAD,
        ("Account.bankCode", "Account.branchCode"): _ONE_BRANCH,
        ("Handling", "CoveredPerson"): _CAUSE,
    }
)
"""(field or type that is shown, field or type that is hidden) → why it may say so much of it.

`tests/test_predictors.py` looks for more over whole towns.
"""
