"""Words for yes and no, which stand for 1 and 0."""

__all__ = ["ONES", "ZEROS"]

ONES = frozenset(["yes", "y", "true", "positive", "ja", "j", "oui", "si", "sí", "sim", "wahr",
                  "vrai"])
ZEROS = frozenset(["no", "n", "false", "negative", "nein", "non", "não", "falsch", "faux"])
