"""E-mail addresses, also those with words in place of signs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unlearnkit.text.normalize import normalize

_AT = (
    "at|ät|ätmerkki|ät-merkki|miukumauku|kukac|arroba|собака|klammeraffe|艾特|圈a|圈|アット|アットマーク|골뱅이|앳|แอท|แอด|"
    "ات|آت|שטרודל|כרוכית|et|kuyruklu a"
)
_DOT = "dot|piste|pont|nokta|punto|point|punkt|точка|点|點|ドット|닷|점|ดอท|จุด|نقطة|دوت|נקודה|ponto"
_BRACKETED_AT = re.compile(rf"\s*[\[({{<【（「]\s*(?:{_AT}|@|a)\s*[\])}}>】）」]\s*")
_BRACKETED_DOT = re.compile(rf"\s*[\[({{<【（「]\s*(?:{_DOT}|\.)\s*[\])}}>】）」]\s*")
_SPOKEN_AT = re.compile(
    rf"(?<=[a-z0-9])[\s_-]+(?:{_AT})[\s_-]+(?=[a-z0-9])|(?<=[a-z0-9])\s*(?:艾特|圈a|アットマーク|アット|골뱅이)\s*(?=[a-z0-9])"
)
_SPOKEN_DOT = re.compile(
    rf"(?<=[a-z0-9])[\s_-]+(?:{_DOT})[\s_-]+(?=[a-z0-9])|(?<=[a-z0-9])\s*(?:点|點|ドット|닷|점)\s*(?=[a-z0-9])"
)
_SPACED_AT = re.compile(r"\s*@\s*")
_SPACED_DOT = re.compile(r"(?<=[a-z0-9])(?: \. ?| ?\. )(?=[a-z0-9])")
_ADDRESS = re.compile(r"[a-z0-9_.+'&%-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_WHOLE = re.compile(r"([a-z0-9_.+'&%-]+)@([a-z0-9-]+(?:\.[a-z0-9-]+)+)\.?")


def address_of(form: str) -> str | None:
    """Return the address that a form is, or None."""
    match = _WHOLE.fullmatch(_with_signs(form).removeprefix("mailto:"))
    return match[0].rstrip(".") if match else None


def find_addresses(text: str) -> Iterator[str]:
    """Yield the addresses in a text, with the usual signs.

    The addresses are in lower case.
    """
    read = normalize(text)
    if "@" not in read and not _SPOKEN_AT.search(read) and not _BRACKETED_AT.search(read):
        return
    plain = _ADDRESS.findall(read.replace("\\_", "_"))
    spoken = _with_signs(text)
    for address in (*plain, *_ADDRESS.findall(spoken), *_ADDRESS.findall(_SPACED_DOT.sub(".", spoken))):
        yield address.strip(".'-").removeprefix("mailto:")


def _with_signs(text: str) -> str:
    """Replace what stands for the signs of an address by the signs."""
    signs = normalize(text).replace("\\_", "_").replace("。", "." if "@" in normalize(text) else "。")
    signs = _BRACKETED_DOT.sub(".", _BRACKETED_AT.sub("@", signs))
    previous = ""
    while previous != signs:  # adjacent words share a space
        previous, signs = signs, _SPOKEN_DOT.sub(".", _SPOKEN_AT.sub("@", signs))
    return _SPACED_AT.sub("@", signs)
