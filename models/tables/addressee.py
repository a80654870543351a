"""宛名 addressees: record items 4-54, 109, 119 and 120, with the households, links, forwarding
addresses and contacts of a person (items 55-84, 106-118).

One person may have several addressee records. Individual numbers (items 1-3) are not here: they
live in a database of their own (`models/tables/individual_number.py`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import Index
from sqlalchemy import text as text_of_sql
from sqlmodel import SQLModel

from models.days import FORESEEN, PAST, PLANNED
from models.labels import Days, Noun, Part, child_key, column, enum_of, owner, text
from models.trade import codes, rules


class AddresseeKind(StrEnum):
    """宛名区分: in the resident register (住登者) or outside it (住登外者)."""

    RESIDENT = "RESIDENT"
    NON_RESIDENT = "NON_RESIDENT"


class EntityKind(StrEnum):
    """個法区分: an individual or a corporation."""

    INDIVIDUAL = "INDIVIDUAL"
    CORPORATION = "CORPORATION"


class Sex(StrEnum):
    """性別."""

    MALE = "MALE"
    FEMALE = "FEMALE"
    UNKNOWN = "UNKNOWN"


class AddressKind(StrEnum):
    """住所区分: where an address lies."""

    IN_CITY = "IN_CITY"
    OUTSIDE_CITY = "OUTSIDE_CITY"
    ABROAD = "ABROAD"
    UNKNOWN = "UNKNOWN"


class ContactKind(StrEnum):
    """連絡先種別."""

    HOME = "HOME"
    MOBILE = "MOBILE"
    WORK = "WORK"
    EMAIL = "EMAIL"
    OTHER = "OTHER"


class Addressee(SQLModel, table=True):
    """宛名 a person or corporation that taxes and fees are addressed to."""

    __tablename__ = "addressee"
    # The usual order of lists, as `models.store.database.nulls_last` writes it.
    __table_args__ = (
        Index(
            "addressee_by_search_kana",
            text_of_sql(f"coalesce(full_name_search_kana, '{chr(0x10FFFF)}')"),
            "code",
        ),
    )
    noun: ClassVar[Noun] = Noun(
        "Addressee",
        ja="宛名",
        en="a person or corporation that taxes and fees are addressed to",
        existence=("identifier",),
        owner="code",
        key="code",
        root=("addressee", "addressees"),
        parts=(
            Part(
                "residence",
                "Residence",
                ja="住所",
                en="where the addressee lives",
                classes=("residence",),
            ),
            Part(
                "movedFrom",
                "MovedFrom",
                ja="転入前住所",
                en="where the addressee moved in from",
                classes=("former-residence",),
            ),
            Part(
                "movedOut",
                "MovedOut",
                ja="転出先住所",
                en="where the addressee moved out to",
                classes=("former-residence",),
            ),
            Part(
                "residentRecord",
                "ResidentRecord",
                ja="住民記録",
                en="what the resident register says of the addressee",
                classes=("resident-record",),
            ),
        ),
    )

    code: str = column(
        "identifier",
        ja="宛名コード",
        en="addressee code: the key of one addressee record",
        item=4,
        search=True,
        check=rules.addressee_code,
        form=codes.addressee,
        type=text(15),
        primary_key=True,
    )
    kind: str | None = column(
        "resident-record",
        ja="宛名区分",
        en="whether the addressee is in the resident register",
        item=5,
        match=True,
        type=enum_of(AddresseeKind),
        default=None,
    )
    entity_kind: str | None = column(
        "identifier",
        ja="個法区分",
        en="individual or corporation",
        item=6,
        match=True,
        type=enum_of(EntityKind),
        default=None,
    )
    tax_item_code: str | None = column(
        "resident-record",
        ja="宛名税目コード",
        en="tax item code of the addressee record",
        item=7,
        match=True,
        type=text(4),
        default=None,
        form=codes.plain,
    )
    alias_use: bool | None = column(
        "name", ja="通称名使用区分", en="whether the alias is the name in use", item=8, default=None
    )
    change_reason: str | None = column(
        "resident-record",
        ja="宛名異動事由",
        en="reason of the last change of the record",
        item=9,
        type=text(),
        default=None,
    )
    changed_on: dt.date | None = column(
        "resident-record",
        ja="宛名基本異動日",
        en="day of the last change of the record",
        item=10,
        default=None,
        days=PLANNED,
    )
    changed_on_text: str | None = column(
        "resident-record",
        ja="宛名基本異動日(原文)",
        en="day of the last change as written, where part of it is unknown (不詳)",
        type=text(40),
        default=None,
    )
    notified_on: dt.date | None = column(
        "resident-record",
        ja="宛名基本届出日",
        en="day on which the change was notified",
        item=11,
        default=None,
        days=PAST,
    )
    notified_on_text: str | None = column(
        "resident-record",
        ja="宛名基本届出日(原文)",
        en="day of the notification as written, where part of it is unknown (不詳)",
        type=text(40),
        default=None,
    )
    full_name_kana: str | None = column(
        "name",
        ja="基本氏名カナ情報",
        en="full name in kana",
        item=12,
        match=True,
        type=text(),
        default=None,
        check=rules.kana_name,
    )
    full_name_search_kana: str | None = column(
        "name",
        folded=True,
        ja="基本氏名検索カナ情報",
        en="full name in kana, folded for search",
        item=13,
        search=True,
        type=text(),
        index=True,
        default=None,
    )
    full_name: str | None = column(
        "name",
        ja="基本氏名漢字情報",
        en="full name",
        item=14,
        match=True,
        type=text(),
        index=True,
        default=None,
        check=rules.plain_text,
    )
    given_name_kana: str | None = column(
        "name",
        ja="基本名カナ情報",
        en="given name in kana",
        item=15,
        match=True,
        type=text(),
        default=None,
        check=rules.kana_name,
    )
    given_name_search_kana: str | None = column(
        "name",
        folded=True,
        ja="基本名検索カナ情報",
        en="given name in kana, folded for search",
        item=16,
        search=True,
        type=text(),
        index=True,
        default=None,
    )
    given_name: str | None = column(
        "name",
        ja="基本名漢字情報",
        en="given name",
        item=17,
        match=True,
        type=text(),
        default=None,
        check=rules.plain_text,
    )
    birth_date: dt.date | None = column(
        "birth-and-sex",
        ja="生年月日",
        en="date of birth",
        item=18,
        search=True,
        default=None,
        days=PAST,
    )
    birth_date_text: str | None = column(
        "birth-and-sex",
        ja="生年月日(原文)",
        en="date of birth as written, where part of it is unknown (不詳)",
        type=text(40),
        index=True,
        default=None,
    )
    sex: str | None = column(
        "birth-and-sex", ja="性別", en="sex", item=19, match=True, type=enum_of(Sex), default=None
    )
    administrative_district: str | None = column(
        "residence",
        ja="行政区",
        en="administrative district",
        item=20,
        part="Residence",
        search=True,
        type=text(),
        default=None,
        check=rules.plain_text,
    )
    elementary_school_district: str | None = column(
        "residence",
        ja="小学校区",
        en="elementary school district",
        item=21,
        part="Residence",
        search=True,
        type=text(),
        default=None,
        check=rules.plain_text,
    )
    junior_high_school_district: str | None = column(
        "residence",
        ja="中学校区",
        en="junior high school district",
        item=22,
        part="Residence",
        search=True,
        type=text(),
        default=None,
        check=rules.plain_text,
    )
    electoral_district: str | None = column(
        "residence",
        ja="選挙区",
        en="electoral district",
        item=23,
        part="Residence",
        search=True,
        type=text(),
        default=None,
        check=rules.plain_text,
    )
    postal_code_area: str | None = column(
        "residence",
        ja="郵便親番",
        en="first three digits of the postal code",
        item=24,
        part="Residence",
        search=True,
        check=rules.postal_code_area,
        form=codes.plain,
        type=text(3),
        default=None,
    )
    postal_code_town: str | None = column(
        "residence",
        ja="郵便子番",
        en="last four digits of the postal code",
        item=25,
        part="Residence",
        search=True,
        check=rules.postal_code_town,
        form=codes.plain,
        type=text(4),
        default=None,
    )
    address_kind: str | None = column(
        "residence",
        ja="住所区分",
        en="whether the address is in the city",
        item=26,
        part="Residence",
        type=enum_of(AddressKind),
        default=None,
    )
    address_code: str | None = column(
        "residence",
        ja="住所コード",
        en="address code of the town",
        item=27,
        part="Residence",
        match=True,
        type=text(12),
        default=None,
        form=codes.plain,
    )
    lot_code: str | None = column(
        "residence",
        ja="番地コード",
        en="lot number code",
        item=28,
        part="Residence",
        type=text(8),
        default=None,
        form=codes.plain,
    )
    branch_code: str | None = column(
        "residence",
        ja="枝番コード",
        en="branch number code",
        item=29,
        part="Residence",
        type=text(8),
        default=None,
        form=codes.plain,
    )
    sub_branch_code: str | None = column(
        "residence",
        ja="小枝番コード",
        en="sub-branch number code",
        item=30,
        part="Residence",
        type=text(8),
        default=None,
        form=codes.plain,
    )
    sub_branch_code_3: str | None = column(
        "residence",
        ja="小枝番コード3",
        en="third sub-branch number code",
        item=31,
        part="Residence",
        type=text(8),
        default=None,
        form=codes.plain,
    )
    address: str | None = column(
        "residence",
        ja="住所漢字",
        en="address",
        item=32,
        part="Residence",
        search=True,
        type=text(),
        default=None,
        check=rules.plain_text,
    )
    building: str | None = column(
        "residence",
        ja="方書漢字",
        en="building and room",
        item=33,
        part="Residence",
        type=text(),
        default=None,
    )
    nationality_code: str | None = column(
        "nationality",
        ja="国籍コード",
        en="nationality code",
        item=34,
        type=text(),
        default=None,
        form=codes.plain,
    )
    residence_status: str | None = column(
        "nationality", ja="在留資格", en="status of residence", item=35, type=text(), default=None
    )
    stay_from: dt.date | None = column(
        "nationality",
        ja="在留期間開始日",
        en="first day of the period of stay",
        item=36,
        default=None,
        days=PLANNED,
    )
    stay_until: dt.date | None = column(
        "nationality",
        ja="在留期間終了日",
        en="last day of the period of stay",
        item=37,
        default=None,
        days=replace(FORESEEN, not_before="stay_from"),
    )
    resident_since: dt.date | None = column(
        "resident-record",
        ja="住記住民日",
        en="day of becoming a resident",
        item=38,
        part="ResidentRecord",
        default=None,
        days=PAST,
    )
    resident_since_text: str | None = column(
        "resident-record",
        ja="住記住民日(原文)",
        en="day of becoming a resident as written, where part of it is unknown (不詳)",
        part="ResidentRecord",
        type=text(40),
        default=None,
    )
    domiciled_since: dt.date | None = column(
        "resident-record",
        ja="住記住定日",
        en="day of settling at the present address",
        item=39,
        part="ResidentRecord",
        default=None,
        days=PAST,
    )
    domiciled_since_text: str | None = column(
        "resident-record",
        ja="住記住定日(原文)",
        en="day of settling as written, where part of it is unknown (不詳)",
        part="ResidentRecord",
        type=text(40),
        default=None,
    )
    removed_on: dt.date | None = column(
        "resident-record",
        ja="住記消除日",
        en="day of removal from the resident register",
        item=40,
        part="ResidentRecord",
        default=None,
        days=PLANNED,
    )
    removed_on_text: str | None = column(
        "resident-record",
        ja="住記消除日(原文)",
        en="day of removal as written, where part of it is unknown (不詳)",
        part="ResidentRecord",
        type=text(40),
        default=None,
    )
    removal_reason: str | None = column(
        "resident-record",
        ja="住記消除事由",
        en="reason of the removal",
        item=41,
        part="ResidentRecord",
        type=text(),
        default=None,
    )
    resident_kind: str | None = column(
        "resident-record",
        ja="住記住民区分",
        en="kind of resident",
        item=42,
        part="ResidentRecord",
        type=text(),
        default=None,
    )
    moved_from_municipality_code: str | None = column(
        "former-residence",
        ja="転入前市町村コード",
        en="municipality moved in from",
        item=43,
        graphql="municipalityCode",
        part="MovedFrom",
        check=rules.municipality_code,
        form=codes.plain,
        type=text(6),
        default=None,
    )
    moved_from_postal_code: str | None = column(
        "former-residence",
        ja="転入前郵便番号",
        en="postal code moved in from",
        item=44,
        graphql="postalCode",
        part="MovedFrom",
        check=rules.postal_code,
        form=codes.postal,
        type=text(7),
        default=None,
    )
    moved_from_address: str | None = column(
        "former-residence",
        ja="転入前住所",
        en="address moved in from",
        item=45,
        graphql="address",
        part="MovedFrom",
        type=text(),
        default=None,
    )
    moved_from_building: str | None = column(
        "former-residence",
        ja="転入前方書",
        en="building moved in from",
        item=46,
        graphql="building",
        part="MovedFrom",
        type=text(),
        default=None,
    )
    moved_out_municipality_code: str | None = column(
        "former-residence",
        ja="転出前市町村コード",
        en="municipality moved out to",
        item=47,
        graphql="municipalityCode",
        part="MovedOut",
        check=rules.municipality_code,
        form=codes.plain,
        type=text(6),
        default=None,
    )
    moved_out_postal_code: str | None = column(
        "former-residence",
        ja="転出前郵便番号",
        en="postal code moved out to",
        item=48,
        graphql="postalCode",
        part="MovedOut",
        check=rules.postal_code,
        form=codes.postal,
        type=text(7),
        default=None,
    )
    moved_out_address: str | None = column(
        "former-residence",
        ja="転出前住所",
        en="address moved out to",
        item=49,
        graphql="address",
        part="MovedOut",
        type=text(),
        default=None,
    )
    moved_out_building: str | None = column(
        "former-residence",
        ja="転出前方書",
        en="building moved out to",
        item=50,
        graphql="building",
        part="MovedOut",
        type=text(),
        default=None,
    )
    alien_registration_number: str | None = column(
        "other-number",
        ja="外国人登録番号",
        en="alien registration number (no longer issued)",
        item=51,
        type=text(),
        default=None,
        form=codes.plain,
    )
    social_security_number: str | None = column(
        "other-number",
        ja="社会保障番号",
        en="social security number (never issued)",
        item=52,
        type=text(),
        default=None,
        form=codes.plain,
    )
    dv_flag: bool = column(
        "protection",
        ja="DVフラグ",
        en="flag of protection against domestic violence",
        item=53,
        match=True,
        default=False,
    )
    neglect_flag: bool = column(
        "protection",
        ja="ネグレクトフラグ",
        en="flag of a neglected child under protection",
        item=54,
        match=True,
        default=False,
    )
    municipality_code: str | None = column(
        "residence",
        ja="市町村コード",
        en="municipality code of the address",
        item=109,
        match=True,
        check=rules.municipality_code,
        form=codes.plain,
        type=text(6),
        default=None,
    )
    changed_by: str | None = column(
        "handler",
        ja="異動担当者",
        en="staff member who changed the record last",
        item=119,
        type=text(),
        default=None,
    )
    updating_business_code: str | None = column(
        "handler",
        ja="更新業務コード",
        en="business that changed the record last",
        item=120,
        type=text(),
        default=None,
        form=codes.plain,
    )


class ForwardingAddress(SQLModel, table=True):
    """送付先 where mail goes instead of the address."""

    __tablename__ = "forwarding_address"
    noun: ClassVar[Noun] = Noun(
        "ForwardingAddress",
        ja="送付先",
        en="where mail goes instead of the address",
        existence=("forwarding-address",),
        owner="addressee_code",
        agents=True,
    )

    id: int | None = child_key("forwarding-address")
    addressee_code: str = owner()
    set_reason: str | None = column(
        "forwarding-address",
        ja="送付先設定事由",
        en="why a forwarding address was set",
        item=55,
        type=text(),
        default=None,
    )
    set_on: dt.date | None = column(
        "forwarding-address",
        ja="送付先設定日",
        en="since when mail goes here",
        item=56,
        default=None,
        days=PLANNED,
    )
    abolished_reason: str | None = column(
        "forwarding-address",
        ja="送付先廃止事由",
        en="why the forwarding address was abolished",
        item=57,
        type=text(),
        default=None,
    )
    abolished_on: dt.date | None = column(
        "forwarding-address",
        ja="送付先廃止日",
        en="until when mail goes here",
        item=58,
        default=None,
        days=Days(not_before="set_on"),
    )
    full_name_kana: str | None = column(
        "forwarding-address",
        ja="送付先氏名カナ情報",
        en="recipient's full name in kana",
        item=59,
        type=text(),
        default=None,
    )
    full_name_search_kana: str | None = column(
        "forwarding-address",
        folded=True,
        ja="送付先氏名検索カナ情報",
        en="recipient's full name in kana, folded for search",
        item=60,
        type=text(),
        default=None,
    )
    full_name: str | None = column(
        "forwarding-address",
        ja="送付先氏名漢字情報",
        en="recipient's full name",
        item=61,
        type=text(),
        default=None,
    )
    given_name_kana: str | None = column(
        "forwarding-address",
        ja="送付先名カナ情報",
        en="recipient's given name in kana",
        item=62,
        type=text(),
        default=None,
    )
    given_name_search_kana: str | None = column(
        "forwarding-address",
        folded=True,
        ja="送付先名検索カナ情報",
        en="recipient's given name in kana, folded for search",
        item=63,
        type=text(),
        default=None,
    )
    given_name: str | None = column(
        "forwarding-address",
        ja="送付先名漢字情報",
        en="recipient's given name",
        item=64,
        type=text(),
        default=None,
    )
    postal_code_area: str | None = column(
        "forwarding-address",
        ja="送付先郵便親番",
        en="first three digits of the forwarding postal code",
        item=65,
        check=rules.postal_code_area,
        form=codes.plain,
        type=text(3),
        default=None,
    )
    postal_code_town: str | None = column(
        "forwarding-address",
        ja="送付先郵便子番",
        en="last four digits of the forwarding postal code",
        item=66,
        check=rules.postal_code_town,
        form=codes.plain,
        type=text(4),
        default=None,
    )
    address_kind: str | None = column(
        "forwarding-address",
        ja="送付先住所区分",
        en="whether the forwarding address is in the city",
        item=67,
        type=enum_of(AddressKind),
        default=None,
    )
    address_code: str | None = column(
        "forwarding-address",
        ja="送付先住所コード",
        en="address code of the forwarding town",
        item=68,
        type=text(12),
        default=None,
        form=codes.plain,
    )
    lot_code: str | None = column(
        "forwarding-address",
        ja="送付先番地コード",
        en="lot number code of the forwarding address",
        item=69,
        type=text(8),
        default=None,
        form=codes.plain,
    )
    branch_code: str | None = column(
        "forwarding-address",
        ja="送付先枝番コード",
        en="branch number code of the forwarding address",
        item=70,
        type=text(8),
        default=None,
        form=codes.plain,
    )
    sub_branch_code: str | None = column(
        "forwarding-address",
        ja="送付先小枝番コード",
        en="sub-branch number code of the forwarding address",
        item=71,
        type=text(8),
        default=None,
        form=codes.plain,
    )
    sub_branch_code_3: str | None = column(
        "forwarding-address",
        ja="送付先小枝番コード3",
        en="third sub-branch number code of the forwarding address",
        item=72,
        type=text(8),
        default=None,
        form=codes.plain,
    )
    address: str | None = column(
        "forwarding-address",
        ja="送付先住所漢字",
        en="forwarding address",
        item=73,
        type=text(),
        default=None,
    )
    building: str | None = column(
        "forwarding-address",
        ja="送付先方書漢字",
        en="forwarding building and room",
        item=74,
        type=text(),
        default=None,
    )


class SpecialAddressee(SQLModel, table=True):
    """特定宛先人 somebody who receives mail or acts for the addressee."""

    __tablename__ = "special_addressee"
    noun: ClassVar[Noun] = Noun(
        "SpecialAddressee",
        ja="特定宛先人",
        en="somebody who receives mail or acts for the addressee",
        existence=("related-person",),
        owner="addressee_code",
        persons=("addressee_code", "special_addressee_code"),
    )

    id: int | None = child_key("related-person")
    addressee_code: str = owner()
    kind: str | None = column(
        "related-person",
        ja="特定宛先人区分",
        en="kind of special addressee (tax agent, guardian, heir)",
        item=75,
        type=text(),
        default=None,
    )
    special_addressee_code: str = column(
        "related-person",
        ja="特定宛先人コード",
        en="code of the special addressee",
        item=76,
        graphql=None,
        type=text(15),
        references="addressee.code",
        index=True,
    )
    set_on: dt.date | None = column(
        "related-person",
        ja="特定宛先人設定日",
        en="since when the special addressee acts",
        item=77,
        default=None,
        days=PLANNED,
    )
    abolished_on: dt.date | None = column(
        "related-person",
        ja="特定宛先人廃止日",
        en="until when the special addressee acts",
        item=78,
        default=None,
        days=Days(not_before="set_on"),
    )


class HouseholdMembership(SQLModel, table=True):
    """世帯 membership of the addressee in a household."""

    __tablename__ = "household_membership"
    noun: ClassVar[Noun] = Noun(
        "HouseholdMembership",
        ja="世帯",
        en="membership of the addressee in a household",
        existence=("household",),
        owner="addressee_code",
    )

    id: int | None = child_key("household")
    addressee_code: str = owner()
    household_code: str = column(
        "household",
        ja="世帯コード",
        en="household code",
        item=79,
        type=text(20),
        index=True,
        form=codes.household,
    )
    relationship: str | None = column(
        "household",
        ja="続柄",
        en="relationship to the head of the household",
        item=80,
        type=text(),
        default=None,
    )
    joined_reason: str | None = column(
        "household",
        ja="世帯増事由",
        en="reason of joining the household",
        item=81,
        type=text(),
        default=None,
    )
    joined_on: dt.date | None = column(
        "household",
        ja="世帯増異動日",
        en="day of joining the household",
        item=82,
        default=None,
        days=PLANNED,
    )
    left_reason: str | None = column(
        "household",
        ja="世帯減事由",
        en="reason of leaving the household",
        item=83,
        type=text(),
        default=None,
    )
    left_on: dt.date | None = column(
        "household",
        ja="世帯減異動日",
        en="day of leaving the household",
        item=84,
        default=None,
        days=Days(not_before="joined_on"),
    )


class UnionMembership(SQLModel, table=True):
    """納税組合 membership of the addressee in a tax payment union."""

    __tablename__ = "union_membership"
    noun: ClassVar[Noun] = Noun(
        "UnionMembership",
        ja="納税組合",
        en="membership of the addressee in a tax payment union",
        existence=("membership",),
        owner="addressee_code",
    )

    id: int | None = child_key("membership")
    addressee_code: str = owner()
    union_code: str | None = column(
        "membership",
        ja="組合コード",
        en="code of the tax payment union",
        item=106,
        type=text(),
        default=None,
        form=codes.plain,
    )
    joined_on: dt.date | None = column(
        "membership",
        ja="組合加入日",
        en="day of joining the union",
        item=107,
        default=None,
        days=PLANNED,
    )
    left_on: dt.date | None = column(
        "membership",
        ja="組合脱退日",
        en="day of leaving the union",
        item=108,
        default=None,
        days=Days(not_before="joined_on"),
    )


class RelatedAddressee(SQLModel, table=True):
    """関連宛名 link to an earlier addressee record of the same person."""

    __tablename__ = "related_addressee"
    noun: ClassVar[Noun] = Noun(
        "RelatedAddressee",
        ja="関連宛名",
        en="link to an earlier addressee record of the same person",
        existence=("related-person",),
        owner="addressee_code",
        persons=("addressee_code", "previous_addressee_code"),
    )

    id: int | None = child_key("related-person")
    addressee_code: str = owner()
    previous_addressee_code: str = column(
        "related-person",
        ja="関連前宛名コード",
        en="code of the person's earlier addressee record",
        item=110,
        graphql=None,
        type=text(15),
        references="addressee.code",
        index=True,
    )
    started_reason: str | None = column(
        "related-person",
        ja="関連宛名開始事由",
        en="why the link began",
        item=111,
        type=text(),
        default=None,
    )
    started_on: dt.date | None = column(
        "related-person",
        ja="関連宛名開始異動日",
        en="since when the records are linked",
        item=112,
        default=None,
        days=PLANNED,
    )
    ended_reason: str | None = column(
        "related-person",
        ja="関連宛名終了事由",
        en="why the link ended",
        item=113,
        type=text(),
        default=None,
    )
    ended_on: dt.date | None = column(
        "related-person",
        ja="関連宛名終了異動日",
        en="until when the records were linked",
        item=114,
        default=None,
        days=Days(not_before="started_on"),
    )


class Contact(SQLModel, table=True):
    """連絡先 telephone number or another way to reach the addressee."""

    __tablename__ = "contact"
    noun: ClassVar[Noun] = Noun(
        "Contact",
        ja="連絡先",
        en="telephone number or another way to reach the addressee",
        existence=("contact",),
        owner="addressee_code",
    )

    id: int | None = child_key("contact")
    addressee_code: str = owner()
    kind: str | None = column(
        "contact",
        ja="連絡先種別",
        en="kind of contact",
        item=115,
        type=enum_of(ContactKind),
        default=None,
    )
    value: str | None = column(
        "contact",
        ja="電話番号等",
        en="telephone number or address of the contact",
        item=116,
        type=text(),
        default=None,
    )
    person_in_charge: str | None = column(
        "contact",
        ja="経理担当者等",
        en="person in charge of accounts",
        item=117,
        type=text(),
        default=None,
    )
    set_on: dt.date | None = column(
        "contact",
        ja="連絡先設定日",
        en="day on which the contact was set",
        item=118,
        default=None,
        days=PLANNED,
    )
    set_on_text: str | None = column(
        "contact",
        ja="連絡先設定日(原文)",
        en="day on which the contact was set as written, where part of it is unknown (不詳)",
        type=text(40),
        default=None,
    )
