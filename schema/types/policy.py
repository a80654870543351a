"""What the editors of the policy are shown beside its rows (`resolvers/policy/views.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from models.graph.graph import COMPUTED
from schema.types.directives import Classified
from schema.types.nouns import declared, described
from schema.types.scalars import DateTime


def _is(description: str, **options: Any) -> Any:
    return strawberry.field(description=description, **options)


@strawberry.type(description="発効待ちの版: a version whose instant has not come.")
class WaitingPolicyVersion:
    """A version that waits."""

    version: int = _is("版番号: number of the version")
    effectiveFrom: DateTime = _is("発効日時: when it takes effect")


@strawberry.type(description="現在の権限設定: what is in force, and what will be.")
class PolicyStatus:
    """The policy now."""

    version: int = _is("現在の版: the version in force")
    waiting: list[WaitingPolicyVersion] = _is("発効待ち: versions that wait, by number")


@strawberry.type(description="ロール: a role that a line may speak of.")
class PolicyRole:
    """A role."""

    code: str = _is("コード: code, `role:CODE` in a line")
    nameJa: str = _is("名称: name in Japanese")
    name: str = _is("名称(英): name")
    note: str = _is("備考: what it does")
    purposes: list[str] = _is("利用目的: purposes that it opens")
    protectionWork: bool = _is("支援措置の業務: marked for it")
    populations: list[list[str]] = _is(
        "対象者の範囲: of whom it alone sees anything personal; an empty one is everybody"
    )
    people: int | None = _is(
        "人数: people of the whole city in two figures; null where it sees nothing personal"
    )


@strawberry.type(description="課: a section of the office.")
class PolicySection:
    """A section."""

    code: str = _is("課コード: code")
    nameJa: str = _is("課名: name in Japanese")


@strawberry.type(description="利用目的: a purpose that a line may speak of.")
class PolicyPurpose:
    """A purpose."""

    code: str = _is("コード: code, `purpose:CODE` in a line")
    nameJa: str = _is("名称: name in Japanese")
    name: str = _is("名称(英): name")
    legalBasis: str = _is("法令上の根拠: legal basis")
    individualNumbers: bool = _is("個人番号利用事務: whether individual numbers may be used at all")
    population: str | None = _is("対象者の範囲: what bounds the people, if anything does")
    populationReason: str | None = _is("対象者の範囲の理由: why these people, or why everybody")


@strawberry.type(description="区分: a sensitivity class.")
class PolicyClass:
    """A class."""

    code: str = _is("コード: code, `class:CODE` in a line")
    nameJa: str = _is("名称: name in Japanese")
    meaning: str = _is("意味: what it covers")
    personal: bool = _is("個人情報: personal data")
    withheld: bool = _is("秘匿: withheld where an obligation covers a person")


@strawberry.type(description="項目: a schema coordinate that a line may name.")
class PolicyCoordinate:
    """A coordinate."""

    coordinate: str = _is("座標: `Type.field`, or `Type` for a row")
    nameJa: str | None = _is("名称: name in Japanese")
    classes: list[str] = _is("区分: classes, all of which must be allowed")


@strawberry.type(description="照会件数の上限: persons an hour; `any` stands for all.")
class PolicyBudget:
    """A budget of persons."""

    role: str = _is("ロール: role code, or any")
    purpose: str = _is("利用目的: purpose code, or any")
    class_: str = strawberry.field(name="class", description="区分: class, or any")
    persons: int = _is("人数: distinct persons in an hour")
    reason: str = _is("理由: why so many")


@strawberry.type(description="語彙: every word that a line may have.")
class PolicyVocabulary:
    """The words of the lines."""

    roles: list[PolicyRole] = _is("ロール: roles, by code")
    sections: list[PolicySection] = _is("課: sections of the office, by code")
    purposes: list[PolicyPurpose] = _is("利用目的: purposes, by code")
    classes: list[PolicyClass] = _is("区分: classes")
    coordinates: list[PolicyCoordinate] = _is("項目: coordinates, by name")
    actions: list[str] = _is("操作: actions")
    budgets: list[PolicyBudget] = _is("照会件数の上限: how many persons may be looked up")


CELL = "SHOWN, SHOWN_DESPITE_PROTECTION, MASKED or HIDDEN"


@strawberry.type(description="権限表の項目: one field of a class, as decided for one role alone.")
class PolicyMatrixField:
    """One coordinate in the matrix."""

    coordinate: str = _is("座標: `Type.field`, or `Type` for a row")
    nameJa: str | None = _is("名称: name in Japanese")
    lines: list[int] = _is("行: numbers of the lines that name it")
    read: str = _is(f"一件参照: {CELL}")
    list: str = _is(f"一覧参照: {CELL}")
    match: str = _is(f"完全一致: {CELL}")
    search: str = _is(f"検索: {CELL}")
    write: str = _is(f"更新: {CELL}")


@strawberry.type(description="権限表のます: a class for a role and purpose, with a case reference.")
class PolicyMatrixCell:
    """One class in the matrix."""

    # The name of the field is a word of Python.
    class_: str = _is("区分: code of the class", name="class")
    lines: list[int] = _is("行: numbers of the lines on the class itself")
    allowed: list[str] = _is("許可: actions that the lines allow on the class as such")
    fields: list[PolicyMatrixField] = _is("項目: what carries the class")
    read: str = _is(f"一件参照: {CELL}, or PARTLY where its fields differ")
    list: str = _is("一覧参照: likewise")
    match: str = _is("完全一致: likewise")
    search: str = _is("検索: likewise")
    write: str = _is("更新: likewise")


@strawberry.type(description="権限表の行: one role for one purpose.")
class PolicyMatrixRow:
    """One row of the matrix."""

    role: str = _is("ロール: role")
    purpose: str = _is("利用目的: purpose that it opens")
    cells: list[PolicyMatrixCell] = _is("区分ごと: by class")


@strawberry.type(description="権限表: roles × purposes × classes, down to single fields.")
class PolicyMatrix:
    """The matrix of a version or a draft."""

    version: int | None = _is("版番号: the version; null for a draft")
    rows: list[PolicyMatrixRow] = _is("行: rows, by role and purpose")


@strawberry.type(description="検証結果: something about a line, or about all of them.")
class PolicyFinding:
    """One finding."""

    line: int | None = _is("行番号: counted from 1; null: the policy as a whole")
    text: str | None = _is("行: the line as it is written")
    severity: str = _is("重大度: ERROR (not made a version) or WARNING")
    problem: str = _is(
        "種類: UNKNOWN_WORD, DUPLICATE, CONTRADICTION, NEVER_MATCHES, INVARIANT or IMPLICIT_FLOW"
    )
    reason: str = _is("理由: why")


@strawberry.type(description="行: a line of the policy, in words.")
class PolicyLineText:
    """A line that was added or removed."""

    role: str = _is("ロール: `role:…`")
    purpose: str = _is("利用目的: `purpose:…`")
    what: str = _is("対象: `class:…` or a coordinate")
    action: str = _is("操作: action")
    effect: str = _is("効果: `allow` or `deny`")
    note: str = _is("注記: why it is there")
    text: str = _is("行: as it stands in a file")


@strawberry.type(description="確認用の要求: a request that shows the change, with placeholders.")
class PolicyWitness:
    """A request that would be answered differently."""

    document: str = _is("文書: GraphQL, `<…>` to be filled in")
    headers: list[str] = _is("ヘッダー: headers to send with it")
    reachable: bool = _is("到達可: whether everything on the way to the field is open too")


@strawberry.type(description="変化: what roles gain or lose for a purpose, in one sentence.")
class PolicyChange:
    """One group of cells that are decided otherwise."""

    roles: list[str] = _is("ロール: roles that together are needed for it")
    purpose: str = _is("利用目的: purpose")
    action: str = _is("操作: read, list, match, search or write")
    reach: str = _is(
        "及ぶ範囲: the gravest thing that it reaches: INDIVIDUAL_NUMBER, PROTECTED_PERSON (what an"
        " obligation withholds), PROTECTION, WHOLE_ACCOUNT, PLACE, PERSON or OFFICE"
    )
    classes: list[str] = _is("区分: classes of the fields")
    coordinates: list[str] = _is("項目: fields, edges and rows")
    before: str = _is(f"変更前: {CELL}")
    after: str = _is(f"変更後: {CELL}")
    populations: list[list[str]] = _is(
        "対象者の範囲: in any of these populations; an empty one is everybody"
    )
    anew: bool = _is("新規: for no purpose of theirs was it so before (a loss: will it be)")
    needsCaseReference: bool = _is("案件番号: only with a case reference")
    staff: int = _is("職員数: how many active staff members hold these roles today")
    people: int | None = _is(
        "人数: people of the whole city in two figures; null where nothing personal is concerned"
    )
    witness: PolicyWitness | None = _is("確認用の要求: null where no request can ask for it")


@strawberry.type(description="比較: exactly what a change opens and closes.")
class PolicyComparison:
    """A what-if."""

    findings: list[PolicyFinding] = _is("検証結果: what is wrong with the lines")
    usable: bool = _is("使用可: no error; else nothing is compared")
    added: list[PolicyLineText] = _is("追加行: lines added")
    removed: list[PolicyLineText] = _is("削除行: lines removed")
    gains: list[PolicyChange] = _is(
        "増える権限: what can be seen or done afterwards alone, the gravest first"
    )
    losses: list[PolicyChange] = _is("減る権限: what can be seen or done before alone")
    needsApproval: bool = _is("承認要: something is gained, so that a second person is needed")
    staff: int = _is("職員数: how many active staff members gain anything today")
    people: int | None = _is(
        "人数: people of the whole city in two figures; null where nothing personal is gained"
    )


@strawberry.type(description="合算: what is decided over all purposes together.")
class PolicyUnionCell:
    """The most that any purpose opens."""

    verdict: str = _is(f"判定: {CELL}")
    purposes: list[str] = _is("利用目的: purposes that open it")
    masked: list[str] = _is("一部表示: those of them that open its masked form alone")
    withheld: bool = _is("秘匿: not of whom an obligation covers")


@strawberry.type(description="合算の項目: one coordinate over all purposes of the roles.")
class PolicyUnionField:
    """One coordinate of the union."""

    coordinate: str = _is("座標: `Type.field`, or `Type` for a row")
    nameJa: str | None = _is("名称: name in Japanese")
    read: PolicyUnionCell = _is("一件参照: in an answer about one person")
    list: PolicyUnionCell = _is("一覧参照: in an answer about several persons")
    match: PolicyUnionCell = _is("完全一致: as an exact operand")
    search: PolicyUnionCell = _is("検索: in a prefix, range or ordering")
    write: PolicyUnionCell = _is("更新: in a mutation")


@strawberry.type(description="判定の段階: one word on the way to a decision.")
class PolicyStep:
    """One step of an explanation."""

    role: str | None = _is("ロール: the role examined; null: all together")
    line: int | None = _is("行番号: the line that spoke; null: none did, or a rule")
    text: str = _is("内容: the line, or the rule in words")
    says: str = _is("結果: ALLOW, DENY, NOTHING, CLOSED, OPEN or WITHHELD")


@strawberry.type(description="ほかの利用目的: another purpose of the same roles that opens it.")
class PolicyElsewhere:
    """Another purpose."""

    purpose: str = _is("利用目的: purpose")
    verdict: str = _is(f"判定: {CELL}")


@strawberry.type(description="説明: why a coordinate is shown or hidden.")
class PolicyExplanation:
    """An explanation."""

    verdict: str = _is(f"判定: {CELL}")
    roles: list[str] = _is("ロール: whose view it is")
    reason: str | None = _is("理由: as `extensions.privacy.hidden` tells it")
    fits: bool | None = _is(
        "一致: whether the `reason` that was seen is today's, of the policy or of what closes an"
        " open field beside it (papers, scopes, numbers); null: none was given"
    )
    withheld: bool = _is("秘匿: open, but not of whom an obligation covers; nothing says so then")
    elsewhere: list[PolicyElsewhere] = _is("ほかの利用目的: those of the same roles that open it")
    classes: list[str] = _is("区分: classes of the coordinate")
    populations: list[list[str]] = _is("対象者の範囲: what bounds the people")
    steps: list[PolicyStep] = _is("段階: in order")


@strawberry.type(description="再生された項目: a coordinate that would be decided otherwise.")
class PolicyReplayedField:
    """One coordinate of a replayed request."""

    coordinate: str = _is("座標: coordinate")
    action: str = _is("操作: action that was asked")
    before: str = _is(f"変更前: {CELL}")
    after: str = _is("変更後: likewise; the same where it is shown of other people")


@strawberry.type(description="再生の差: a shape of request that would see more, or less.")
class PolicyReplayDifference:
    """One shape of request."""

    roles: list[str] = _is("ロール: roles of who asked")
    purpose: str = _is("利用目的: purpose stated")
    caseReference: bool = _is("案件番号: whether a case was stated")
    operation: str = _is("操作: the operation without values")
    more: list[PolicyReplayedField] = _is("増える項目: what would be shown")
    less: list[PolicyReplayedField] = _is("減る項目: what would be hidden")


@strawberry.type(description="再生: the requests of the last days, decided anew; no data is read.")
class PolicyReplay:
    """A replay."""

    days: int = _is("日数: how many days")
    shapes: int = _is("形の数: different shapes of request in them")
    differences: list[PolicyReplayDifference] = _is("差: those that would be decided otherwise")


@strawberry.type(description="書き出し: the lines as Casbin CSV.")
class PolicyExport:
    """A policy as a file."""

    csv: str = _is("CSV: byte for byte the same on every way round")
    lines: int = _is("行数: number of lines")


CHOICE: Mapping[str, Any] = {"version": int | None, "draft": strawberry.ID | None}
"""Which lines: of a version or of a draft; without either, those in force."""


def _view(name: str, result: Any, arguments: Mapping[str, Any], words: str) -> Any:
    needed = {key for key, type_ in arguments.items() if type_ in (str, list[str], strawberry.ID)}
    resolver = declared(name, result | None, arguments, required=needed)
    marks = [Classified(as_=code) for code in COMPUTED[name]]
    return described(words, name, resolver, directives=marks)


FIELDS: Mapping[str, Any] = {
    "policyStatus": _view(
        "policyStatus", PolicyStatus, {}, "権限設定の現況: what is in force, and what waits"
    ),
    "policyVocabulary": _view(
        "policyVocabulary", PolicyVocabulary, {}, "語彙: every word that a line may have"
    ),
    "policyMatrix": _view(
        "policyMatrix",
        PolicyMatrix,
        {
            **CHOICE,
            "roles": list[str] | None,
            "purposes": list[str] | None,
            "classes": list[str] | None,
        },
        "権限表: roles × purposes × classes of a version or a draft, down to single fields",
    ),
    "policyFindings": _view(
        "policyFindings", list[PolicyFinding], CHOICE, "検証: what is wrong with the lines"
    ),
    "policyComparison": _view(
        "policyComparison",
        PolicyComparison,
        {**CHOICE, "base": int | None},
        "比較: what a draft or a version opens and closes against `base`, else what is in force",
    ),
    "policyUnion": _view(
        "policyUnion",
        list[PolicyUnionField],
        {**CHOICE, "roles": list[str]},
        "合算: what roles together see over all of their purposes",
    ),
    "policyExplanation": _view(
        "policyExplanation",
        PolicyExplanation,
        {
            **CHOICE,
            "roles": list[str] | None,
            "staffId": str | None,
            "purpose": str,
            "coordinate": str,
            "action": str,
            "caseReference": bool | None,
            "reason": str | None,
        },
        "説明: why `roles`, or a `staffId` today, see a coordinate or do not, line by line",
    ),
    "policyReplay": _view(
        "policyReplay",
        PolicyReplay,
        {**CHOICE, "days": int | None},
        "再生: which recorded requests would see more, or less, under a draft (30 days)",
    ),
    "policyExport": _view(
        "policyExport", PolicyExport, CHOICE, "書き出し: the lines as Casbin CSV"
    ),
}
