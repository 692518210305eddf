"""What a channel may raise, named by what happens next.

ChannelError
├── Refused            the provider will never take this: go to the next step
│   └── OptedOut       ... and the address is suppressed
├── Unavailable        certainly not sent: try again later, no try is spent
├── Uncertain          may have been sent: wait for a callback, then look it up; never repeat blindly
├── Misconfigured      our fault: the channel stops and a person is told
└── Unknown            a word of the provider that no table knows: the notification is held, loudly
Forged                 a callback that its provider did not sign
"""

from datetime import timedelta


class ChannelError(Exception):
    """A send that did not end in a receipt. `code` is the provider's own word, for the delivery log."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Refused(ChannelError):
    """The provider will never take this address or message."""


class OptedOut(Refused):
    """The customer has asked the provider not to be contacted."""


class Unavailable(ChannelError):
    """Certainly not sent. `after` is how long the provider asks us to wait, when it says so; `about_one`: the provider
    works, and only does not take this one now."""

    def __init__(
        self, message: str, *, code: str = "", after: timedelta | None = None, about_one: bool = False
    ) -> None:
        super().__init__(message, code=code)
        self.after = after
        self.about_one = about_one


class Uncertain(ChannelError):
    """May have been sent: the request left and no answer that can be read came back."""


class Misconfigured(ChannelError):
    """Our credentials, sender or URLs are wrong: nothing will work until a person mends them."""


class Unknown(ChannelError):
    """The provider said something that no table knows."""


class Forged(Exception):
    """A callback that its provider did not sign."""
