"""The ready people, groups, tenants and API keys. Seeded once into an empty store; group edits live in the store."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from scaiflow.sandbox.store import Store

VIEW = ("scaicore:view", "scaiqueue:view", "scaibunker:view")
MANAGE = (*VIEW, "scaicore:manage", "scaiqueue:manage", "scaibunker:manage")
SERVICE = (*MANAGE, "secrets:read", "secrets:write", "secrets:delete", "scaikey:admin")


@dataclass(frozen=True)
class Person:
    """A ready login. `role` is ScaiKey's own claim (`super_admin`, `tenant_admin`) or None."""

    id: str
    tenant_id: str
    email: str
    name: str
    title: str
    scopes: tuple[str, ...]
    role: str | None = None


TENANTS = {"tnt_demo": "Demo Company", "tnt_other": "Other Company"}
TENANT_SLUGS = {"tnt_demo": "demo", "tnt_other": "other"}

PEOPLE = (
    Person("usr_ada", "tnt_demo", "ada@demo.test", "Ada Author", "Author", MANAGE),
    Person("usr_vera", "tnt_demo", "vera@demo.test", "Vera Viewer", "Viewer", VIEW),
    Person("usr_tara", "tnt_demo", "tara@demo.test", "Tara Tenant", "Tenant admin", MANAGE, "tenant_admin"),
    Person("usr_sam", "tnt_demo", "sam@demo.test", "Sam Super", "Super admin", MANAGE, "super_admin"),
    Person("usr_olaf", "tnt_other", "olaf@other.test", "Olaf Author", "Author", MANAGE),
    Person("usr_olga", "tnt_other", "olga@other.test", "Olga Viewer", "Viewer", VIEW),
)

_GROUPS = (
    ("grp_support", "tnt_demo", "Support", ("usr_ada", "usr_vera")),
    ("grp_finance", "tnt_demo", "Finance", ("usr_ada", "usr_tara")),
    ("grp_platform", "tnt_demo", "Platform Admins", ("usr_sam",)),
    ("grp_other", "tnt_other", "Everyone", ("usr_olaf", "usr_olga")),
)

# Fixed, so that they can stand in an .env file; they open nothing but a sandbox.
API_KEYS = {"tnt_demo": "sgk_demo_4f1c9a7e2b6d8053", "tnt_other": "sgk_demo_other_93b0e5d7c1a2"}

APPLICATION_ID = "app_scaiflow"


def seed(store: Store) -> None:
    """Put the ready people and groups into a store that has none."""
    with store.transaction():
        for person in PEOPLE:
            store.add("user", person.id, _user(person), tenant=person.tenant_id)
        for id, tenant_id, name, members in _GROUPS:
            if store.add("group", id, {"id": id, "tenant_id": tenant_id, "name": name}, tenant=tenant_id):
                for member in members:
                    store.add("member", f"{id}/{member}", {"user_id": member}, tenant=tenant_id, ref=id)


def _user(person: Person) -> dict[str, object]:
    first, last = person.name.split(" ", 1)
    return {
        **asdict(person),
        "first_name": first,
        "last_name": last,
        "display_name": person.name,
        "status": "ACTIVE",
    }


def groups_of(store: Store, user_id: str) -> list[str]:
    """Ids of the groups that the user is a member of, in order of joining."""
    return [member.ref for member in store.find("member") if member.body["user_id"] == user_id]
