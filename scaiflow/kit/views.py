"""The base of every API view: rights as data, and methods that are not in the table do not exist."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed, ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from scaiflow.kit.errors import Unprocessable
from scaiflow.kit.shapes import problems_of

Inputs = TypeVar("Inputs", bound=serializers.Serializer)


class ApiView(APIView):
    """`permissions` says which methods there are and what each needs. A method without an entry is 405, also when a
    handler for it exists: nothing is open by default."""

    permissions: ClassVar[dict[str, str]]

    @property
    def allowed_methods(self) -> list[str]:
        """For the Allow header, which DRF would fill from the handlers."""
        return sorted(self.permissions)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method not in self.permissions:
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)


class PublicView(ApiView):
    """A view for callers without a token. `methods` stands where other views have their table of rights."""

    authentication_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    permission_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    methods: ClassVar[set[str]] = {"GET"}

    @property
    def permissions(self) -> dict[str, str]:  # type: ignore[override]
        return dict.fromkeys(self.methods, "public")


def read_body(serializer: type[Inputs], request: Request, **options: Any) -> dict[str, Any]:
    """The validated body. Raises DRF's ValidationError, which the one mapping tells as 422."""
    form = serializer(data=request.data, **options)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def read_query(serializer: type[Inputs], request: Request) -> dict[str, Any]:
    """The validated query string. Raises Unprocessable with `loc` beginning at "query"."""
    form = serializer(data=request.query_params)
    try:
        form.is_valid(raise_exception=True)
    except ValidationError as error:
        raise Unprocessable(problems_of(error.detail, root="query")) from None
    return dict(form.validated_data)
