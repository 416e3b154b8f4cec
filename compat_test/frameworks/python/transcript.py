"""What the Python programs share: the server they are told to use, lines of a transcript, waiting."""
import os
import signal
import subprocess
import sys
import time

HOST, PORT = os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])
URL = os.environ["REDIS_URL"]


def say(what, *outcome):
    print(what + ":", *outcome, flush=True)


def raised(call, *args, **kwargs):
    """The exception that a call ends with, as its class and text; or what it returned."""
    try:
        return f"returned {call(*args, **kwargs)!r}"
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def near(ttl, given):
    """The time to live that a key was given, for one of which no more than 30 seconds can have passed since."""
    return given if 0 <= given - ttl <= 30 else ttl


def until(condition, what, seconds=100):
    """Waits until condition() is true and returns what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        got = condition()
        if got:
            return got
        time.sleep(0.02)
    sys.exit(f"gave up waiting until {what}")


class Child:
    """A process of ours with its own group, which is gone when the block ends."""

    def __init__(self, *argv):
        # What ends a program that takes too long must end its children too: with an exception, the block ends.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
        self.process = subprocess.Popen(argv, stdout=sys.stderr, start_new_session=True)

    def __enter__(self):
        return self

    def kill(self):
        """Ends it and its children without a chance to clean up."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def stop(self, with_signal=signal.SIGTERM, seconds=100):
        """Asks it to end, and returns its exit status."""
        self.process.send_signal(with_signal)
        return self.process.wait(seconds)

    def __exit__(self, *_):
        self.kill()


def kill_the_server():
    """Has the server killed with SIGKILL and started again, and returns when it answers."""
    with open(os.environ["REDIS_ASK"], "w") as ask:
        ask.write("kill\n")
    with open(os.environ["REDIS_ANSWER"]) as answer:
        answer.readline()


def again(call, *args, seconds=100, **kwargs):
    """What a call gives once no lost connection is in its way, and no server that is loading its data."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call(*args, **kwargs)
        except Exception as e:
            if not any(x in f"{type(e).__name__}: {e}" for x in ("onnect", "TimeoutError", "BusyLoadingError")) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
