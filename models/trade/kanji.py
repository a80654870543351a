"""異体字: forms of one kanji that registers, banks and people write for each other in names.

髙橋 and 高橋 are one name to whoever reads them. The list holds what family names and towns have;
it is for comparing, and nothing is stored by it.
"""

from __future__ import annotations

_PAIRS = (
    "髙高 﨑崎 嵜崎 碕崎 邊辺 邉辺 齋斎 斉斎 齊斎 澤沢 濵浜 濱浜 櫻桜 嶋島 嶌島 國国 廣広"
    " 眞真 惠恵 德徳 禮礼 龍竜 瀧滝 瀨瀬 萬万 壽寿 榮栄 應応 學学 藏蔵 將将 靜静 會会 縣県"
    " 區区 條条 圓円 鐵鉄 鷗鴎 關関 舘館 冨富 峯峰 桒桑 槗橋 栁柳 𠮷吉 㐂喜 曻昇 緖緒 薗園"
    " 籐藤 槇槙 檜桧 巖巌 彌弥 彥彦 晉晋 莊荘 亞亜 傳伝 實実 寬寛 尙尚 盡尽 稻稲 穗穂 與与"
    " 豐豊 鄕郷 顯顕 髮髪 麥麦 黑黒 靏鶴 靍鶴 淵渕 渊渕 籔薮 藪薮 舩船 釼剣 劔剣 劍剣 劒剣"
    " 勳勲 吳呉 戶戸 奧奥 橫横 步歩 每毎 濟済 爲為 畫画 發発 縱縦 聲声 佛仏 價価 內内 兩両"
    " 冲沖 淸清 淨浄 滿満 燒焼 獨独 祿禄 經経 總総 蘆芦 藝芸 號号 變変 讓譲 賴頼 賣売 鄰隣"
    " 鷄鶏 鹽塩 點点 團団 埜野 嶽岳 巢巣 廳庁 從従 戀恋 數数 曉暁 樂楽 樓楼 權権 歐欧 氣気"
    " 灣湾 當当 禪禅 絲糸 舊旧 螢蛍 覺覚 觀観 譯訳 轉転 遲遅 錢銭 鑛鉱 靈霊 餘余 驗験 體体"
    " 齡齢 龜亀 凛凜 桺柳 邨村 壹壱 貳弐 參参 舖舗 鋪舗 驛駅 鎭鎮 愼慎 溫温 淺浅 聰聡 穰穣"
    " 逹達 裝装 輛両 狹狭 峽峡 挾挟 單単 彈弾"
)
_ONE_FORM = {ord(pair[0]): pair[1] for pair in _PAIRS.split()}


def one_form(text: str) -> str:
    """The text with each kanji in one of its forms.

    >>> one_form("渡邊　髙廣") == one_form("渡辺　高広") == one_form("渡邉　高廣")
    True
    """
    return text if text.isascii() else text.translate(_ONE_FORM)
