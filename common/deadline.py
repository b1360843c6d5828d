"""A limit on the whole of a call. HTTP libraries only limit each read, so that a peer who sends a
byte now and then could hold us for ever."""

import gevent


def deadline(seconds: float) -> gevent.Timeout:
    """A context that raises TimeoutError inside after `seconds`.

    It is gevent that does so, in web and workers; a plain process (a command, a test) has only
    the limits on each read.
    """
    return gevent.Timeout(seconds, TimeoutError(f"it took longer than {seconds:g} s"))
