"""What came of an experiment: the verdict in a sentence, and what its reader must also know."""

TEXTS = {
    "report.other-pictures": "Expected both arms to answer the same test pictures with the same labels. Found {n} and "
    "{n_other}, of which {n_both} agree. Compare two arms of one experiment.",
    "report.no-answers": "Expected answers for the test pictures; found none. Train this arm again.",
    "report.no-network": "Expected the saved network of this arm; found none. Train it first.",
    "verdict.transfer": "Transfer learning is right on {transfer}, from scratch on {scratch:share}: "
    "{difference:points} (95\xa0%).",
    "verdict.scratch": "Training from scratch is right on {scratch}, transfer learning on {transfer:share}: "
    "{difference:points} (95\xa0%).",
    "verdict.same": "Transfer learning is right on {transfer}, from scratch on {scratch:share}: {verdict}, both are "
    "right on the same pictures.",
    "verdict.open": "Transfer learning is right on {transfer}, from scratch on {scratch:share}: {verdict} (transfer "
    "learning {difference:points}, 95\xa0%).",
    "verdict.no-difference": "no difference shown",
    "verdict.too-few": "too few test pictures to say",
    "verdict.of-pictures": "{accuracy:share} of {n:count test picture}",
    "verdict.alone": "{arm} is right on {accuracy} ({interval:shares} with 95\xa0% confidence). There is no other "
    "arm's score to compare with.",
    "verdict.one-of-many": "{arm} is right on {accuracy}.",
    "verdict.nothing": "There are no scores yet, so there is nothing to compare.",
    "remark.stopped": "{arm} was stopped early; its best epoch until then is scored.",
    "remark.second-attempt": "{arm}: {attempt}",
    "remark.below-the-line": "{arm} is not above the line: always answering “{label}” would be right on {line:share}.",
    "remark.on-the-line": "{arm} is not shown to be above the line: always answering “{label}” would be right on "
    "{line:share}, which lies within its interval of {interval:shares}.",
    "remark.far-from-exact": "{arm} was trained on quick outputs of its frozen part, with which {n:,} of {n_all:,} "
    "test pictures would be answered otherwise. The scores are those of the exact ones.",
}
