"""What makes two orders of one cart the same: whatever the shopper changes after Back is in the next one."""

import pytest

from storefront.orders.models import CANCELLED, PENDING
from tests.faults.house import House

CHANGES = {
    "note": "Please ring twice.",
    "name": "Anna L.",
    "email": "anna@example.net",
    "tel": "+1 503 555 0100",
    "postal_code": "97202",
}


@pytest.mark.parametrize("field", CHANGES)
async def test_what_is_changed_after_back_is_a_new_order(house: House, field: str) -> None:
    first = await house.buy(await house.thing(delivered=True))
    again = await house.placed(first.shopper, await first.shopper.order())
    assert (again.order, again.session) == (first.order, first.session), "nothing was changed"
    changed = await house.placed(first.shopper, await first.shopper.order(**{field: CHANGES[field]}))
    assert changed.order != first.order
    order = await house.order(changed.order)
    assert CHANGES[field] in (getattr(order, field, ""), *(order.address or {}).values())
    assert [await house.state(one.order) for one in (first, changed)] == [CANCELLED, PENDING]
    assert (await house.stripe.session(first.session))["status"] == "expired"
    await house.check()
