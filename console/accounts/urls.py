"""/console/account/: allauth's addresses under their own names, and ours before them."""

from django.urls import include, path

from console import first_run
from console.accounts import invitations, social, views

urlpatterns = [
    path("", views.overview, name="account"),
    path("login/", views.SignIn.as_view(), name="account_login"),
    path("password/reset/", views.ResetPassword.as_view(), name="account_reset_password"),
    path("first-run/", first_run.page, name="first_run"),
    path("invitation/", invitations.page, name="invitation_page"),
    path("invitation/accept/", invitations.accept, name="invitation_accept"),
    path("invitation/<str:token>/", invitations.take, name="invitation"),
    path("sign-in-as/end/", views.end_acting, name="end_acting"),
    path("sign-in-as/<int:member_id>/", views.sign_in_as, name="sign_in_as"),
    path("oidc/<str:provider_id>/login/", social.oidc, name="openid_connect_login"),
    path(
        "oidc/<str:provider_id>/login/callback/", social.oidc_back, name="openid_connect_callback"
    ),
    path("github/login/callback/", social.github_back, name="github_callback"),
    path("github/login/", social.github, name="github_login"),
    path("", include("allauth.urls")),
]
