"""The named people of the demo town, with fixed codes: documents and tests tell their stories.

They are the first addressees of every town, whatever its seed and size. All are invented.
"""

from __future__ import annotations

from collections.abc import Iterator

from models.demo.record import (
    Record,
    Row,
    addressee_code,
    names,
    nobodys_number,
    residence,
)
from models.demo.reference import Name, elsewhere_named, town_named
from models.trade.city_file import ADDRESS_WITHHELD, HANDLING, STOP_OUTPUT

# A plain taxpayer: two accounts, collections of three kinds, some of them in arrears.
YAMADA_TARO = addressee_code(10_001)
# His wife and child: an ordinary household that hides nothing from whoever may see households.
YAMADA_HANAKO = addressee_code(10_002)
YAMADA_KENTA = addressee_code(10_003)
# The counterparty of a protected mother. He shares a former household and a house with her, so
# every edge from his record must stay silent about hers.
SUZUKI_DAISUKE = addressee_code(10_011)
# The protected mother and her child (DV flag): everything that tells a place is withheld.
TANAKA_MISAKI = addressee_code(10_012)
TANAKA_HINA = addressee_code(10_013)
# Covered for other causes, so that cover does not tell violence: mail came back …
TAKAHASHI_MAKOTO = addressee_code(10_021)
# … a guardian receives her mail …
SASAKI_TOME = addressee_code(10_022)
# … (the guardian: a law office, a corporation that is somebody's special addressee) …
SHIRAKABA_LAW = addressee_code(10_023)
# … and one who threatened staff.
NAKAGAWA_TSUYOSHI = addressee_code(10_024)
# A corporation: corporate tax, withheld city tax of its staff, property, a person in charge.
SHITSUGEN_TRADING = addressee_code(10_031)
# A foreign resident with an alias in use, and one without.
NGUYEN_AN = addressee_code(10_041)
KANEDA_ICHIRO = addressee_code(10_042)
# Overpaid: the population of the purpose `refund`.
ITO_SHO = addressee_code(10_051)
# Pays long-term care and late-stage elderly medical premiums: two transfer destinations see her.
WATANABE_KIYO = addressee_code(10_061)
# Day-care fee: the levy names the child.
KOBAYASHI_DAIKI = addressee_code(10_071)
KOBAYASHI_MISAKI = addressee_code(10_072)
KOBAYASHI_AO = addressee_code(10_073)
# Died; the heir is the special addressee of the record that stays.
KIMURA_ICHIRO = addressee_code(10_081)
KIMURA_YOKO = addressee_code(10_082)
# A neglected child (the other flag); the parent in the household is the counterparty.
HONMA_SAKURA = addressee_code(10_091)
HONMA_RITSU = addressee_code(10_092)
# Arrears in every state: demanded, seizable, grace, instalments, seized, suspended, written off.
KUDO_MASARU = addressee_code(10_101)
# 𠮷 outside the basic plane, a variation selector, half-width kana, a birth day partly unknown.
YOSHIDA_MINORU = addressee_code(10_111)
# One person with two successive records: first an owner elsewhere, then a resident.
MIURA_OLD = addressee_code(10_121)
MIURA_NEW = addressee_code(10_122)
# Owns property here and lives elsewhere; a tax agent receives the notices.
ISHIKAWA_HIROSHI = addressee_code(10_131)


def cast_records() -> list[Record]:
    """The addressee records of the cast, in the order of the codes."""
    return [
        *_yamada(), *_tanaka(), *_other_causes(), _corporation(), *_foreign(), _ito(), _watanabe(),
        *_kobayashi(), *_kimura(), *_honma(), _kudo(), _yoshida(), *_miura(), _ishikawa(),
    ]  # fmt: skip


