"""Mutations around protection (支援措置): measures, household members, lifts, substitute addresses.

All of them are the protection coordinator's. Whatever lowers protection takes two persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from models.tables.handling import SubstituteStatus
from models.tables.lift import OutputPath
from models.tables.protective_measure import MeasureKind
from schema.mutations.declare import change, payload
from schema.types.nouns import enumerated
from schema.types.scalars import Date, DateTime

for words in (MeasureKind, OutputPath, SubstituteStatus):
    enumerated(words)


def _given(description: str) -> Any:
    return strawberry.field(description=description)


def _maybe(description: str) -> Any:
    return strawberry.field(description=description, default=strawberry.UNSET)


@strawberry.input(description="代替送付先の提案の入力: a recipient, an address, or both.")
class SetSubstituteAddressInput:
    """What should be used instead of a person's withheld address."""

    addresseeCode: str = _given("宛名コード: whose")
    recipient: str | None = _given("代替送付先氏名: recipient")
    postalCode: str | None = _given("代替送付先郵便番号: postal code")
    address: str | None = _given("代替送付先住所: address")


@strawberry.input(description="代替送付先の提案の指定.")
class SubstituteAddressInput:
    """One proposal."""

    proposalId: strawberry.ID = _given("代替送付先の提案: which")


@strawberry.input(description="支援措置等の登録の入力.")
class RecordMeasureInput:
    """Why care is due, and with whom."""

    addresseeCode: str = _given("宛名コード: who asked, or for whom it is entered")
    kind: MeasureKind = _given("種類: what the cause is")
    otherPersons: list[str] | None = _maybe("併せて対象とする者の宛名コード: whom it covers too")
    addressWithheld: bool | None = _maybe("住所秘匿: asked unless false")
    stopOutput: bool | None = _maybe("出力停止: asked unless false")
    decidingMunicipalityCode: str | None = _maybe("決定市町村コード: default this city")
    counterpartyName: str | None = _maybe("相手方氏名: from whom")
    counterpartyAddresseeCode: str | None = _maybe("相手方宛名コード: from whom, where known")
    requestedOn: Date | None = _maybe("申出日: day of the request")
    decidedOn: Date | None = _maybe("決定日: without it the measure is REQUESTED, and protects")
    startsOn: Date | None = _maybe("開始日: first day")
    endsOn: Date | None = _maybe("期限: reminds; nothing ends by it")
    note: str | None = _maybe("備考: note")


@strawberry.input(description="支援措置等の訂正・延長の入力: what is absent stays.")
class AmendMeasureInput:
    """What is said of a measure; it cannot ask for less."""

    measureId: strawberry.ID = _given("支援措置等: which")
    kind: MeasureKind | None = _maybe("種類: what turned out to be behind UNSPECIFIED")
    otherPersons: list[str] | None = _maybe("追加する対象者の宛名コード: whom it is to cover too")
    decidingMunicipalityCode: str | None = _maybe("決定市町村コード: municipality that decides")
    counterpartyName: str | None = _maybe("相手方氏名: from whom")
    counterpartyAddresseeCode: str | None = _maybe("相手方宛名コード: from whom, where known")
    requestedOn: Date | None = _maybe("申出日: day of the request")
    decidedOn: Date | None = _maybe("決定日: day of the decision")
    startsOn: Date | None = _maybe("開始日: first day")
    endsOn: Date | None = _maybe("期限: reminds; nothing ends by it")
    note: str | None = _maybe("備考: note")


@strawberry.input(description="終了提案の入力.")
class ProposeMeasureEndInput:
    """Which measure should end, and why."""

    measureId: strawberry.ID = _given("支援措置等: which")
    reason: str = _given("終了理由: why")


@strawberry.input(description="フラグの解除提案の入力.")
class ProposeFlagEndInput:
    """Which flag of which record should be cleared, and why."""

    addresseeCode: str = _given("宛名コード: whose")
    flag: MeasureKind = _given("フラグ: DV_FLAG (記録項目 53) or NEGLECT_FLAG (記録項目 54)")
    reason: str = _given("終了理由: why")


@strawberry.input(description="支援措置等の指定.")
class MeasureInput:
    """One measure."""

    measureId: strawberry.ID = _given("支援措置等: which")


@strawberry.input(description="世帯員の除外の提案の入力.")
class ExcludeHouseholdMemberInput:
    """To whom in the present household a person's obligation should not extend."""

    addresseeCode: str = _given("宛名コード: whose obligation")
    memberCode: str = _given("世帯員の宛名コード: who should not be covered by it")
    reason: str = _given("除外理由: why")


