from django.urls import path

from bench.naive.views import Imagine

urlpatterns = [path("mj/submit/imagine", Imagine.as_view())]
