"""Configure: the head, the training, the changes to training pictures, the opponent. Each says what it is now."""

from pathlib import Path

import numpy as np
import streamlit as st

from core import augment, bases, diagram, picture
from core.dataset import Dataset
from core.experiment import (
    MAX_HIDDEN,
    MAX_IMAGE_SIZE,
    MAX_UNITS,
    NO_AUGMENTATION,
    Arm,
    Augmentation,
    Experiment,
    Optimizer,
    Pooling,
    Training,
)
from pages import _configure_draft as draft

RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
BATCHES = (4, 8, 16, 32, 64, 128, 256)
VIEWS = 4
PREVIEW_SIDE = 96  # px
PICTURE_STEP = 37  # so that the next picture is of another class, mostly
OPTIMIZERS = {Optimizer.ADAM: "Adam", Optimizer.ADAMW: "AdamW", Optimizer.SGD: "SGD"}
IDEA_OF_HEAD = (
    "The base ends in a stack of small maps, one for each thing it looks for (a **channel**). **Pooling** makes one "
    "number of each map; **hidden layers** mix these numbers; the **output layer** gives a probability for each class."
)
IDEA_OF_TRAINING = (
    "An **epoch** is one pass over all training pictures. After each, the network answers the validation pictures, "
    "which it does not learn from; the weights of the epoch with the lowest **validation loss** are kept."
)
IDEA_OF_AUGMENTATION = (
    "A bird seen from the left is a bird from the right, too. Showing each picture a little changed stops a network "
    "from learning pictures by heart (**overfitting**). Validation and test pictures are never changed."
)
IDEA_OF_OPPONENT = (
    "What transfer learning is worth shows only against something. The opponent is the **same network with random "
    "weights**: same head, same split, same augmentation, every block trained. The difference is what ImageNet gave."
)


def choose_head(chosen: Experiment, n_classes: int) -> None:
    """Pooling, hidden layers, dropout; the output layer follows from the classes."""
    st.subheader("Head", anchor=False, help=IDEA_OF_HEAD)
    steps = diagram.describe_head(chosen.head, n_classes)
    st.markdown(f":gray[The part that is new, from the base to your classes: {steps}]")
    with st.expander("Advanced: pooling, hidden layers, dropout", key="head_choices", type="compact"):
        st.segmented_control(
            "Pooling",
            list(Pooling),
            key=draft.key("pooling"),
            required=True,
            format_func=str.capitalize,
            help="Average and maximum make one number of each channel. Flatten keeps every place of every channel: "
            "it knows where something is, and needs many more parameters.",
            persist_state="session",
        )
        st.segmented_control(
            "Hidden layers",
            list(range(MAX_HIDDEN + 1)),
            key=draft.key("n_hidden"),
            required=True,
            help="Layers between pooling and output. None is often best with few pictures.",
            persist_state="session",
        )
        n_hidden = draft.get("n_hidden")
        for number, column in enumerate(st.columns(MAX_HIDDEN)[:n_hidden]):
            column.number_input(
                f"Units of layer {number + 1}", 1, MAX_UNITS, key=draft.key(f"units_{number}"), persist_state="session"
            )
        st.slider(
            "Dropout",
            0,
            90,
            key=draft.key("dropout"),
            format="%d %%",
            help="The share of the head's inputs that is left out at random in each training step, so that the head "
            "does not lean on a few of them.",
            persist_state="session",
        )


def choose_training(chosen: Experiment) -> None:
    """Epochs, batch size, rate, optimizer, early stopping, class weights, picture size, seed."""
    st.subheader("Training", anchor=False, help=IDEA_OF_TRAINING)
    st.markdown(f":gray[{_sentence(chosen.training)}]")
    with st.expander(
        "Advanced: epochs, batch size, learning rate, optimizer, early stopping", key="training_choices", type="compact"
    ):
        left, right = st.columns(2)
        with left:
            _epochs("epochs")
            _rate("learning_rate")
            st.select_slider(
                "Batch size",
                _with(BATCHES, draft.get("batch_size")),
                key=draft.key("batch_size"),
                help="Pictures in one training step. More need more memory.",
                persist_state="session",
            )
        with right:
            _patience("stops_early", "patience")
            st.segmented_control(
                "Optimizer",
                list(Optimizer),
                key=draft.key("optimizer"),
                required=True,
                format_func=OPTIMIZERS.get,
                help="The rule that turns errors into steps. Adam suits most; AdamW also keeps weights small; SGD is "
                "the plain one and wants a larger learning rate.",
                persist_state="session",
            )
            _image_size("image_size", chosen)
        st.toggle(
            "Class weights",
            key=draft.key("class_weights"),
            help="Mistakes on small classes count more, so that large ones do not drown them.",
            persist_state="session",
        )
        st.number_input(
            "Seed",
            0,
            2**31 - 1,
            key=draft.key("seed"),
            help="Starts every random choice of the training: the same seed gives the same beginning.",
            width=160,
            persist_state="session",
        )