def _yamada() -> Iterator[Record]:
    home = _home("北大通", 3, 901, 5, "ハイツはまなす201号室")
    taro = _person(YAMADA_TARO, "山田 ヤマダ", "太郎 タロウ", "男", "1978-05-14", home, "世帯主")
    taro.groups += [
        [_debit("01", "1027", "001", "普通", "0012345", "ヤマダ タロウ", "0154-00-1001")],
        [_refund("0501", "441", "普通", "0054321", "ヤマダ タロウ", "山田　太郎")],
        [_contact("自宅", "0154-00-1001"), _contact("携帯", "090-0000-1001")],
        [{"組合コード": "N001", "組合加入日": "2010-04-01"}],
    ]
    yield taro
    hanako = _person(
        YAMADA_HANAKO, "山田 ヤマダ", "花子 ハナコ", "女", "1981-11-03", home, "妻", YAMADA_TARO
    )
    hanako.groups.append([_contact("携帯", "090-0000-1002")])
    yield hanako
    yield _person(
        YAMADA_KENTA, "山田 ヤマダ", "健太 ケンタ", "男", "2012-07-20", home, "子", YAMADA_TARO
    )


def _tanaka() -> Iterator[Record]:
    former, left = SUZUKI_DAISUKE, "2026-03-18"
    old_home = _home("愛国東", 2, 911, 8)
    daisuke = _person(
        SUZUKI_DAISUKE, "鈴木 スズキ", "大輔 ダイスケ", "男", "1984-02-09", old_home, "世帯主"
    )
    daisuke.groups.append([_contact("携帯", "090-0000-1011")])
    yield daisuke
    home = _home("武佐", 4, 922, 3, "コーポしらかば103号室")
    misaki = _person(
        TANAKA_MISAKI, "田中 タナカ", "美咲 ミサキ", "女", "1986-09-27", home, "世帯主"
    )
    hina = _person(
        TANAKA_HINA, "田中 タナカ", "陽菜 ヒナ", "女", "2019-06-12", home, "子", TANAKA_MISAKI
    )
    for record, relationship in ((misaki, "妻"), (hina, "子")):
        record.base |= {
            "DVフラグ": "1",
            "宛名異動事由": "転居",
            "宛名基本異動日": left,
            "宛名基本届出日": left,
            "住記住定日": left,
        }
        record.groups[0].insert(
            0,
            {
                "世帯コード": _household(former),
                "続柄": relationship,
                "世帯増事由": "婚姻" if relationship == "妻" else "出生",
                "世帯増異動日": "2015-05-05" if relationship == "妻" else "2019-06-12",
                "世帯減事由": "転居",
                "世帯減異動日": left,
            },
        )
    misaki.groups += [
        [_debit("11", "1027", "016", "普通", "0020012", "タナカ ミサキ", "090-0000-1012")],
        [_contact("携帯", "090-0000-1012"), _contact("勤務先", "0154-00-1012")],
    ]
    yield misaki
    yield hina


def _other_causes() -> Iterator[Record]:
    makoto = _person(
        TAKAHASHI_MAKOTO, "高橋 タカハシ", "誠 マコト", "男", "1969-01-30",
        _home("鳥取大通", 5, 931, 2), "世帯主",
    )  # fmt: skip
    makoto.base[HANDLING] = STOP_OUTPUT
    yield makoto
    tome = _person(
        SASAKI_TOME, "佐々木 ササキ", "トメ トメ", "女", "1938-10-08",
        _home("春採", 6, 941, 11), "世帯主",
    )  # fmt: skip
    tome.base[HANDLING] = f"{ADDRESS_WITHHELD}・{STOP_OUTPUT}"
    tome.groups += [
        [
            {
                "特定宛先人区分": "成年後見人",
                "特定宛先人コード": SHIRAKABA_LAW,
                "特定宛先人設定日": "2024-06-03",
            }
        ],
        [
            {
                "送付先設定事由": "成年後見",
                "送付先設定日": "2024-06-03",
                "送付先氏名カナ情報": "シラカバホウリツジムショ",
                "送付先氏名検索カナ情報": "シラカハホウリツシムシヨ",
                "送付先氏名漢字情報": "しらかば法律事務所",
                "送付先郵便親番": "085",
                "送付先郵便子番": "0016",
                "送付先住所区分": "市内",
                "送付先住所漢字": "北海道釧路市錦町5丁目902番1号",
            }
        ],
    ]
    yield tome
    yield _company(
        SHIRAKABA_LAW, "しらかば法律事務所", "シラカバホウリツジムショ", _home("錦町", 5, 902, 1)
    )
    tsuyoshi = _person(
        NAKAGAWA_TSUYOSHI, "中川 ナカガワ", "剛 ツヨシ", "男", "1971-03-15",
        _home("白樺台", 1, 951, 4), "世帯主",
    )  # fmt: skip
    tsuyoshi.base[HANDLING] = ADDRESS_WITHHELD
    yield tsuyoshi


