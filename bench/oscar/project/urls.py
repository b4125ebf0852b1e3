"""Oscar's own URLs, and a list of all products that needs no index of a search engine."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.urls import include, path
from django.views.generic import ListView
from oscar.core.loading import get_model


class Catalogue(ListView):
    """Oscar's page of all products, read from the database instead of a search engine."""

    queryset = get_model("catalogue", "Product").objects.browsable().base_queryset().order_by("id")
    paginate_by = 20
    template_name = "oscar/catalogue/browse.html"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return what the template shows."""
        context = super().get_context_data(**given)
        products = [{"object": product} for product in context["object_list"]]
        return {**context, "summary": "All products", "products": products}


urlpatterns = [
    path("catalogue/", Catalogue.as_view()),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
