"""A small transformer that reads characters and says which comes next.

Blocks ``x + attention(norm(x))`` and ``x + mlp(norm(x))``, the embedding used again as head.
Sources: A. Vaswani et al., Attention is all you need (2017); A. Radford et al., Language models
are unsupervised multitask learners (2019) for the place of the norms and the first numbers.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.core import check

__all__ = ["CharTransformer"]

SPREAD = 0.02       # standard deviation of the first numbers


class CharTransformer(nn.Module):
    """Language model over a small vocabulary.

    Parameters
    ----------
    vocabulary, width : int > 0
        Different tokens; numbers that stand for one.
    layers, heads, context : int > 0
        Blocks, attention heads of a block, tokens of the longest text.
    dropout : float in [0, 1)
        Share of what a block adds that is dropped while training, by PyTorch's own generator.
    generator : torch.Generator
        Draws the first numbers, normal with standard deviation 0.02; what a block adds is
        divided by ``sqrt(2 * layers)``. On the CPU.

    Raises
    ------
    ValueError
        If a size is not positive, or heads do not divide the width.

    Examples
    --------
    >>> model = CharTransformer(27, 16, layers=1, heads=2, context=8,
    ...                         generator=torch.Generator().manual_seed(0))
    >>> model(torch.zeros(3, 8, dtype=torch.int64)).shape
    torch.Size([3, 8, 27])
    """

    def __init__(self, vocabulary: int, width: int, *, layers: int = 4,  # noqa: PLR0913 - sizes
                 heads: int = 4, context: int = 128, dropout: float = 0.0,
                 generator: torch.Generator):
        check.positive(vocabulary=vocabulary, width=width, layers=layers, heads=heads,
                       context=context)
        if width % heads:
            raise ValueError(f"heads must divide the width, got {heads} and {width}. Pass heads "
                             f"such as {math.gcd(width, 4)}.")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout!r}. Pass 0 for none.")
        super().__init__()
        self.context = context
        self.tokens = nn.utils.skip_init(nn.Embedding, vocabulary, width)
        self.places = nn.utils.skip_init(nn.Embedding, context, width)
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for name, param in self.named_parameters():
            _draw(name, param, generator, layers)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token, shape (n, t, vocabulary), of tokens, shape (n, t)."""
        length = tokens.shape[1]
        if length > self.context:
            raise ValueError(f"tokens must be at most {self.context} a row, got {length}. Cut "
                             "them, or make the network with a longer context.")
        x = self.tokens(tokens) + self.places.weight[:length]
        for block in self.blocks:
            x = block(x)
        return functional.linear(self.norm(x), self.tokens.weight)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asks = nn.utils.skip_init(nn.Linear, width, 3 * width)
        self.adds = nn.utils.skip_init(nn.Linear, width, width)
        self.widens = nn.utils.skip_init(nn.Linear, width, 4 * width)
        self.narrows = nn.utils.skip_init(nn.Linear, 4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        asked = self.asks(self.first(x)).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.dropout(self.adds(seen.transpose(1, 2).reshape(n, length, width)))
        return x + self.dropout(self.narrows(functional.gelu(self.widens(self.second(x)))))


def _draw(name: str, param: nn.Parameter, generator: torch.Generator, layers: int) -> None:
    is_added = name.endswith(("adds.weight", "narrows.weight"))
    with torch.no_grad():
        if param.ndim == 1:
            param.fill_(1.0 if name.endswith("weight") else 0.0)
        else:
            param.normal_(0.0, SPREAD / (math.sqrt(2 * layers) if is_added else 1),
                          generator=generator)
