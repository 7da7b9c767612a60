"""Chat templates with the control flow of public ones, in other words, and a tokenizer for any template."""

from __future__ import annotations

import re

from tokenizers import AddedToken
from transformers import PreTrainedTokenizerFast

from tests.tiny import byte_tokenizer

TURN = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
OPEN = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
DATED = (
    "{% if strftime_now is defined %}{% set today = strftime_now('%d %b %Y') %}{% else %}{% set today = 'never' %}"
    "{% endif %}<|im_start|>system\nToday: {{ today }}<|im_end|>\n" + TURN + OPEN
)
LLAMA_2 = (
    "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}"
    "{% else %}{% set rest = messages %}{% set system = '' %}{% endif %}{% for m in rest %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' }}{% if loop.first and system %}"
    "{{ '<<SYS>>\n' + system + '\n<</SYS>>\n\n' }}{% endif %}{{ m['content'].strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ m['content'] + eos_token + ' ' }}{% else %}"
    "{{ raise_exception('only user and assistant roles are supported') }}{% endif %}{% endfor %}"
)
OLMO = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ '<|system|>\n' + m['content'] + '\n' }}"
    "{% elif m['role'] == 'user' %}{{ '<|user|>\n' + m['content'] + '\n' }}{% else %}"
    "{{ '<|assistant|>\n' + m['content'] }}{% if not loop.last %}{{ eos_token + '\n' }}{% else %}{{ eos_token }}"
    "{% endif %}{% endif %}{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}{% endfor %}"
)
GRANITE = (
    "{% if messages[0]['role'] != 'system' %}<|start_of_role|>system<|end_of_role|>You are helpful.<|end_of_text|>\n"
    "{% endif %}{% for m in messages %}<|start_of_role|>{{ m['role'] }}<|end_of_role|>{{ m['content'] }}"
    "<|end_of_text|>\n{% endfor %}{% if add_generation_prompt %}<|start_of_role|>assistant<|end_of_role|>{% endif %}"
)
ZEPHYR = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token }}\n"
    "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>' }}\n{% endif %}{% endfor %}"
)
EMPTY_THOUGHT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['role'] == 'assistant' %}<think>\n"
    "{{ m['reasoning_content'] | default('') }}\n</think>\n\n{% endif %}{{ m['content'] }}<|im_end|>\n{% endfor %}"
    + OPEN
)
OPENED_THOUGHT = EMPTY_THOUGHT.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
OTHER_END = (
    "{{ bos_token }}{% for m in messages %}<turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ m['content'] }}</turn>\n{% endfor %}{% if add_generation_prompt %}<turn>model\n{% endif %}"
)
NO_PROMPT = "{% for m in messages %}{{ m['role'] | upper }}: {{ m['content'] }}{{ eos_token }}\n{% endfor %}"
NO_END = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
PARTS = (
    "{% for m in messages %}{{ m['role'] | capitalize }}: {% for part in m['content'] %}{% if part['type'] == 'text' %}"
    "{{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
NO_SYSTEM = TURN.replace("messages %}", "messages if m['role'] != 'system' %}") + OPEN
MARKED = TURN.replace(
    "{{ m['content'] }}<|im_end|>",
    "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ m['content'] }}<|im_end|>{% endif %}",
).replace("\n{% if m", "{{ '\n' }}{% if m") + OPEN.replace("assistant\n", "assistant\n<think>\n")
OWN = {
    "chatml": TURN + OPEN,
    "dated": DATED,
    "llama 2": LLAMA_2,
    "mistral": MISTRAL,
    "olmo": OLMO,
    "granite": GRANITE,
    "zephyr": ZEPHYR,
    "empty thought": EMPTY_THOUGHT,
    "opened thought": OPENED_THOUGHT,
    "another end token": OTHER_END,
    "no generation prompt": NO_PROMPT,
    "no end": NO_END,
    "parts": PARTS,
    "no system turn": NO_SYSTEM,
    "marked": MARKED,
}


def tokenizer_for(template: str) -> PreTrainedTokenizerFast:
    """A tokenizer of bytes that has the special tokens of a template."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(), bos_token="<s>", eos_token="<end>", pad_token="<end>"
    )
    tags = re.findall(r"<[|｜]?[A-Za-z_▁][\w▁|｜ ]*[|｜]?>|</[a-z]\w*>|\[/?INST\]", template)
    tags += [f"<|{role}|>" for role in ("system", "user", "assistant") if "'<|' + " in template or "<|{{" in template]
    tokenizer.add_tokens([AddedToken(tag, special=True, normalized=False) for tag in dict.fromkeys(tags)])
    tokenizer.chat_template = template
    return tokenizer
