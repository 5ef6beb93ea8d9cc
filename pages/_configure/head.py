"""Configure: the head, the part of the network that is new."""

import streamlit as st

from core.display import diagram
from core.plan.arm import MAX_HIDDEN, MAX_UNITS, Arm, Pooling
from pages._configure import draft

IDEA_OF_HEAD = (
    "The base ends in a stack of small maps, one for each thing it looks for (a **channel**). **Pooling** makes one "
    "number of each map; **hidden layers** mix these numbers; the **output layer** gives a probability for each class."
)


def choose(chosen: Arm, n_classes: int) -> None:
    """Pooling, hidden layers, dropout; the output layer follows from the classes."""
    st.subheader("Head", anchor=False, help=IDEA_OF_HEAD)
    steps = diagram.describe_head(chosen.head, n_classes)
    st.markdown(f":gray[The part that is new, from the base to your classes: {steps}]")
    with st.expander("Advanced: pooling, normalisation, hidden layers, dropout", key="head_choices", type="compact"):
        st.segmented_control(
            "Pooling",
            list(Pooling),
            **draft.kept("pooling"),
            required=True,
            format_func=str.capitalize,
            help="Average and maximum make one number of each channel. Flatten keeps every place of every channel: "
            "it knows where something is, and needs many more parameters.",
        )
        st.toggle(
            "Normalise the pooled features",
            **draft.kept("normalizes"),
            help="Scales the numbers of each picture to the same overall size, so that a learning rate means the same "
            "on every base.",
        )
        st.segmented_control(
            "Hidden layers",
            list(range(MAX_HIDDEN + 1)),
            **draft.kept("n_hidden"),
            required=True,
            help="Layers between pooling and output. One helps where there are many pictures.",
        )
        if draft.get("n_hidden"):
            for number, column in enumerate(st.columns(MAX_HIDDEN)[: draft.get("n_hidden")]):
                column.number_input(f"Units of layer {number + 1}", 1, MAX_UNITS, **draft.kept(f"units_{number}"))
        st.slider(
            "Dropout",
            0,
            99,
            **draft.kept("dropout"),
            format="%d %%",
            help="The share of the head's inputs that is left out at random in each training step, so that the head "
            "does not lean on a few of them.",
        )
