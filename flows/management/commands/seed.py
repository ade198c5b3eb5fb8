"""The demo tenant: its people with their roles, and the example flows in the author's hands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from flows.models import Flow
from flows.operations.flows import create_flow
from scaiflow.kit import json
from scaiflow.kit.rights import MANAGE
from tenants.operations.people import remember_person
from tenants.principals import Principal
from tenants.roles import AdminRole

TENANT = "tnt_demo"
PEOPLE = [
    ("usr_ada", "ada@demo.test", "Ada Author", None),
    ("usr_vera", "vera@demo.test", "Vera Viewer", None),
    ("usr_tara", "tara@demo.test", "Tara Tenant", AdminRole.TENANT_ADMIN),
    ("usr_sam", "sam@demo.test", "Sam Super", AdminRole.SUPER_ADMIN),
]
AUTHOR = Principal(sub="usr_ada", tenant_id=TENANT, permissions=frozenset({MANAGE}))


class Command(BaseCommand):
    help = "Put the sandbox's people and the example flows into the demo tenant. What is there already stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        for user_id, email, name, role in PEOPLE:
            remember_person(user_id=user_id, tenant_id=TENANT, email=email, display_name=name, admin_role=role)
        for path in sorted((settings.BASE_DIR / "docs" / "examples").glob("*.flow.json")):
            self._seed_flow(path)

    def _seed_flow(self, path: Path) -> None:
        content = json.loads(path.read_bytes())
        name = content["name"]
        if Flow.objects.filter(tenant_id=TENANT, name=name).exists():
            return
        description = content.get("metadata", {}).get("description", "")
        create_flow(by=AUTHOR, name=name, description=description, content=content)
        self.stdout.write(f"seeded {name}")
