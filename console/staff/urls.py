from django.urls import path

from console.members import invitations, management_keys
from console.staff import views

urlpatterns = [
    path("", views.page, name="site-staff"),
    path("add/", views.add, name="add-staff"),
    path("<int:staff_id>/change/", views.change, name="change-staff"),
    path("<int:staff_id>/remove/", views.remove, name="remove-staff"),
    path("password-link/", views.password_link, name="password-link"),
    path("second-factors/", views.remove_factors, name="remove-factors"),
    path("invitations/", invitations.page, name="site-invitations"),
    path("invitations/new/", invitations.make, name="site-new-invitation"),
    path("invitations/<int:invitation_id>/withdraw/", invitations.withdraw,
         name="site-withdraw-invitation"),
    path("management-keys/", management_keys.page, name="site-management-keys"),
    path("management-keys/new/", management_keys.make, name="site-new-management-key"),
    path("management-keys/<int:key_id>/rotate/", management_keys.rotate,
         name="site-rotate-management-key"),
    path("management-keys/<int:key_id>/disable/", management_keys.disable,
         name="site-disable-management-key"),
    path("management-keys/<int:key_id>/enable/", management_keys.enable,
         name="site-enable-management-key"),
]  # fmt: skip
