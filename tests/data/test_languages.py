from itertools import combinations

from core.data.labels import languages


def test_no_word_means_two_things():
    means = [languages.TRAIN, languages.VALIDATION, languages.TEST, languages.UNLABELLED, languages.FILLERS]
    for one, other in [*combinations(means, 2), (languages.LABELS, languages.OTHERS)]:
        assert not one & other


def test_words_are_as_they_are_compared():
    assert "validacion" in languages.VALIDATION and "validación" not in languages.VALIDATION
