"""Configure: random changes to training pictures, shown on one of the user's own."""

from pathlib import Path

import numpy as np
import streamlit as st

from core.data.dataset import Dataset
from core.data.pictures import augment, picture
from core.data.pictures.augmentation import Augmentation
from core.errors import DamagedError
from core.plan.arm import MAX_VIEWS, Arm
from pages._configure import draft
from pages._shared.thumbnails import DAMAGED

VIEWS = 4
PREVIEW_SIDE = 96  # px
PICTURE_STEP = 37  # so that the next picture is of another class, mostly
IDEA_OF_AUGMENTATION = (
    "A bird seen from the left is a bird from the right, too. Showing each picture a little changed stops a network "
    "from learning pictures by heart (**overfitting**). Validation and test pictures are never changed."
)


IDEA_OF_VIEWS = (
    "What a frozen network says of a picture never changes, so it is computed once and kept. Changed pictures have to "
    "be chosen beforehand, too: so many views of each, the first one unchanged; each epoch draws one of them. More "
    "views cost more time before the first epoch. Where blocks of the base are not frozen, those see the same views; "
    "a network from scratch sees new changes in each epoch."
)


def choose(chosen: Arm, of: Dataset, *, n_train: int) -> None:
    """Random changes to training pictures, shown on one of the user's own; `n_train` of them will be trained on."""
    st.subheader("Augmentation", anchor=False, help=IDEA_OF_AUGMENTATION)
    st.markdown(f":gray[{_sentence(chosen.augmentation)}{_about_views(chosen, n_train)}]")
    _preview(of, chosen.augmentation)
    with st.expander("Advanced: flip, rotation, zoom, brightness", key="augmentation_choices", type="compact"):
        st.toggle("Flip left and right", **draft.kept("flip"))
        st.slider("Rotation, up to", 0, 180, **draft.kept("rotation"), format="%d°")
        st.slider("Zoom, up to", 0, 90, **draft.kept("zoom"), format="%d %%")
        st.slider("Brightness, up to", 0, 90, **draft.kept("brightness"), format="%d %%")
        st.selectbox(
            "Views of each picture for the frozen part",
            range(MAX_VIEWS + 1),
            **draft.kept("views"),
            format_func=lambda views: str(views) if views else "automatic: 4, or 1 on many pictures",
            help=IDEA_OF_VIEWS,
        )


def _about_views(chosen: Arm, n_train: int) -> str:
    if not chosen.augmentation.is_on or chosen.frozen_blocks == 0:
        return ""
    views = chosen.n_views(n_train)
    if views > 1:
        return f" The frozen part sees {views} views of each, computed once; each epoch draws one of them."
    return (
        " The frozen part sees each picture once, as it is: on so many pictures views would cost more than they bring."
    )


def _sentence(augmentation: Augmentation) -> str:
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
    try:
        views = _views(str(previewed(of)), augmentation.model_dump_json())
    except (DamagedError, FileNotFoundError):
        st.markdown(f":gray[This picture cannot be shown: {DAMAGED}.]")
        views = []
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
    if not chosen.is_on:
        return [original]
    return [original, *(augment.view(original, chosen, seed=seed) for seed in range(1, VIEWS + 1))]


def previewed(of: Dataset) -> Path:
    """One of the user's pictures, another one after each press of the button."""
    number = PICTURE_STEP * st.session_state.get("draft_picture", 0)
    return of.path(of.pictures["picture"].iloc[number % len(of.pictures)])


def _next_picture() -> None:
    st.session_state["draft_picture"] = st.session_state.get("draft_picture", 0) + 1
