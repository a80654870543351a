"""Rules of the trade over plain values: codes, texts, days, kana, amounts."""
