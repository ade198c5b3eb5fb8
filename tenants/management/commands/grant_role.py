from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models.functions import Lower

from scaiflow.kit.errors import Conflict
from tenants.models import User
from tenants.operations.admin_roles import bootstrap_role
from tenants.roles import AdminRole


class Command(BaseCommand):
    help = "Give an admin role to somebody in the mirror: the way to the first super admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--role", choices=AdminRole.values, required=True)
        parser.add_argument("--tenant", help="where several tenants have somebody with this address")

    def handle(self, *args: Any, **options: Any) -> None:
        # (`iexact` would mind capitals on a MariaDB that tells ids apart.)
        people = User.objects.living().alias(folded=Lower("email"))
        found = people.filter(folded=options["email"].lower())
        if options["tenant"]:
            found = found.filter(tenant_id=options["tenant"])
        several = list(found[:2])
        if not several:
            raise CommandError("nobody in the mirror has this address; run sync_scaikey first")
        if len(several) > 1:
            raise CommandError("more than one person has this address; say which with --tenant")
        try:
            bootstrap_role(user=several[0], role=AdminRole(options["role"]))
        except Conflict as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{several[0].id} of {several[0].tenant_id} is {options['role']} now")