@strawberry.input(description="世帯員の除外の指定.")
class HouseholdExclusionInput:
    """One exclusion."""

    exclusionId: strawberry.ID = _given("世帯員の除外: which")


@strawberry.input(description="一時解除の提案の入力.")
class ProposeLiftInput:
    """Who may see or issue what of whom, until when and how often."""

    addresseeCode: str = _given("宛名コード: whose data")
    staffId: str = _given("職員番号: who may")
    classes: list[str] = _given("区分: classes that an obligation withholds (`residence`)")
    path: OutputPath = _given("出力経路: SCREEN for viewing, the others for issuing")
    endsAt: DateTime = _given("終了日時: at most 31 days ahead")
    uses: int = _given("回数: 1 to 100")
    reason: str = _given("理由: what it is needed for")


@strawberry.input(description="一時解除の指定.")
class LiftInput:
    """One lift."""

    liftId: strawberry.ID = _given("一時解除: which")


Noun = tuple[str, str, str]
"""A payload field, its type, and what it is called."""


def _payload(name: str, *nouns: Noun) -> Any:
    shows = {field: (type_name, f"{ja}: as it is now") for field, type_name, ja in nouns}
    return payload(f"{name[0].upper()}{name[1:]}Payload", f"{nouns[0][2]}の変更結果.", shows)


def _change(name: str, input_type: type, nouns: tuple[Noun, ...], description: str) -> Any:
    return change(name, input_type, _payload(name, *nouns), description)


SUBSTITUTE = (
    ("substituteAddress", "SubstituteAddress", "代替送付先"),
    ("proposal", "SubstituteAddressProposal", "代替送付先の提案"),
)
MEASURE = (("protectiveMeasure", "ProtectiveMeasure", "支援措置等"),)
EXCLUSION = (("householdExclusion", "HouseholdExclusion", "世帯員の除外"),)
LIFT = (("lift", "Lift", "一時解除"),)

DECLARED: tuple[tuple[str, type, tuple[Noun, ...], str], ...] = (
    ("setSubstituteAddress", SetSubstituteAddressInput, SUBSTITUTE,
     "代替送付先の提案: propose what to use instead of a withheld address; clerks do not see it."),
    ("confirmSubstituteAddress", SubstituteAddressInput, SUBSTITUTE,
     "代替送付先の確認: put in force what somebody else proposed."),
    ("withdrawSubstituteAddress", SubstituteAddressInput, SUBSTITUTE,
     "代替送付先の取消: take a proposal back, or what is in force away, at once."),
    ("recordMeasure", RecordMeasureInput, MEASURE,
     "支援措置等の登録: enter why care is due; it protects at once, decided or not."),
    ("amendMeasure", AmendMeasureInput, MEASURE,
     "支援措置等の訂正・延長: correct or extend; it cannot lower protection."),
    ("proposeMeasureEnd", ProposeMeasureEndInput, MEASURE,
     "終了提案: propose an end; it protects until a second person confirms."),
    ("proposeFlagEnd", ProposeFlagEndInput, MEASURE,
     "フラグの解除提案: propose to clear a flag; it is then confirmed like an end."),
    ("withdrawMeasureEnd", MeasureInput, MEASURE,
     "終了提案の取消: take a proposal back, or refuse it."),
    ("confirmMeasureEnd", MeasureInput, MEASURE,
     "終了確認: end what somebody else proposed to end; the obligation ends where nothing else"
     " asks for it."),
    ("excludeHouseholdMember", ExcludeHouseholdMemberInput, EXCLUSION,
     "世帯員の除外の提案: propose that the obligation does not extend to a household member."),
    ("confirmHouseholdExclusion", HouseholdExclusionInput, EXCLUSION,
     "世帯員の除外の確認: decide what somebody else proposed."),
    ("includeHouseholdMember", HouseholdExclusionInput, EXCLUSION,
     "世帯員の除外の取消: cover the member with the household again, at once."),
    ("proposeLift", ProposeLiftInput, LIFT,
     "一時解除の提案: propose that a staff member may see or issue in spite of an obligation."),
    ("approveLift", LiftInput, LIFT,
     "一時解除の承認: approve what somebody else proposed, for somebody else."),
    ("revokeLift", LiftInput, LIFT, "一時解除の取消: end a lift at once."),
)  # fmt: skip

CHANGES: Mapping[str, Any] = {declared[0]: _change(*declared) for declared in DECLARED}
