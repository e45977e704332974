"""How worker and sweeper agree on who is dead: the numbers behind the silence."""

BLINK_S = 2.0
"""A blink of the network between a worker and the database that is no longer than this costs no attempt."""

RECONNECT_EVERY_S = 0.25
"""The pause between two attempts of the heartbeat to connect again."""

_MARGIN_S = 0.25  # for the connection, the beat itself, and a thread that is scheduled late


def silence_s(beat_s: float) -> float:
    """Seconds without a heartbeat after which a worker whose lock is free is dead.

    A blink is: the connections are reset at t, new ones are refused until t + `BLINK_S`. In the worst case the last
    beat came a whole `beat_s` before t. The next attempt to connect comes at most `RECONNECT_EVERY_S` after the end of
    the blink and has `_MARGIN_S` until its beat is committed. The sum is the longest silence of a living worker:

        silence = beat_s + BLINK_S + RECONNECT_EVERY_S + _MARGIN_S     (3 s with the default beat of 0.5 s)

    A killed worker beat last at the moment of its death, in the worst case; the sweeper looks every `sweep_s` (1 s):

        claimed again after at most silence + sweep_s + two rounds of the sweeper + the claim     (4 s and a little)

    The jobs that go back are announced at once, not with the sweeper's next announcements.

    Packets that are lost instead of refused cost nothing for longer: the server doesn't notice for 10 s, and until then
    the lock is held.
    """
    return beat_s + BLINK_S + RECONNECT_EVERY_S + _MARGIN_S