def _corporation() -> Record:
    company = _company(
        SHITSUGEN_TRADING, "株式会社くしろ湿原商事", "カブシキガイシャ クシロシツゲンショウジ",
        _home("黒金町", 9, 901, 1, "くしろ湿原ビル3階"),
    )  # fmt: skip
    company.groups += [
        [
            _debit(
                "03", "0501", "078", "当座", "0003131", "カ）クシロシツゲンショウジ", "0154-00-1031"
            )
        ],
        [
            _contact("勤務先", "0154-00-1031") | {"経理担当者等": "経理課　小野"},
            _contact("メール", "keiri@example.com"),
        ],
    ]
    return company


def _foreign() -> Iterator[Record]:
    an = _person(
        NGUYEN_AN, "NGUYEN グエン", "VAN・AN ヴァン・アン", "男", "1997-00-00",
        _home("大楽毛南", 3, 961, 7, "コーポまりも105号室"), "世帯主",
    )  # fmt: skip
    an.base |= {
        "国籍コード": "VNM",
        "在留資格": "特定技能1号",
        "在留期間開始日": "2025-04-01",
        "在留期間終了日": "2028-04-01",
        "住記住民区分": "外国人住民",
        "宛名異動事由": "転入",
        "住記住民日": "2025-04-10",
        "住記住定日": "2025-04-10",
        "転入前市町村コード": "011011",
        "転入前郵便番号": "0600001",
        "転入前住所": "北海道札幌市中央区北一条西9丁目901番",
    }
    an.groups.append([_contact("携帯", "090-0000-1041")])
    yield an
    kaneda = _person(
        KANEDA_ICHIRO, "金田 カネダ", "一郎 イチロウ", "男", "1959-12-01",
        _home("米町", 2, 971, 9), "世帯主",
    )  # fmt: skip
    kaneda.base |= {
        "通称名使用区分": "1",
        "国籍コード": "KOR",
        "在留資格": "特別永住者",
        "外国人登録番号": "（Ｂ）第000001042号",
        "住記住民区分": "外国人住民",
    }
    yield kaneda


def _ito() -> Record:
    sho = _person(
        ITO_SHO,
        "伊藤 イトウ",
        "翔 ショウ",
        "男",
        "1991-08-08",
        _home("昭和中央", 4, 912, 6),
        "世帯主",
    )
    sho.groups += [
        [_refund("9900", "908", "ゆうちょ", "12345671", "イトウ ショウ", "伊藤　翔")],
        [_contact("携帯", "090-0000-1051"), _contact("メール", "ito.sho@example.com")],
    ]
    return sho


def _watanabe() -> Record:
    kiyo = _person(
        WATANABE_KIYO, "渡邉 ワタナベ", "きよ キヨ", "女", "1943-04-22",
        _home("浦見", 6, 913, 2), "世帯主",
    )  # fmt: skip
    kiyo.groups.append([_contact("自宅", "0154-00-1061")])
    return kiyo