def choose_augmentation(chosen: Experiment, of: Dataset) -> None:
    """Random changes to training pictures, shown on one of the user's own."""
    st.subheader("Augmentation", anchor=False, help=IDEA_OF_AUGMENTATION)
    st.markdown(f":gray[{_augmentation_sentence(chosen.augmentation)}]")
    _preview(of, chosen.augmentation)
    with st.expander("Advanced: flip, rotation, zoom, brightness", key="augmentation_choices", type="compact"):
        st.toggle("Flip left and right", key=draft.key("flip"), persist_state="session")
        options = {"persist_state": "session"}
        st.slider("Rotation, up to", 0, 90, key=draft.key("rotation"), format="%d°", **options)
        st.slider("Zoom, up to", 0, 50, key=draft.key("zoom"), format="%d %%", **options)
        st.slider("Brightness, up to", 0, 50, key=draft.key("brightness"), format="%d %%", **options)


def choose_opponent(chosen: Experiment) -> None:
    """The from-scratch arm, or none."""
    st.subheader("Opponent", anchor=False, help=IDEA_OF_OPPONENT)
    if chosen.opponent:
        size = chosen.opponent.image_size
        st.markdown(
            f":gray[The same network from scratch, all weights random, on pictures of {size} × {size} px. "
            f"{_sentence(chosen.training_of(Arm.SCRATCH))}]"
        )
    else:
        st.markdown(":gray[None: there will be one result and nothing to hold it against.]")
    st.toggle("Train from scratch as well", key=draft.key("has_opponent"), persist_state="session")
    if chosen.opponent is None:
        return
    with st.expander(
        "Advanced: epochs, learning rate, early stopping, picture size", key="opponent_choices", type="compact"
    ):
        left, right = st.columns(2)
        with left:
            _epochs("opponent_epochs")
            _rate("opponent_learning_rate")
        with right:
            _patience("opponent_stops_early", "opponent_patience")
            _image_size("opponent_image_size", chosen)


def _sentence(training: Training) -> str:
    rate = f"{training.learning_rate:g}"
    epochs = f"{training.epochs} epoch{'' if training.epochs == 1 else 's'}"
    ends = (
        f"at most {epochs}, fewer when {training.patience} in a row bring no progress" if training.patience else epochs
    )
    return f"{ends[0].upper()}{ends[1:]}; {OPTIMIZERS[training.optimizer]} with a learning rate of {rate}."


def _augmentation_sentence(augmentation: Augmentation) -> str:
    if not augmentation.is_on:
        return "None: every epoch shows the pictures as they are."
    changes = [
        *(["flipped"] if augmentation.flip else []),
        *([f"turned by up to {augmentation.rotation_degrees:g}°"] if augmentation.rotation_degrees else []),
        *([f"zoomed by up to {100 * augmentation.zoom:.0f}\xa0%"] if augmentation.zoom else []),
        *(
            [f"made up to {100 * augmentation.brightness:.0f}\xa0% brighter or darker"]
            if augmentation.brightness
            else []
        ),
    ]
    return f"Training pictures are changed a little at random: {', '.join(changes)}."


def _preview(of: Dataset, augmentation: Augmentation) -> None:
    views = _views(str(previewed(of)), augmentation.model_dump_json())
    with st.container(horizontal=True, key="augmentation_preview"):
        for number, view in enumerate(views):
            caption = f"View {number}" if number else "Original"
            st.image(view, caption=caption, width=PREVIEW_SIDE, alt=caption)
    st.button(
        "Another picture", key="another_picture", type="tertiary", icon=":material/refresh:", on_click=_next_picture
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _views(path: str, augmentation: str) -> list[np.ndarray]:
    """The original and random views, uint8 of twice the shown side for sharp screens."""
    original = picture.load(Path(path), 2 * PREVIEW_SIDE)
    chosen = Augmentation.model_validate_json(augmentation)
    if chosen == NO_AUGMENTATION:
        return [original]
    return [original, *(augment.view(original, chosen, seed=seed) for seed in range(1, VIEWS + 1))]


def previewed(of: Dataset) -> Path:
    """One of the user's pictures, another one after each press of the button."""
    number = PICTURE_STEP * st.session_state.get("draft_picture", 0)
    return of.path(of.pictures["picture"].iloc[number % len(of.pictures)])


def _next_picture() -> None:
    st.session_state["draft_picture"] = st.session_state.get("draft_picture", 0) + 1


def _epochs(name: str) -> None:
    st.number_input(
        "Epochs", 1, 1000, key=draft.key(name), help="Passes over all training pictures.", persist_state="session"
    )


def _rate(name: str) -> None:
    st.select_slider(
        "Learning rate",
        _with(RATES, draft.get(name)),
        key=draft.key(name),
        format_func=lambda rate: f"{rate:g}",
        help="How far one step goes. Too small learns slowly, too large does not settle. It falls to zero along a "
        "cosine over all epochs.",
        persist_state="session",
    )


def _patience(switch: str, name: str) -> None:
    st.toggle(
        "Early stopping",
        key=draft.key(switch),
        help="Ends the training when the validation loss has not fallen for so many epochs.",
        persist_state="session",
    )
    if draft.get(switch):
        st.number_input("Epochs without progress", 1, 1000, key=draft.key(name), persist_state="session")


def _image_size(name: str, chosen: Experiment) -> None:
    row = bases.base(chosen.base)
    st.number_input(
        "Picture size (px)",
        row.min_size,
        MAX_IMAGE_SIZE,
        step=16,
        key=draft.key_of_base(name),
        help=f"Pictures are stretched to a square of this side. {row.name} was made for {row.image_size} px; smaller "
        "is quicker and shows less.",
        persist_state="session",
    )


def _with(options: tuple, value: float) -> list:
    """The usual options and the present one, which an experiment from the command line may have chosen freely."""
    return sorted({*options, value})
