from django.urls import path

from console.entries import views, wallet

urlpatterns = [
    path("", views.page, name="entries"),
    path("top-up/", wallet.top_up, name="book-top-up"),
    path("correct/", wallet.adjust, name="adjust-wallet"),
    path("credit-limit/", wallet.credit, name="credit-limit"),
    path("refill-test-money/", wallet.refill, name="refill-test-wallet"),
]
