"""Make traditional, simplified and Japanese variants of Chinese characters equal."""

from __future__ import annotations

from functools import cache, lru_cache

_JAPANESE = dict(
    zip(
        "沢辺邉邊広斎斉桜浜竜栄渋円図関県検実従戦対帰鉄霊暁恵黒徳瀬児豊塩駅釈訳択亜悪圧囲隠営衛駆圏顕験厳拡覚楽気嶋嶌﨑髙冨眞曽鴎滝縄経縁絵"
        "価仮画懐歓観旧挙径軽継茎鶏剣権効鉱砕済歳雑参桟蚕賛残糸辞収獣縦粛処緒奨焼証剰畳嬢譲醸触嘱図粋酔穂枢数声静窃専浅践銭潜繊禅双壮"
        "捜挿荘装総騒増蔵続堕滞単嘆団弾遅昼鋳庁聴鎮逓転伝灯党盗稲闘独読届弐悩脳覇拝廃売麦発髪抜蛮秘払仏併並変弁舗宝豊没翻槇薬与誉揺謡様"
        "来頼乱覧欄両猟緑塁励礼隷齢歴恋錬炉労楼録湾",
        "泽边边边广斋齐樱滨龙荣涩圆图关县检实从战对归铁灵晓惠黑德濑儿丰盐驿释译择亚恶压围隐营卫驱圈显验严扩觉乐气岛岛崎高富真曾鸥泷绳经缘绘"
        "价假画怀欢观旧举径轻继茎鸡剑权效矿碎济岁杂参栈蚕赞残丝辞收兽纵肃处绪奖烧证剩叠娘让酿触嘱图粹醉穗枢数声静窃专浅践钱潜纤禅双壮"
        "搜插庄装总骚增藏续堕滞单叹团弹迟昼铸厅听镇递转传灯党盗稻斗独读届贰恼脑霸拜废卖麦发发拔蛮秘拂佛并并变弁铺宝丰没翻槙药与誉摇谣样"
        "来赖乱览栏两猎绿垒励礼隶龄历恋炼炉劳楼录湾",
        strict=True,
    )
)
"""Japanese characters, with the simplified Chinese characters of the same origin."""
_DOTS = dict.fromkeys("•‧∙⋅・", "·")


@lru_cache(maxsize=4096)
def unified(text: str) -> str:
    """Return a text with one variant of each character.

    The middle dot has variants too.

    The result has as many characters as the text.
    """
    return "".join(map(_unified_character, text))


@lru_cache(maxsize=65536)
def _unified_character(character: str) -> str:
    if character in _DOTS:
        return _DOTS[character]
    if character < "\u3400":
        return character
    simple = _JAPANESE.get(character) or str(_converter().convert(character))
    return simple if len(simple) == 1 else character


@cache
def _converter():  # type: ignore[no-untyped-def]
    from opencc import OpenCC  # imported here: only Chinese characters need it

    return OpenCC("t2s")
