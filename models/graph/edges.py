"""Every edge between two nouns, with the classes of the fact that it tells.

An edge joins the classes of its inputs: that an account belongs to an addressee tells of both. An
edge with a withheld class is `null` where any person of the source row is covered, and leaves out
target rows about a covered person.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Through:
    """A table between source and target (`HouseholdMembership.members`)."""

    table: str
    source_column: str
    target_column: str
    ended_column: str


@dataclass(frozen=True, slots=True)
class Edge:
    """`source.field` leads to rows of `target` whose `target_column` equals the source's column.

    `many` a connection, else one row or none
    `other_person` what lies beyond is about somebody else: `list` is asked there, not `read`
    `others_rows` its rows are somebody else's, and are `read` because they name this person too
    """

    source: str
    field: str
    target: str
    classes: tuple[str, ...]
    source_column: str
    target_column: str
    ja: str
    en: str
    many: bool = False
    other_person: bool = False
    others_rows: bool = False
    items: tuple[int, ...] = ()
    through: Through | None = None

    @property
    def coordinate(self) -> str:
        """The schema coordinate, `Type.field`."""
        return f"{self.source}.{self.field}"

    @property
    def enters(self) -> bool:
        """Whether another person comes into the answer over it: the log names them."""
        return self.other_person or self.others_rows


def _child(
    field: str, child: str, *classes: str, ja: str, en: str, back: str = "addressee"
) -> tuple[Edge, Edge]:
    """An addressee's rows of one kind, and the way back to the addressee.

    A row that names two people (`back="owner"`) is reached from both, so its owner may be another.
    """
    return (
        Edge("Addressee", field, child, classes, "code", "addressee_code", ja, en, many=True),
        Edge(
            child,
            back,
            "Addressee",
            (*classes, "identifier"),
            "addressee_code",
            "code",
            "宛名",
            "the addressee whom it is about",
            other_person=back == "owner",
        ),
    )


def _of_one(
    one: str,
    field: str,
    child: str,
    back: str,
    class_: str,
    *,
    key: str,
    column: str,
    ja: tuple[str, str],
    en: tuple[str, str],
) -> tuple[Edge, Edge]:
    """The rows that belong to one, and the way back."""
    return (
        Edge(one, field, child, (class_,), key, column, ja[0], en[0], many=True),
        Edge(child, back, one, (class_,), column, key, ja[1], en[1]),
    )


EDGES: tuple[Edge, ...] = (
    *_child("accounts", "Account", "bank-account", ja="口座", en="accounts"),
    *_child("collections", "Collection", "collection", ja="収納", en="levy items"),
    *_child("contacts", "Contact", "contact", ja="連絡先", en="ways to reach the addressee"),
    *_child(
        "forwardingAddresses",
        "ForwardingAddress",
        "forwarding-address",
        ja="送付先",
        en="where mail goes",
    ),
    *_child(
        "unionMemberships",
        "UnionMembership",
        "membership",
        ja="納税組合",
        en="memberships in tax payment unions",
    ),
    *_child(
        "householdMemberships",
        "HouseholdMembership",
        "household",
        ja="世帯",
        en="memberships in households",
    ),
    *_child(
        "specialAddressees",
        "SpecialAddressee",
        "related-person",
        ja="特定宛先人",
        en="who receives mail or acts for the addressee",
        back="owner",
    ),
    *_child(
        "relatedAddressees",
        "RelatedAddressee",
        "related-person",
        ja="関連宛名",
        en="links to earlier records of the same person",
        back="owner",
    ),
    Edge(
        "SpecialAddressee",
        "addressee",
        "Addressee",
        ("related-person", "identifier"),
        "special_addressee_code",
        "code",
        "特定宛先人コード",
        "the special addressee",
        other_person=True,
        items=(76,),
    ),
    Edge(
        "Addressee",
        "specialAddresseeOf",
        "SpecialAddressee",
        ("related-person",),
        "code",
        "special_addressee_code",
        "特定宛先人の設定元",
        "for whom this addressee receives mail or acts",
        many=True,
        others_rows=True,
    ),
    Edge(
        "RelatedAddressee",
        "addressee",
        "Addressee",
        ("related-person", "identifier"),
        "previous_addressee_code",
        "code",
        "関連前宛名コード",
        "the earlier record",
        other_person=True,
        items=(110,),
    ),
    Edge(
        "Addressee",
        "relatedAddresseeOf",
        "RelatedAddressee",
        ("related-person",),
        "code",
        "previous_addressee_code",
        "関連宛名の設定元",
        "links from later records of the same person",
        many=True,
        others_rows=True,
    ),
    Edge(
        "HouseholdMembership",
        "members",
        "Addressee",
        ("household", "identifier"),
        "household_code",
        "code",
        "世帯員",
        "the present members of the household",
        many=True,
        other_person=True,
        through=Through("household_membership", "household_code", "addressee_code", "left_on"),
    ),
    Edge(
        "Account",
        "holder",
        "Addressee",
        ("bank-account", "related-person", "identifier"),
        "holder_addressee_code",
        "code",
        "口座名義人",
        "the account holder, where that is another person",
        other_person=True,
    ),
    Edge(
        "Addressee",
        "heldAccounts",
        "Account",
        ("bank-account", "related-person"),
        "code",
        "holder_addressee_code",
        "名義口座",
        "accounts of others that this addressee holds",
        many=True,
        other_person=True,
    ),
    Edge(
        "Collection",
        "childAddressee",
        "Addressee",
        ("collection", "related-person", "identifier"),
        "child_addressee_code",
        "code",
        "児童",
        "the child that a day-care fee is for",
        other_person=True,
    ),
    Edge(
        "Addressee",
        "childCollections",
        "Collection",
        ("collection", "related-person"),
        "code",
        "child_addressee_code",
        "児童に係る収納",
        "day-care fees levied for this child",
        many=True,
        other_person=True,
    ),
    Edge(
        "Collection",
        "receipts",
        "Receipt",
        ("collection",),
        "id",
        "collection_id",
        "収納履歴",
        "money received for it",
        many=True,
    ),
    Edge(
        "Receipt",
        "collection",
        "Collection",
        ("collection",),
        "collection_id",
        "id",
        "収納",
        "the levy item",
    ),
    Edge(
        "Addressee",
        "handling",
        "Handling",
        ("handling",),
        "code",
        "addressee_code",
        "取扱注意",
        "what must be observed with this person's data",
    ),
    Edge(
        "Addressee",
        "substituteAddress",
        "SubstituteAddress",
        ("substitute-address",),
        "code",
        "addressee_code",
        "代替送付先",
        "what may be used instead of a withheld address",
    ),
    *_child(
        "substituteAddressProposals",
        "SubstituteAddressProposal",
        "protection",
        ja="代替送付先の提案",
        en="what was proposed to be used instead, and what became of it",
    ),
    *_child(
        "protectiveMeasures",
        "ProtectiveMeasure",
        "protection",
        ja="支援措置等",
        en="why care is due, as this person asked or as it was entered",
    ),
    *_child(
        "coverages",
        "CoveredPerson",
        "protection",
        ja="支援措置等の対象",
        en="the measures that cover this person",
    ),
    *_child(
        "householdExclusions",
        "HouseholdExclusion",
        "protection",
        ja="世帯員の除外",
        en="household members to whom the obligation does not extend",
    ),
    *_child("lifts", "Lift", "protection", ja="一時解除", en="who may see or issue in spite of it"),
    *_child(
        "handlingNotices",
        "HandlingNotice",
        "handling",
        "transfer",
        ja="取扱変更通知",
        en="what the destination was told",
    ),
    Edge(
        "ProtectiveMeasure",
        "persons",
        "CoveredPerson",
        ("protection",),
        "id",
        "measure_id",
        "対象者",
        "whom it covers",
        many=True,
        other_person=True,
    ),
    Edge(
        "CoveredPerson",
        "measure",
        "ProtectiveMeasure",
        ("protection",),
        "measure_id",
        "id",
        "支援措置等",
        "the measure",
        other_person=True,
    ),
    Edge(
        "ProtectiveMeasure",
        "counterparty",
        "Addressee",
        ("protection", "identifier"),
        "counterparty_addressee_code",
        "code",
        "相手方",
        "from whom the person is protected",
        other_person=True,
    ),
    Edge(
        "Addressee",
        "counterpartyOf",
        "ProtectiveMeasure",
        ("protection",),
        "code",
        "counterparty_addressee_code",
        "相手方となる支援措置等",
        "measures that protect others from this person",
        many=True,
        other_person=True,
    ),
    Edge(
        "HouseholdExclusion",
        "member",
        "Addressee",
        ("protection", "household", "identifier"),
        "member_code",
        "code",
        "除外する世帯員",
        "the member who is not covered",
        other_person=True,
    ),
    Edge(
        "TransferDefinition",
        "transfers",
        "Transfer",
        ("transfer",),
        "code",
        "definition_code",
        "移転記録",
        "transfers that were made",
        many=True,
    ),
    Edge(
        "Transfer",
        "checks",
        "TransferCheck",
        ("transfer",),
        "id",
        "transfer_id",
        "論理チェック",
        "the logic checks of its content",
        many=True,
    ),
    Edge(
        "TransferCheck",
        "transfer",
        "Transfer",
        ("transfer",),
        "transfer_id",
        "id",
        "移転記録",
        "the transfer that was checked",
    ),
    Edge(
        "Transfer",
        "definition",
        "TransferDefinition",
        ("transfer",),
        "definition_code",
        "code",
        "移転先",
        "the definition that it follows",
    ),
    *_of_one(
        "PolicyVersion",
        "lines",
        "PolicyLine",
        "policyVersion",
        "policy",
        key="number",
        column="version",
        ja=("行", "版"),
        en=("lines", "the version"),
    ),
    *_of_one(
        "PolicyDraft",
        "lines",
        "PolicyDraftLine",
        "draft",
        "policy",
        key="id",
        column="draft_id",
        ja=("行", "草案"),
        en=("lines", "the draft"),
    ),
    Edge(
        "PolicyVersion",
        "base",
        "PolicyVersion",
        ("policy",),
        "based_on",
        "number",
        "元の版",
        "the version that it was made from",
    ),
    Edge(
        "PolicyDraft",
        "base",
        "PolicyVersion",
        ("policy",),
        "based_on",
        "number",
        "元の版",
        "the version that it was made from",
    ),
    Edge(
        "PolicyDraft",
        "enacted",
        "PolicyVersion",
        ("policy",),
        "version",
        "number",
        "成立した版",
        "the version that it became",
    ),
    *_of_one(
        "StaffMember",
        "roles",
        "RoleGrant",
        "staffMember",
        "staff",
        key="id",
        column="staff_id",
        ja=("ロール", "職員"),
        en=("roles held, with their days", "who holds it"),
    ),
    *_of_one(
        "StaffMember",
        "proposals",
        "StaffProposal",
        "staffMember",
        "staff",
        key="id",
        column="staff_id",
        ja=("提案", "職員"),
        en=("what is or was proposed for them", "for whom"),
    ),
    Edge(
        "AccessRecord",
        "operation",
        "LoggedOperation",
        ("access-log",),
        "operation",
        "digest",
        "操作",
        "what was asked, without values",
    ),
    Edge(
        "LoggedOperation",
        "records",
        "AccessRecord",
        ("access-log",),
        "digest",
        "operation",
        "記録",
        "when it was asked, by whomever and about whomever",
        many=True,
        other_person=True,
    ),
)
