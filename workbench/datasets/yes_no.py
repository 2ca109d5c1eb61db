"""Words for yes and no, which stand for 1 and 0."""

__all__ = ["ONES", "ZEROS"]

ONES = frozenset(["yes", "y", "true", "positive", "ja", "j", "oui", "si", "sí", "sim", "tak",
                  "wahr", "vrai", "vero", "verdadero", "да"])
ZEROS = frozenset(["no", "n", "false", "negative", "nein", "non", "não", "nie", "falsch", "faux",
                   "falso", "нет"])