def _kobayashi() -> Iterator[Record]:
    home = _home("美原", 5, 914, 12)
    surname = "小林 コバヤシ"
    yield _person(KOBAYASHI_DAIKI, surname, "大樹 ダイキ", "男", "1992-03-03", home, "世帯主")
    yield _person(
        KOBAYASHI_MISAKI, surname, "美咲 ミサキ", "女", "1993-10-19", home, "妻", KOBAYASHI_DAIKI
    )
    yield _person(KOBAYASHI_AO, surname, "碧 アオ", "女", "2024-09-01", home, "子", KOBAYASHI_DAIKI)


def _kimura() -> Iterator[Record]:
    home = _home("住吉", 2, 915, 20)
    surname = "木村 キムラ"
    ichiro = _person(
        KIMURA_ICHIRO, surname, "一郎 イチロウ", "男", "1940-02-11", home, "夫", KIMURA_YOKO
    )
    ichiro.base |= {
        "宛名異動事由": "死亡",
        "宛名基本異動日": "2025-08-30",
        "住記消除日": "2025-08-30",
        "住記消除事由": "死亡",
        "住記住民区分": "消除者",
    }
    del ichiro.base["個人番号"]
    ichiro.groups[0][0] |= {"世帯減事由": "死亡", "世帯減異動日": "2025-08-30"}
    ichiro.groups.append(
        [
            {
                "特定宛先人区分": "相続人代表者",
                "特定宛先人コード": KIMURA_YOKO,
                "特定宛先人設定日": "2025-09-20",
            }
        ]
    )
    yield ichiro
    yield _person(KIMURA_YOKO, surname, "洋子 ヨウコ", "女", "1945-12-24", home, "世帯主")


def _honma() -> Iterator[Record]:
    home = _home("桜ケ岡", 7, 916, 5, "すずらん荘204号室")
    yield _person(HONMA_SAKURA, "本間 ホンマ", "さくら サクラ", "女", "1994-04-04", home, "世帯主")
    ritsu = _person(
        HONMA_RITSU, "本間 ホンマ", "律 リツ", "男", "2021-01-17", home, "子", HONMA_SAKURA
    )
    ritsu.base["ネグレクトフラグ"] = "1"
    yield ritsu


def _kudo() -> Record:
    masaru = _person(
        KUDO_MASARU, "工藤 クドウ", "勝 マサル", "男", "1961-06-06",
        _home("新橋大通", 3, 917, 1), "世帯主",
    )  # fmt: skip
    masaru.groups.append([_contact("携帯", "090-0000-1101"), _contact("その他", "0154-00-1101")])
    return masaru


def _yoshida() -> Record:
    minoru = _person(
        YOSHIDA_MINORU, "𠮷田 ﾖｼﾀﾞ", "辻󠄀實 ｼﾞｯｼﾞﾂ", "男", "昭和11年00月00日",
        _home("阿寒町中央", 0, 918, 3), "世帯主",
    )  # fmt: skip
    minoru.groups.append([_contact("自宅", "0154-00-1111")])
    return minoru


def _miura() -> Iterator[Record]:
    surname, given = "三浦 ミウラ", "拓也 タクヤ"
    away = residence(elsewhere_named("北十八条西"), 3, 919, 4)
    old = _person(MIURA_OLD, surname, given, "男", "1976-10-10", away, "")
    old.base |= {"宛名区分": "住登外者", "宛名税目コード": "04", "宛名異動事由": "住登外登録"}
    del old.base["個人番号"]
    yield old
    new = _person(MIURA_NEW, surname, given, "男", "1976-10-10", _home("文苑", 2, 920, 2), "世帯主")
    new.base |= {
        "宛名異動事由": "転入",
        "住記住民日": "2025-06-02",
        "住記住定日": "2025-06-02",
        "転入前市町村コード": "011011",
        "転入前郵便番号": "0600001",
        "転入前住所": "北海道札幌市中央区北一条西9丁目919番4号",
    }
    new.groups.append(
        [
            {
                "関連前宛名コード": MIURA_OLD,
                "関連宛名開始事由": "住登外者の転入",
                "関連宛名開始異動日": "2025-06-02",
            }
        ]
    )
    yield new


