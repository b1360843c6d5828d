"""Price books, for the site's staff."""

from django.urls import path

from console.prices import deeds, files, grid_views, looks, views

urlpatterns = [
    path("", views.page, name="prices"),
    path("new/", views.make, name="new-book"),
    path("look-up/", looks.look_up, name="price-look-up"),
    path("<int:book_id>/", grid_views.one, name="book"),
    path("<int:book_id>/differences/", looks.diff, name="book-diff"),
    path("<int:book_id>/preview/", looks.preview, name="book-preview"),
    path("<int:book_id>/files/", files.page, name="book-files"),
    path("<int:book_id>/content.json", files.content, name="book-content"),
    path("<int:book_id>/new-api/<str:name>.json", files.new_api, name="book-new-api"),
    path("<int:book_id>/note/", deeds.describe, name="describe-book"),
    path("<int:book_id>/publish/", deeds.publish, name="publish-book"),
    path("<int:book_id>/withdraw/", deeds.withdraw, name="withdraw-book"),
    path("<int:book_id>/roll-back/", deeds.roll_back, name="roll-back-book"),
    path("<int:book_id>/delete/", deeds.discard, name="discard-book"),
]
