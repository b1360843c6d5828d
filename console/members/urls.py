from django.urls import path

from console.members import invitations, management_keys, views

urlpatterns = [
    path("", views.page, name="members"),
    path("add/", views.add, name="add-member"),
    path("leave/", views.leave, name="leave-tenant"),
    path("<int:member_id>/role/", views.change_role, name="change-member"),
    path("<int:member_id>/remove/", views.remove, name="remove-member"),
    path("invitations/", invitations.page, name="invitations"),
    path("invitations/new/", invitations.make, name="new-invitation"),
    path("invitations/<int:invitation_id>/withdraw/", invitations.withdraw,
         name="withdraw-invitation"),
    path("management-keys/", management_keys.page, name="management-keys"),
    path("management-keys/new/", management_keys.make, name="new-management-key"),
    path("management-keys/<int:key_id>/rotate/", management_keys.rotate,
         name="rotate-management-key"),
    path("management-keys/<int:key_id>/disable/", management_keys.disable,
         name="disable-management-key"),
    path("management-keys/<int:key_id>/enable/", management_keys.enable,
         name="enable-management-key"),
]  # fmt: skip
