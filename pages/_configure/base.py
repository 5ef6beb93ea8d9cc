"""Configure: the base and how much of it stays frozen."""

import streamlit as st

from core.disk import owner
from core.disk.status import State, read_status
from core.plan import bases, weights
from core.plan.arm import Arm
from core.plan.bases import Base
from core.queue import jobs, presence
from core.words.numbers import count
from pages._configure import draft
from pages._shared import notices, ownership

POLL_SECONDS = 0.5
IDEA_OF_BASES = (
    "Networks that look at pictures learn the same first things whatever they are for: edges, colours, textures, "
    "parts. A **pretrained base** has learned them from 1.3 million photographs (ImageNet). **Transfer learning** "
    "keeps it and learns only what is new, so a few dozen pictures are often enough."
)
IDEA_OF_FREEZING = (
    "A **frozen** block keeps what it knows: its numbers do not change. The first blocks see edges and colours, which "
    "serve any picture; the last ones see what ImageNet was about. Training the last blocks too (**fine-tuning**) can "
    "help when your pictures look unlike photographs of everyday things, and needs more of them."
)


def choose(chosen: Arm) -> None:
    """The cards, and a fetch of weights that are not here yet."""
    st.subheader("Base", anchor=False, help=IDEA_OF_BASES)
    st.markdown(":gray[A network that has already learned to see. You keep its eyes and teach it your classes.]")
    with st.container(key="bases"):
        st.radio(
            "Base",
            list(bases.BASES),
            **draft.kept("base"),
            format_func=lambda name: f"**{name}** · {bases.BASES[name].year}",
            captions=[_caption(row) for row in bases.BASES.values()],
            label_visibility="collapsed",
            on_change=draft.remember_base,
            width="stretch",
        )
    row = bases.base(chosen.base)
    if not weights.is_on_host(row):
        _fetch(row)


def _caption(row: Base) -> str:
    path = weights.find(row)
    size_bytes = path.stat().st_size if path else row.weights.size_bytes
    place = ":material/check_circle: on this host" if path else ":material/download: to fetch"
    return f"{row.sentence}  \n{row.parameters / 1e6:.1f}\xa0M parameters, {size_bytes / 1e6:.0f}\xa0MB · {place}"


def _fetch(row: Base) -> None:
    status = read_status(weights.directory(row.name))
    is_running = status is not None and not status.state.is_final
    st.fragment(_fetching, run_every=POLL_SECONDS if is_running else None)(row, is_running)


@notices.errors()
def _fetching(row: Base, was_running: bool) -> None:
    """Progress and stop of a download, or the button that starts it."""
    directory = weights.directory(row.name)
    status = read_status(directory)
    is_running = status is not None and not status.state.is_final
    if is_running != was_running:
        st.rerun()
    if status and is_running:
        presence.ensure_consumer()  # one that was killed is replaced
        total = status.total or row.weights.size_bytes
        said = f"Fetching the weights of {row.name}: {status.done / 1e6:.0f} of {total / 1e6:.0f}\xa0MB"
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.progress(min(status.done / total, 1.0), text=said)
            asker = owner.of_request(directory)
            is_mine = not asker or ownership.is_mine(asker)
            if is_mine and st.button("Stop", key="fetch_stop", icon=":material/stop_circle:"):
                jobs.stop_weights(row.name, ownership.workspace())
        if not is_mine:
            ownership.explain(asker)
        return
    has_failed = status is not None and status.state is State.FAILED
    if status and has_failed:
        st.error(notices.plain(status.message), icon=":material/error:")
    else:
        said = f"The weights of {row.name} are not on this host yet. They are fetched when the training starts, or now."
        st.markdown(f":gray[{said}]")
    size = f"{row.weights.size_bytes / 1e6:.0f}\xa0MB"
    if st.button(f"{'Try again' if has_failed else 'Fetch now'} ({size})", key="fetch", icon=":material/download:"):
        with notices.errors():
            jobs.submit_weights(row.name, ownership.workspace())
            st.rerun()


def freeze(chosen: Arm) -> None:
    """The slider over the base's blocks."""
    n_blocks = len(bases.base(chosen.base).blocks)
    st.subheader("Frozen blocks", anchor=False, help=IDEA_OF_FREEZING)
    st.markdown(f":gray[{_sentence(chosen, n_blocks)}]")
    st.select_slider(
        "Frozen blocks",
        range(n_blocks, -1, -1),
        **draft.kept(draft.of_base("frozen_blocks")),
        format_func=lambda frozen: f"{frozen} of {n_blocks} frozen",
        label_visibility="collapsed",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", key="slider_ends"):
        st.caption("All frozen", width="content")
        st.caption("All trained", width="content")


def _sentence(chosen: Arm, n_blocks: int) -> str:
    if chosen.is_all_frozen:
        return f"All {n_blocks} blocks stay as they are and only the head learns: quick, and right for few pictures."
    trained = n_blocks - chosen.frozen_blocks
    which = "all blocks" if trained == n_blocks else f"the last {trained} blocks" if trained > 1 else "the last block"
    phases = chosen.phases
    if len(phases) == 1:
        return f"A single epoch trains the head alone. Choose two or more, so that {which} learn as well."
    first, second = (count(epochs, "epoch") for epochs in phases)
    two = f"Two phases: for {first} the head learns alone, then for {second} {which} with it, "
    batch_norm = (
        " The base's BatchNorm layers are never trained: few pictures would spoil the averages they keep."
        if any(block.batch_norm_parameters for block in bases.base(chosen.base).blocks)
        else ""
    )
    return f"{two}at a tenth of the learning rate.{batch_norm}"