def _ishikawa() -> Record:
    hiroshi = _person(
        ISHIKAWA_HIROSHI, "石川 イシカワ", "博 ヒロシ", "男", "1955-05-25",
        residence(elsewhere_named("弦巻"), 2, 921, 10), "",
    )  # fmt: skip
    hiroshi.base |= {"宛名区分": "住登外者", "宛名税目コード": "04", "宛名異動事由": "住登外登録"}
    hiroshi.groups.append(
        [
            {
                "特定宛先人区分": "納税管理人",
                "特定宛先人コード": SHIRAKABA_LAW,
                "特定宛先人設定日": "2022-04-01",
            }
        ]
    )
    return hiroshi


# How a record is put together.


def _person(
    code: str, surname: str, given: str, sex: str, born: str, home: Row, relationship: str,
    household: str = "",
) -> Record:  # fmt: skip
    family, first = (Name.of(*text.split(" ")) for text in (surname, given))
    known = born if born[-2:].isdigit() and born[-2:] != "00" else "1997-06-01"
    settled = "2010-04-01" if known < "2010-04-01" else known
    base = {
        "個人番号": nobodys_number(int(code)),
        "宛名区分": "住登者",
        "個法区分": "個人",
        "宛名税目コード": "00",
        "通称名使用区分": "0",
        "宛名異動事由": "転居",
        "宛名基本異動日": settled,
        "宛名基本届出日": settled,
        **names(family, first),
        "生年月日": born,
        "性別": sex,
        **home,
        "DVフラグ": "0",
        "ネグレクトフラグ": "0",
        "異動担当者": "S001",
        "更新業務コード": "A01",
    }
    if not relationship:
        return Record(code, base, [[]])
    base |= {"住記住民日": known, "住記住定日": settled, "住記住民区分": "日本人住民"}
    membership = {
        "世帯コード": _household(household or code),
        "続柄": relationship,
        "世帯増事由": "転居",
        "世帯増異動日": settled,
    }
    return Record(code, base, [[membership]])


def _company(code: str, name: str, kana: str, home: Row) -> Record:
    search = Name.of(name, kana).search
    return Record(
        code,
        {
            "宛名区分": "住登外者",
            "個法区分": "法人",
            "宛名税目コード": "03",
            "通称名使用区分": "0",
            "宛名異動事由": "法人設立",
            "宛名基本異動日": "2008-10-01",
            "宛名基本届出日": "2008-10-10",
            "基本氏名カナ情報": kana,
            "基本氏名検索カナ情報": search,
            "基本氏名漢字情報": name,
            **home,
            "異動担当者": "S002",
            "更新業務コード": "B02",
        },
        [[]],
    )


def _home(town: str, chome: int, lot: int, branch: int, building: str = "") -> Row:
    return residence(town_named(town), chome, lot, branch, building)


def _household(head: str) -> str:
    return f"{int(head):010d}"


def _debit(item: str, bank: str, branch: str, kind: str, number: str, kana: str, phone: str) -> Row:
    return {
        "口座申込年月日": "2018-02-20",
        "口座開始年月日": "2018-04-01",
        "金融機関コード": bank,
        "支店コード": branch,
        "口座種別": kind,
        "口座番号": number,
        "口座名義人カナ": kana,
        "口座電話番号": phone,
        "納付種別": "期別",
        "口振済通知出力区分": "1",
        "口座科目コード": item,
    }


def _refund(bank: str, branch: str, kind: str, number: str, kana: str, name: str) -> Row:
    return {
        "還付申込年月日": "2024-07-01",
        "還付開始年月日": "2024-07-01",
        "還付金融機関コード": bank,
        "還付支店コード": branch,
        "還付用口座種別": kind,
        "還付用口座番号": number,
        "還付口座名義人カナ": kana,
        "還付口座名義人漢字": name,
    }


def _contact(kind: str, value: str) -> Row:
    return {"連絡先種別": kind, "電話番号等": value, "連絡先設定日": "2023-04-01"}
