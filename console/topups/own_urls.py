"""How a tenant adds money."""

from django.urls import path

from console.topups import own, thresholds

urlpatterns = [
    path("", own.page, name="top-up"),
    path("code/", own.redeem, name="redeem-code"),
    path("order/", own.order, name="order-top-up"),
    path("thresholds/", thresholds.change, name="thresholds"),
    path("<int:order_id>/", own.one, name="top-up-order"),
]
