"""Read tokenizers from GGUF files, and describe tokenizers for such files.

A GGUF file stores the vocabulary and the merges of a tokenizer. The way in which text is split before the merges is
stored as a name only, in the field `tokenizer.ggml.pre`; the program that reads the file must know the name. `_SPLITS`
holds the names that this module knows. The names and what they mean are those of llama.cpp (src/llama-vocab.cpp).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from unlearnkit.core.errors import InputError
from unlearnkit.models.gguf_file import GGUFFile

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""Types of tokens in a GGUF file: of text, special, added but not special, and without a meaning."""

_BYTE_LEVEL, _SENTENCEPIECE = "gpt2", "llama"
"""Names of byte-level BPE, and of SentencePiece's BPE, in the field `tokenizer.ggml.model`."""

_SPACE = "\u2581"
"""SentencePiece's sign for a space."""

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
_SPACES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CASED = rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*%s"
_LLAMA3 = rf"{_WORDS}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*{_SPACES}"
_QWEN2 = rf"{_WORDS}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*{_SPACES}"
_TEKKEN = _CASED % ("", "") + rf"|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*{_SPACES}"
_GPT4O = _CASED % (("(?i:'s|'t|'re|'ve|'m|'ll|'d)?",) * 2) + rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*{_SPACES}"


def _words() -> Any:
    return pre_tokenizers.ByteLevel(add_prefix_space=False)


def _digits_and_words() -> Any:
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), _words()])


def _pattern(regex: str) -> Callable[[], Any]:
    def make() -> Any:
        split = pre_tokenizers.Split(Regex(regex), behavior="isolated")
        return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])

    return make


@dataclass(frozen=True)
class _Split:
    """What llama.cpp does with text before the merges, for a name."""

    make: Callable[[], Any]
    whole_words: bool = False
    """Whether a part of the text that is a token is not merged (`ignore_merges`)."""
    starts: bool = False
    """Whether a text starts with the BOS token, if the file does not say."""
    composed: bool = False
    """Whether the original tokenizers compose characters first (NFC). llama.cpp does not."""
    others: tuple[str, ...] = ()
    """Other names with the same meaning."""


