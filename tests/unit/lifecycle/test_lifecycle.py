"""The lifecycle's vocabulary."""

import pytest

from relais.lifecycle import LIVE, TERMINAL, TRANSITIONS, WAITING, State, Transition

# The whole matrix, written out a second time on purpose: a new arrow must be meant.
ALLOWED = {
    "accept": set(),
    "announce": {"pending"},
    "claim": {"pending", "queued"},
    "complete": {"processing"},
    "fail": {"processing"},
    "retry_later": {"processing"},
    "hand_back": {"processing"},
    "expire": {"processing"},
    "expire_spent": {"processing"},
    "unlock": {"processing"},
    "cancel": {"pending", "queued", "processing"},
    "retry": {"failed", "cancelled"},
}


@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda transition: transition.name)
@pytest.mark.parametrize("state", State)
def test_every_state_allows_exactly_the_arrows_of_the_design(transition: Transition, state: State):
    """A job may take an arrow from the states that the design names, and from no other."""
    assert transition.allows(state) == (state.value in ALLOWED[transition.name])


def test_completed_is_final():
    """No arrow leaves `completed`: an answer that was given stays given."""
    assert not any(transition.allows(State.COMPLETED) for transition in TRANSITIONS)


def test_states_are_waiting_processing_or_terminal():
    """The three groups cover all states without overlap."""
    assert set(State) == WAITING | {State.PROCESSING} | TERMINAL
    assert not WAITING & TERMINAL
    assert set(State) - TERMINAL == LIVE


def test_only_arrows_out_of_processing_are_fenced():
    """What a worker writes needs its attempt; what a person or the publisher does needs none."""
    assert {transition.name for transition in TRANSITIONS if transition.fenced} == {
        "complete", "fail", "retry_later", "hand_back", "expire", "expire_spent",
    }  # fmt: skip
