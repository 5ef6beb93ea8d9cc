"""Configure: how both arms are trained, and the opponent."""

import streamlit as st

from core.plan import bases
from core.plan.arm import MAX_IMAGE_SIZE, Arm, Optimizer, Training
from core.words.numbers import count
from pages._configure import draft

RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 2e-3, 3e-3, 1e-2, 3e-2, 1e-1)
DECAYS = (0.0, 0.1, 0.3, 1.0, 2.0, 4.0)
BATCHES = (4, 8, 16, 32, 64, 128, 256)
OPTIMIZERS = {Optimizer.ADAM: "Adam", Optimizer.ADAMW: "AdamW", Optimizer.SGD: "SGD"}
IDEA_OF_TRAINING = (
    "An **epoch** is one pass over all training pictures. After each, the network answers the validation pictures, "
    "which it does not learn from; the weights of the epoch with the lowest **validation loss** are kept."
)
IDEA_OF_OPPONENT = (
    "What transfer learning is worth shows only against something. The opponent is the **same network with random "
    "weights**: same head, same split, same augmentation, every block trained. The difference is what ImageNet gave."
)


def choose_training(chosen: Arm) -> None:
    """Epochs, batch size, rate, optimizer, early stopping, class weights, picture size, seed."""
    st.subheader("Training", anchor=False, help=IDEA_OF_TRAINING)
    st.markdown(f":gray[{_sentence(chosen.training)}]")
    with st.expander(
        "Advanced: epochs, batch size, learning rate, optimizer, early stopping", key="training_choices", type="compact"
    ):
        left, right = st.columns(2)
        with left:
            _epochs("epochs")
        with right:
            _image_size("image_size", chosen.base)
        left, right = st.columns(2)
        with left:
            _rate("learning_rate")
        with right:
            _batch_size("batch_size")
        st.segmented_control(  # across both columns, in one of which its last choice is cut off at 1024 px
            "Optimizer",
            list(Optimizer),
            **draft.kept("optimizer"),
            required=True,
            format_func=OPTIMIZERS.__getitem__,
            help="The rule that turns errors into steps. Adam suits most; AdamW also keeps weights small; SGD is the "
            "plain one and wants a larger learning rate.",
        )
        left, right = st.columns(2)
        with left:
            if draft.get("optimizer") == Optimizer.ADAMW:
                _weight_decay()
            _patience("stops_early", "patience")
        right.number_input(
            "Seed",
            0,
            2**31 - 1,
            **draft.kept("seed"),
            help="Starts every random choice of the training: the same seed gives the same beginning.",
        )
        right.toggle(
            "Class weights",
            **draft.kept("class_weights"),
            help="Mistakes on small classes count more, so that large ones do not drown them.",
        )


def choose_opponent(chosen: Arm | None) -> None:
    """The from-scratch arm, or none."""
    st.subheader("Opponent", anchor=False, help=IDEA_OF_OPPONENT)
    if chosen:
        size = chosen.image_size
        st.markdown(
            f":gray[The same network from scratch, all weights random, on pictures of {size} × {size} px. "
            f"{_sentence(chosen.training)}]"
        )
    else:
        st.markdown(":gray[None: there will be one result and nothing to hold it against.]")
    st.toggle("Train from scratch as well", **draft.kept("has_opponent"))
    if chosen is None:
        return
    with st.expander(
        "Advanced: epochs, learning rate, batch size, early stopping, picture size",
        key="opponent_choices",
        type="compact",
    ):
        left, right = st.columns(2)
        with left:
            _epochs("opponent_epochs")
        with right:
            _image_size("opponent_image_size", chosen.base)
        left, right = st.columns(2)
        with left:
            _rate("opponent_learning_rate")
        with right:
            _batch_size("opponent_batch_size")
        _patience("opponent_stops_early", "opponent_patience")


def _sentence(training: Training) -> str:
    rate = f"{training.learning_rate:g}"
    epochs = count(training.epochs, "epoch")
    ends = (
        f"at most {epochs}, fewer when {training.patience} in a row bring no progress" if training.patience else epochs
    )
    return f"{ends[0].upper()}{ends[1:]}; {OPTIMIZERS[training.optimizer]} with a learning rate of {rate}."


def _batch_size(name: str) -> None:
    st.select_slider(
        "Batch size",
        _with(BATCHES, draft.get(name)),
        **draft.kept(name),
        help="Pictures in one training step. More need more memory, and make fewer steps of an epoch.",
    )


def _weight_decay() -> None:
    st.select_slider(
        "Weight decay",
        _with(DECAYS, draft.get("weight_decay")),
        **draft.kept("weight_decay"),
        format_func=lambda decay: f"{decay:g}",
        help="The share of the head's weights that each step takes off, times the learning rate: what is not needed "
        "again and again fades. The base's weights are never decayed.",
    )


def _epochs(name: str) -> None:
    st.number_input("Epochs", 1, 1000, **draft.kept(name), help="Passes over all training pictures.")


def _rate(name: str) -> None:
    st.select_slider(
        "Learning rate",
        _with(RATES, draft.get(name)),
        **draft.kept(name),
        format_func=lambda rate: f"{rate:g}",
        help="How far one step goes. Too small learns slowly, too large does not settle. It falls to zero along a "
        "cosine over all epochs.",
    )


def _patience(switch: str, name: str) -> None:
    st.toggle(
        "Early stopping",
        **draft.kept(switch),
        help="Ends the training when the validation loss has not fallen for so many epochs.",
    )
    if draft.get(switch):
        st.number_input("Epochs without progress", 1, 1000, **draft.kept(name))


def _image_size(name: str, base: str) -> None:
    row = bases.base(base)
    st.number_input(
        "Picture size (px)",
        row.min_size,
        MAX_IMAGE_SIZE,
        step=16,
        **draft.kept(draft.of_base(name)),
        help=f"Pictures are stretched to a square of this side. {row.name} was made for {row.image_size} px; smaller "
        "is quicker and shows less.",
    )


def _with(options: tuple[float, ...], value: float) -> list[float]:
    """The usual options and the present one, which an experiment from the command line may have chosen freely."""
    return sorted({*options, value})
