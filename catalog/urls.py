"""Every door of the app. Publishing and installing stand in flows/urls.py, which is asked first."""

from __future__ import annotations

from django.urls import path

from catalog.views.packages import PackageDetail, PackageDownload, PackageRestore, Packages

urlpatterns = [
    path("catalog", Packages.as_view(), name="catalog"),
    path("catalog/<id:package_id>", PackageDetail.as_view(), name="package"),
    path("catalog/<id:package_id>/download", PackageDownload.as_view(), name="package-download"),
    path("catalog/<id:package_id>/restore", PackageRestore.as_view(), name="package-restore"),
]
