"""Values → words: what is said is a kind with values (`said`); a language's catalogue has the sentence (`sentences`).

Numbers, times, sizes, plurals and names are said in one way each.

May import nothing but the root.
"""