_SPLITS = {
    "gpt-2": _Split(
        _words,
        others=("phi-2", "jina-es", "jina-de", "gigachat", "a.x-4.0", "mellum", "mpt", "olmo", "exaone4"),
    ),
    "smollm": _Split(
        _digits_and_words, others=("starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2")
    ),
    "llama-bpe": _Split(
        _pattern(_LLAMA3),
        whole_words=True,
        starts=True,
        others=("llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"),
    ),
    "smaug-bpe": _Split(_pattern(_LLAMA3), others=("dbrx", "glm4", "chatglm-bpe")),
    "qwen2": _Split(
        _pattern(_QWEN2),
        composed=True,
        others=("deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "grok-2", "solar-open"),
    ),
    "tekken": _Split(_pattern(_TEKKEN), whole_words=True, starts=True),
    "gpt-4o": _Split(_pattern(_GPT4O), others=("llama4", "kanana2", "minimax-m2")),
}
"""Ways to split text, by the name in the field `tokenizer.ggml.pre`."""

_NAMES = {other: name for name, split in _SPLITS.items() for other in (name, *split.others)}


def can_read(file: GGUFFile) -> bool:
    """Return whether `read_tokenizer` can read the tokenizer of a file."""
    kind = file.metadata.get("tokenizer.ggml.model")
    return kind == _BYTE_LEVEL or (kind == _SENTENCEPIECE and file.architecture == "llama")


def read_tokenizer(file: GGUFFile) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a GGUF file, with its chat template.

    Text gets the tokens that llama.cpp gives it.

    Raises:
        InputError: the way in which the tokenizer splits text is unknown.
    """
    stored = {
        name.removeprefix("tokenizer.ggml."): value
        for name, value in file.metadata.items()
        if name.startswith("tokenizer.ggml.")
    }
    tokens = list(stored["tokens"])
    types = list(stored.get("token_type") or [NORMAL] * len(tokens))
    while types and types[-1] == UNUSED:
        types.pop()
        tokens.pop()
    if stored["model"] == _SENTENCEPIECE:
        backend, starts = _sentencepiece(tokens, stored), True
    else:
        split = _split(file, str(stored.get("pre", "default")))
        backend, starts = _byte_bpe(tokens, stored, split), split.starts
    for kind, special in ((CONTROL, True), (USER_DEFINED, False)):
        chosen = [token for token, each in zip(tokens, types, strict=True) if each == kind]
        backend.add_tokens([AddedToken(token, normalized=False, special=special) for token in chosen])
    ids = {
        "bos_token": stored.get("bos_token_id"),
        "eos_token": stored.get("eos_token_id"),
        "unk_token": stored.get("unknown_token_id"),
        "pad_token": stored.get("padding_token_id"),
    }
    special_tokens = {key: tokens[at] for key, at in ids.items() if at is not None and at < len(tokens)}
    ends = {
        "bos": bool(stored.get("add_bos_token", starts)) and "bos_token" in special_tokens,
        "eos": bool(stored.get("add_eos_token", False)) and "eos_token" in special_tokens,
    }
    if any(ends.values()):
        backend.post_processor = _template(special_tokens, ids, ends)
    make: Any = PreTrainedTokenizerFast  # it has no type annotations
    tokenizer: PreTrainedTokenizerBase = make(
        tokenizer_object=backend,
        name_or_path=str(file.path),
        clean_up_tokenization_spaces=False,
        chat_template=_chat_template(file.metadata),
        **special_tokens,
    )
    return tokenizer


def _split(file: GGUFFile, name: str) -> _Split:
    if name not in _NAMES:
        raise InputError(
            "the GGUF file's tokenizer splits text in a way that is not known here",
            where=f"{file.path}, field tokenizer.ggml.pre",
            value=name,
            allowed=", ".join(sorted(_NAMES)),
            fix="put the original model's tokenizer.json and tokenizer_config.json into the folder of the file",
        )
    return _SPLITS[_NAMES[name]]


def _byte_bpe(tokens: Sequence[str], stored: Mapping[str, Any], split: _Split) -> Tokenizer:
    merges = [tuple(merge.split(" ", 1)) for merge in stored.get("merges", ())]
    vocabulary = {token: at for at, token in enumerate(tokens)}
    backend = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=split.whole_words))
    if split.composed:
        backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer, backend.decoder = split.make(), decoders.ByteLevel()
    return backend


def _sentencepiece(tokens: Sequence[str], stored: Mapping[str, Any]) -> Tokenizer:
    """Return a BPE tokenizer of SentencePiece.

    The file has no merges: any two neighbors that form a token are merged, the best score first.
    """
    vocabulary = {token: at for at, token in enumerate(tokens)}
    unknown = tokens[stored.get("unknown_token_id", 0)]
    backend = Tokenizer(
        models.BPE(
            vocabulary,
            _merges(vocabulary, stored["scores"]),
            byte_fallback=True,
            fuse_unk=True,
            unk_token=unknown,
        )
    )
    prefix = bool(stored.get("add_space_prefix", True))
    spaces: list[Any] = [normalizers.Replace(" ", _SPACE)]
    backend.normalizer = normalizers.Sequence([normalizers.Prepend(_SPACE), *spaces] if prefix else spaces)
    parts: list[Any] = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*parts, decoders.Strip(" ", 1, 0)] if prefix else parts)
    return backend


def _merges(vocabulary: Mapping[str, int], scores: Sequence[float]) -> list[tuple[str, str]]:
    """Return all merges that give a token, the best score first."""
    found = []
    for token, at in vocabulary.items():
        for cut in range(1, len(token)):
            left, right = vocabulary.get(token[:cut]), vocabulary.get(token[cut:])
            if left is not None and right is not None:
                found.append((-scores[at], at, left, right, token[:cut], token[cut:]))
    return [(left, right) for *_, left, right in sorted(found)]


def _template(tokens: Mapping[str, str], ids: Mapping[str, int | None], ends: Mapping[str, bool]) -> Any:
    """Return a post-processor that adds BOS, EOS or both."""
    used = [(tokens[f"{name}_token"], ids[f"{name}_token"]) for name, added in ends.items() if added]
    first = [tokens["bos_token"]] if ends["bos"] else []
    last = [tokens["eos_token"]] if ends["eos"] else []
    return processors.TemplateProcessing(
        single=[*first, "$A", *last],
        pair=[*first, "$A", *last, *(f"{token}:1" for token in first), "$B:1", *(f"{token}:1" for token in last)],
        special_tokens=used,
    )


def _chat_template(metadata: Mapping[str, Any]) -> str | dict[str, str] | None:
    default = metadata.get("tokenizer.chat_template")
    names = metadata.get("tokenizer.chat_templates") or ()
    named = {name: metadata[key] for name in names if (key := f"tokenizer.chat_template.{name}") in metadata}
    if not named:
        return default
    return {**({} if default is None else {"default": default}), **named}


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer as a GGUF file stores it."""

    pre: str
    tokens: Sequence[str]
    types: Sequence[int]
    merges: Sequence[str]
    starts: bool
    """Whether a text starts with the BOS token."""
    ends: bool
    """Whether a text ends with the EOS token."""
    chat_template: str | Sequence[Mapping[str, str]] | None


def describe_tokenizer(tokenizer: PreTrainedTokenizerBase, size: int, where: str) -> Vocabulary:
    """Describe a byte-level tokenizer for a GGUF file.

    Args:
        tokenizer: the tokenizer.
        size: number of the model's embeddings. Missing tokens are filled in as unused ones.
        where: the model's folder, for messages.

    Raises:
        InputError: llama.cpp cannot split text as this tokenizer does, or has no equivalent of another part of it.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise _refusal("it is not a tokenizer of the package tokenizers", where)
    stored = json.loads(backend.to_str())
    pre = _split_name(stored, where)
    vocabulary = tokenizer.get_vocab()
    tokens = [f"[PAD{at}]" for at in range(size)]
    types = [UNUSED] * size
    for token, at in vocabulary.items():
        tokens[at], types[at] = token, NORMAL
    for added in stored["added_tokens"]:
        if added["lstrip"] or added["rstrip"] or added["single_word"]:
            why = f"the added token {added['content']!r} also removes spaces, or matches whole words only"
            raise _refusal(why, where)
        types[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in stored["model"]["merges"]]
    if any(merge.count(" ") != 1 for merge in merges):
        raise _refusal("its merges contain spaces", where)
    starts, ends = _added_ends(tokenizer, where)
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = [{"name": name, "template": text} for name, text in template.items()]
    return Vocabulary(pre, tokens, types, merges, starts, ends, template)


def _split_name(stored: Mapping[str, Any], where: str) -> str:
    """Return llama.cpp's name for the way in which a tokenizer splits text."""
    model = stored["model"]
    plain = not any(model.get(key) for key in ("byte_fallback", "continuing_subword_prefix", "end_of_word_suffix"))
    if model.get("type") != "BPE" or not plain or (stored["decoder"] or {}).get("type") != "ByteLevel":
        raise _refusal("it is not a byte-level BPE tokenizer", where, value=model.get("type"))
    normalizer = _parts(stored["normalizer"], "normalizers")
    if normalizer not in ([], [{"type": "NFC"}]):
        raise _refusal("it changes the text before splitting it", where, value=normalizer)
    whole_words, parts = bool(model.get("ignore_merges")), _parts(stored["pre_tokenizer"], "pretokenizers")
    for name, split in _SPLITS.items():
        same = _parts(json.loads(split.make().__getstate__()), "pretokenizers") == parts
        if same and split.whole_words == whole_words:
            return name
    raise _refusal("it splits text in a way for which no name in llama.cpp is known here", where, value=parts)


def _parts(step: Mapping[str, Any] | None, key: str) -> list[dict[str, Any]]:
    """Return the steps of a normalizer or pre-tokenizer.

    Settings that do not change tokens are left out.
    """
    if step is None:
        return []
    if step["type"] == "Sequence":
        return [part for inner in step[key] for part in _parts(inner, key)]
    return [{name: value for name, value in step.items() if name != "trim_offsets"}]


def _added_ends(tokenizer: PreTrainedTokenizerBase, where: str) -> tuple[bool, bool]:
    """Return whether texts get BOS before them, and EOS after them."""
    bare = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    whole = list(tokenizer("a")["input_ids"])
    bos, eos = [tokenizer.bos_token_id], [tokenizer.eos_token_id]
    for starts in (False, True):
        for ends in (False, True):
            if whole == [*(bos if starts else []), *bare, *(eos if ends else [])]:
                return starts, ends
    raise _refusal("it adds other tokens to a text than the BOS and the EOS token", where)


def _refusal(why: str, where: str, value: object = None) -> InputError:
    return InputError(
        f"the tokenizer cannot be written to a GGUF file: {why}",
        where=where,
        value=value,
        allowed=f"byte-level BPE that splits text as one of: {', '.join(_SPLITS)}",
        fix="install llama.cpp, and pass the path of its convert_hf_to_gguf.py with --converter",
    )
