"""Generate text, greedily by default."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import groupby

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.data.generation import Generation
from unlearnkit.data.layout import chat_template
from unlearnkit.data.trace_format import split_trace, style_in
from unlearnkit.models.decoding import NextTokens, may_pad, next_tokens_of
from unlearnkit.models.folder import positions as most_positions

Pick = Callable[[Tensor, Sequence[int]], Tensor]
"""Function that chooses the next token of each row. The first argument contains the next-token logits, (rows,
vocabulary). The second argument contains, for each row, the index of the row's prompt. The result contains token ids,
(rows,)."""


def likeliest(logits: Tensor, rows: Sequence[int]) -> Tensor:
    """Pick the most likely token (greedy decoding)."""
    del rows
    return logits.argmax(-1)


@torch.no_grad()
def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    begun: Sequence[Sequence[int]] | None = None,
    batch_size: int = 256,
    on_rows: Callable[[int], None] = lambda _: None,
    pick: Pick = likeliest,
    next_tokens: Callable[[PreTrainedModel], NextTokens] = next_tokens_of,
) -> list[Generation]:
    """Generate an output for each prompt.

    An output ends at an end token, after `max_new_tokens` new tokens, or at the model's last position. Prompts are
    decoded shortest first, in batches of equal or similar prompt length; finished rows leave the batch. If a model does
    not accept padding, the prompts of a batch have equal lengths. Outputs are in the order of `prompts`.

    Args:
        model: causal language model, in eval mode.
        tokenizer: the model's tokenizer.
        prompts: token ids of each prompt.
        max_new_tokens: maximum number of new tokens of each output, not counting `begun`.
        begun: for each prompt, the token ids that the output must start with. The output includes these ids.
        batch_size: maximum number of rows decoded together.
        on_rows: called after each batch with the number of rows in that batch.
        pick: chooses the next token of each row.
        next_tokens: function that creates, for each batch, an object for computing the logits. By default, the logits
            of `model` are computed.
    """
    ends = end_tokens(model, tokenizer)
    begun = begun or [()] * len(prompts)
    contexts = [[*prompt, *start] for prompt, start in zip(prompts, begun, strict=True)]
    order = sorted(range(len(contexts)), key=lambda i: len(contexts[i]))
    outputs: list[Generation | None] = [None] * len(prompts)
    for chosen in _batches(model, order, [len(context) for context in contexts], max_new_tokens, batch_size):
        picked = partial(_pick_of, pick, chosen)
        decoded = _decode(model, tokenizer, [contexts[i] for i in chosen], max_new_tokens, ends, picked, next_tokens)
        for i, ids in zip(chosen, decoded, strict=True):
            outputs[i] = as_generation(tokenizer, [*begun[i], *ids], ends)
        on_rows(len(chosen))
    return [output for output in outputs if output is not None]


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Return the ids that end an output.

    These are the tokenizer's end token, the end tokens in the generation config, and the token with which the chat
    template ends an assistant's turn. Chat models often have two end tokens, one for a turn of a chat and one for a
    plain text (`eos_token_id: [128001, 128009]`).
    """
    settings = getattr(model, "generation_config", None)
    named = getattr(settings, "eos_token_id", None)
    more = named if isinstance(named, list) else [] if named is None else [named]
    template = chat_template(tokenizer)
    turn = () if template is None else (template.end_token,)
    return frozenset(int(token) for token in (tokenizer.eos_token_id, *turn, *more))


def _batches(
    model: PreTrainedModel, order: Sequence[int], lengths: Sequence[int], max_new_tokens: int, batch_size: int
) -> Iterator[list[int]]:
    """Yield the indices of the rows that are decoded together."""
    room = most_positions(model.config)
    for start in range(0, len(order), batch_size):
        chosen = list(order[start : start + batch_size])
        shortest, longest = lengths[chosen[0]], lengths[chosen[-1]]
        if may_pad(model, shortest, max(longest, min(longest + max_new_tokens, room))):
            yield chosen
        else:
            yield from (list(equal) for _, equal in groupby(chosen, key=lengths.__getitem__))


def _decode(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    ends: Collection[int],
    pick: Pick = likeliest,
    next_tokens: Callable[[PreTrainedModel], NextTokens] = next_tokens_of,
) -> list[list[int]]:
    """Decode one batch; prompts are padded on the left."""
    device, longest = model.device, max(len(p) for p in prompts)
    ids = torch.tensor([[tokenizer.pad_token_id] * (longest - len(p)) + list(p) for p in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    padded = bool((mask == 0).any())
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    reader = next_tokens(model)
    done: list[list[int]] = [[] for _ in prompts]
    alive = torch.arange(len(prompts), device=device)
    stops, room = torch.tensor(sorted(ends), device=device), most_positions(model.config)
    for _ in range(max_new_tokens):
        rows = alive.tolist()
        chosen = pick(reader(ids, mask if padded else None, positions), rows)
        for row, token in zip(rows, chosen.tolist(), strict=True):
            done[row].append(token)
        # Beyond the model's last position, generation fails or the output is meaningless.
        going = ~torch.isin(chosen, stops) & (positions[:, -1] + 1 < room)
        if not going.any():
            break
        if not going.all():
            alive, chosen, mask, positions = alive[going], chosen[going], mask[going], positions[going]
            reader.keep(going.nonzero()[:, 0])
        ids, positions = chosen[:, None], positions[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
    return done


def _pick_of(pick: Pick, places: Sequence[int], logits: Tensor, rows: Sequence[int]) -> Tensor:
    """Apply `pick` to the rows of one batch.

    `places` contains, for each row of the batch, the index of the row's prompt among all prompts.
    """
    return pick(logits, [places[row] for row in rows])


def as_generation(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int], ends: Collection[int]) -> Generation:
    """Decode token ids, and split the text into trace and response.

    Args:
        tokenizer: the model's tokenizer.
        ids: token ids, including the end token if there is one.
        ends: ids that end an output.
    """
    ended = bool(ids) and ids[-1] in ends
    text = str(tokenizer.decode(list(ids[:-1] if ended else ids), skip_special_tokens=False))
    # Tags of reasoning models are also found where a template does not write them.
    template = None if style_in(text) == "think" else chat_template(tokenizer)
    trace, response = (template and template.split(text)) or split_trace(text)
    return Generation(text=text, trace=trace, response=response, ended="eos" if ended else "length")
