"""What can go wrong with Stripe, as few kinds as the shop answers differently. The shopper's sentence comes from the
class; details go to the log."""

from storefront.language import later

# The same sentences where no cart is at stake, as the page of an order says them: one for each class.
WITHOUT_CART = (
    later("Payment is unavailable at the moment. Nothing was charged."),
    later(
        "Payment is unavailable at the moment, through a mistake of ours that we now know of. Nothing was charged."
    ),
    later(
        "Payment is unavailable for this order, through a mistake of ours that we now know of. Nothing was charged."
    ),
    later(
        "Payment is unavailable for a few seconds, since very many people are paying. "
        "Nothing was charged. Please try again."
    ),
    later(
        "Payment is unavailable at the moment, since our payment service cannot be reached. "
        "Nothing was charged. Please try again in a minute."
    ),
    later(
        "Payment is unavailable at the moment, since our payment service has a problem of its own. "
        "Nothing was charged. Please try again."
    ),
    later(
        "Payment is unavailable at the moment: the payment page did not open in time. "
        "Nothing was charged. Please try again."
    ),
    later(
        "Payment is unavailable this way: it was declined. Nothing was charged. "
        "Please try again, or pay in another way."
    ),
)


class PaymentProblem(Exception):
    """Base of all. `sentence` is what the shopper reads; it always says that payment is unavailable, that nothing was
    charged and that the cart is kept, and then what may help."""

    sentence = later("Payment is unavailable at the moment. Nothing was charged, and your cart is kept.")


class Misconfigured(PaymentProblem):
    """Stripe refused our key, or its answer does not fit what we asked for."""

    sentence = later(
        "Payment is unavailable at the moment, through a mistake of ours that we now know of. "
        "Nothing was charged, and your cart is kept."
    )


class InvalidRequest(PaymentProblem):
    """Stripe refused what we sent. `code` is Stripe's."""

    sentence = later(
        "Payment is unavailable for this order, through a mistake of ours that we now know of. "
        "Nothing was charged, and your cart is kept."
    )

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class NotThere(InvalidRequest):
    """Stripe does not know that object."""


class RateLimited(PaymentProblem):
    """Stripe asked us to slow down; nothing was done."""

    sentence = later(
        "Payment is unavailable for a few seconds, since very many people are paying. "
        "Nothing was charged, and your cart is kept. Please try again."
    )


class Unreachable(PaymentProblem):
    """No answer at all: the connection could not be made, so nothing was done, or the circuit is open."""

    sentence = later(
        "Payment is unavailable at the moment, since our payment service cannot be reached. "
        "Nothing was charged, and your cart is kept. Please try again in a minute."
    )


class StoredFailure(PaymentProblem):
    """A 5xx. Stripe may have stored it under the idempotency key, or an earlier request may still run under that."""

    sentence = later(
        "Payment is unavailable at the moment, since our payment service has a problem of its own. "
        "Nothing was charged, and your cart is kept. Please try again."
    )


class ReplayedFailure(StoredFailure):
    """A 5xx that Stripe did store under the key, by its Idempotent-Replayed: the request is over, and every repeat of
    the key gets this same answer for a day."""


class UnknownOutcome(PaymentProblem):
    """A timeout, a reset, a broken body: Stripe may have done what we asked."""

    sentence = later(
        "Payment is unavailable at the moment: the payment page did not open in time. "
        "Nothing was charged, and your cart is kept. Please try again."
    )


class StillUnderWay(UnknownOutcome):
    """Stripe is carrying out the same request for somebody else: the idempotency key is in use."""


class Declined(PaymentProblem):
    """The payment itself was refused."""

    sentence = later(
        "Payment is unavailable this way: it was declined. Nothing was charged, and your cart is kept. "
        "Please try again, or pay in another way."
    )
