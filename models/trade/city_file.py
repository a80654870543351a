"""The city's files: their headers and the words in them.

Addressees and accounts come in one file with the 120 record items as columns, collections and
receipts in a file each. A few columns stand beside the 120 items because real records have them:
the branch beside the bank, the tax or fee item of an account, its holder where that is another
person, and 取扱注意 (住所秘匿, 出力停止), which says that care is due without saying why.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from models.facts import rows

CODE = "宛名コード"
HANDLING = "取扱注意"
ADDRESS_WITHHELD = "住所秘匿"
STOP_OUTPUT = "出力停止"

ITEM_NAMES: Mapping[int, str] = MappingProxyType(
    {int(row["no"]): row["name_ja"] for row in rows("record-items")}
)
"""The Japanese name of each of the 120 record items."""

ACCOUNT_COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "支店コード": ("DIRECT_DEBIT", "branch_code"),
        "口座科目コード": ("DIRECT_DEBIT", "tax_item_code"),
        "口座名義人宛名コード": ("DIRECT_DEBIT", "holder_addressee_code"),
        "還付支店コード": ("REFUND", "branch_code"),
        "還付口座科目コード": ("REFUND", "tax_item_code"),
        "還付口座名義人宛名コード": ("REFUND", "holder_addressee_code"),
    }
)
"""The columns of an account that are no record items: usage and column of the table."""

ADDRESSEE_HEADER: tuple[str, ...] = (
    *ITEM_NAMES.values(),
    *ACCOUNT_COLUMNS,
    HANDLING,
)

COLLECTION_HEADER: tuple[str, ...] = (
    CODE, "科目コード", "賦課年度", "相当年度", "通知書番号", "期別", "納期限", "法定納期限",
    "税額", "督促手数料", "延滞金", "収入済本税", "収入済督促手数料", "収入済延滞金", "督促日",
    "催告日", "時効予定日", "処分可能日", "完納日", "状態", "滞納状態", "児童宛名コード",
    "特別徴収義務者指定番号", "被保険者番号", "共有資産番号",
)  # fmt: skip

RECEIPT_HEADER: tuple[str, ...] = (
    CODE, "科目コード", "賦課年度", "通知書番号", "期別", "領収年月日", "収入年月日", "金額",
    "本税", "督促手数料", "延滞金", "納付チャネル", "収納区分", "仮消込区分", "納付場所",
)  # fmt: skip

MEASURE_HEADER: tuple[str, ...] = (
    CODE, "種類", "状態", "住所秘匿の要否", "出力停止の要否", "決定市町村コード", "相手方氏名",
    "相手方宛名コード", "申出日", "決定日", "開始日", "期限", "備考",
)  # fmt: skip
COVERED_TOO = "併対象者宛名コード"
"""Of a file of measures, beside its columns: whom else a measure covers, separated by spaces."""

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "AddresseeKind": {"住登者": "RESIDENT", "住登外者": "NON_RESIDENT"},
        "EntityKind": {"個人": "INDIVIDUAL", "法人": "CORPORATION"},
        "Sex": {"男": "MALE", "女": "FEMALE", "不明": "UNKNOWN"},
        "AddressKind": {
            "市内": "IN_CITY", "市外": "OUTSIDE_CITY", "国外": "ABROAD", "不明": "UNKNOWN",
        },
        "ContactKind": {
            "自宅": "HOME", "携帯": "MOBILE", "勤務先": "WORK", "メール": "EMAIL",
            "その他": "OTHER",
        },
        "AccountKind": {
            "普通": "ORDINARY", "当座": "CURRENT", "納税準備": "TAX_PAYMENT", "貯蓄": "SAVINGS",
            "ゆうちょ": "POSTAL",
        },
        "PaymentKind": {"期別": "INSTALMENT", "全納": "LUMP_SUM"},
        "CollectionStatus": {
            "賦課": "LEVIED", "納期内": "DUE", "滞納": "OVERDUE", "完納": "PAID",
            "過納": "OVERPAID", "更正": "CORRECTED", "不納欠損": "WRITTEN_OFF",
        },
        "ArrearsState": {
            "なし": "NONE", "督促": "DEMANDED", "差押可能": "SEIZABLE", "猶予": "IN_GRACE",
            "分納": "IN_INSTALMENT", "差押": "SEIZED", "執行停止": "SUSPENDED",
            "消滅": "EXTINGUISHED",
        },
        "ReceiptState": {
            "仮": "PROVISIONAL", "確定": "CONFIRMED", "取消": "CANCELLED", "組替": "RECLASSIFIED",
        },
        "ReceiptKind": {"納付": "PAYMENT", "充当": "APPROPRIATION", "配当": "DISTRIBUTION"},
        "MeasureKind": {
            "配偶者からの暴力": "SPOUSAL_VIOLENCE", "ストーカー行為等": "STALKING",
            "児童虐待": "CHILD_ABUSE", "準ずるもの": "EQUIVALENT", "返戻": "MAIL_RETURNED",
            "成年後見": "GUARDIANSHIP", "職員への脅迫": "STAFF_THREATENED",
            "理由の記載なし": "UNSPECIFIED", "同姓同名": "NAMESAKE",
        },
        "MeasureStatus": {
            "申出": "REQUESTED", "実施中": "IN_FORCE", "終了提案": "END_PROPOSED", "終了": "ENDED",
        },
        "PaymentChannel": {
            "窓口": "COUNTER", "金融機関": "BANK", "コンビニ": "CONVENIENCE_STORE",
            "口座振替": "DIRECT_DEBIT", "オンライン": "ONLINE", "特別徴収": "WITHHOLDING",
        },
    }
)  # fmt: skip
"""The Japanese words of each closed vocabulary, by the name of its enumeration."""


def word(vocabulary: type[StrEnum], text: str) -> str | None:
    """What a cell says in a closed vocabulary: its own word, or the Japanese one; else `None`.

    >>> from models.tables.addressee import Sex
    >>> word(Sex, "女"), word(Sex, "FEMALE"), word(Sex, "x")
    ('FEMALE', 'FEMALE', None)
    """
    if text in vocabulary.__members__:
        return vocabulary[text].value
    return WORDS[vocabulary.__name__].get(text)


Values = dict[str, Any]
