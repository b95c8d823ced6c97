"""Money 金额: whole fen in the books, yuan with two decimals before people and banks; never a binary fraction."""


def yuan(fen: int) -> str:
    """Return fen as yuan, exact: 1,234.56 for 123456, -0.05 for -5."""
    whole, part = divmod(abs(fen), 100)
    return f"{'-' * (fen < 0)}{whole:,}.{part:02d}"
