"""What came of an experiment: the verdict in a sentence, and what its reader must also know."""

TEXTS = {
    "report.other-pictures": "Expected both arms to answer the same test pictures with the same labels. Found {n} and "
    "{n_other}, of which {n_both} agree. Compare two arms of one experiment.",
    "report.no-answers": "Expected answers for the test pictures; found none. Train this arm again.",
    "report.no-network": "Expected the saved network of this arm; found none. Train it first.",
    "verdict.both": "Transfer learning: {transfer:,} of {n:,} right. From scratch: {scratch:,} of {n:,}. {outcome}",
    "verdict.alone": "{arm}: {right:,} of {n:count test picture} right. There is no other arm's score to compare with.",
    "verdict.one-of-many": "{arm}: {right:,} of {n:,} right.",
    "outcome.clear-transfer": "A clear win for transfer learning.",
    "outcome.transfer": "Transfer learning is better.",
    "outcome.clear-scratch": "A clear win for training from scratch.",
    "outcome.scratch": "Training from scratch is better.",
    "outcome.same": "No difference shown: both are right on the same pictures.",
    "outcome.no-difference": "No difference shown.",
    "outcome.too-few": "Too few test pictures to say which is better.",
    "margin.same": "The interval of the difference has no width: no picture tells the two apart.",
    "margin.difference": "With 95\xa0% confidence transfer learning is {difference:points}.",
    "margin.alone": "With 95\xa0% confidence it would be right on {interval:shares} of such pictures.",
    "basis": "This rests on one split, one seed and {n:count test picture}.",
    "basis.sizes": "This rests on one split, one seed and {n:count test picture}. The arms saw pictures of different "
    "sizes ({sizes} px), which may be a part of the difference.",
    "verdict.nothing": "There are no scores yet, so there is nothing to compare.",
    "remark.stopped": "{arm} was stopped early; its best epoch until then is scored.",
    "remark.second-attempt": "{arm}: {attempt}",
    "remark.below-the-line": "{arm} is not above the line: always answering “{label}” would be right on {line:share}.",
    "remark.on-the-line": "{arm} is not shown to be above the line: always answering “{label}” would be right on "
    "{line:share}, which lies within its interval of {interval:shares}.",
    "remark.far-from-exact": "{arm} was trained on quick outputs of its frozen part, with which {n:,} of {n_all:,} "
    "test pictures would be answered otherwise. The scores are those of the exact ones.",
}
