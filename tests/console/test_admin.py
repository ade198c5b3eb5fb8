"""Django's admin, through real sessions: what tenant admins and super admins see there, what they can do, and that nothing
else can be seen or done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import models
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone

from flows.models import Deployment, DocumentUpdate, Flow, FlowACL, FlowDocument, Job
from flows.operations.jobs import wait_for
from scaiflow.kit.acts import MOST as MOST_CHOSEN
from scaiflow.kit.csp import POLICY
from scaiflow.kit.models import AuditEntry, Lease
from tenants.models import Group, Membership, Secret, User
from tests.conftest import SignIn
from tests.console.test_signin import Browser
from tests.loopback import Service, Told
from tests.scaikey import ScaiKey
from tests.tenants.directory import Directory, person
from tests.test_tenants_apart import Tenant, full_tenant
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db
OURS = ("tenants", "flows", "catalog", "webhooks", "kit", "lookups")
SUPER_ONLY = {"kit.lease"}
CANARY = "canary-that-no-page-shows"
Enter = Callable[..., Browser]


@pytest.fixture
def tenants(sign_in: SignIn, scaigrid: Service) -> dict[str, Tenant]:
    found = {name: full_tenant(sign_in, name) for name in ("red", "blue")}
    Lease.objects.create(name="tests", holder=CANARY, held_until=timezone.now())
    Job.objects.update(sealed_token=CANARY)
    Secret.objects.update(sealed=CANARY)
    for name in ("red", "blue"):
        path = f"tenants/tnt_{name}/scaigrid_api_key"
        Secret.objects.create(path=path, sealed=CANARY, key_id="key-1")
        flow = Flow.objects.filter(tenant_id=f"tnt_{name}").order_by("id")[0]
        FlowDocument.objects.create(flow=flow, state=CANARY.encode())
        DocumentUpdate.objects.create(flow=flow, change=CANARY.encode())
    return found


@pytest.fixture
def enter(scaikey: ScaiKey, db: None) -> Enter:
    """`enter("tenant_admin", "tnt_red")`: a browser with that person's session."""

    def make(role: str | None, tenant: str = "tnt_red", scope: str = "scaicore:view scaicore:manage") -> Browser:
        sub = f"usr_{tenant.removeprefix('tnt_')}_{role}"
        given = {"admin_role": role, "admin_role_source": "manual" if role else None}
        User.objects.update_or_create(id=sub, defaults={"tenant_id": tenant, "email": f"{sub}@demo.test", **given})
        browser = Browser(scaikey)
        browser.scope = scope
        browser.come_back(browser.leave(), sub=sub, tenant_id=tenant)
        assert browser.person == sub
        return browser

    return make


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in OURS]


def name_of(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def listed(model: type[models.Model]) -> str:
    return reverse(f"admin:{name_of(model)}_changelist")


def change(model: type[models.Model], key: Any, page: str = "change") -> str:
    return reverse(f"admin:{name_of(model)}_{page}", args=[quote(str(key))])


def plain_pages(patterns: list[Any] | None = None, prefix: str = "") -> list[str]:
    """Every page that no id is needed for."""
    found = []
    for pattern in admin.site.urls[0] if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            found += plain_pages(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern) and "<" not in str(pattern.pattern) and "?" not in str(pattern.pattern):
            found.append(f"/admin/{prefix}{pattern.pattern}")
    return found


def rows_by_tenant(model: type[models.Model]) -> dict[str, list[Any]]:
    """The keys of the rows of each tenant, by what the rows themselves say."""
    found: dict[str, list[Any]] = {}
    for row in model._default_manager.all():
        owner = row
        for step in ("flow", "package"):
            owner = owner if hasattr(owner, "tenant_id") else getattr(owner, step, owner)
        found.setdefault(getattr(owner, "tenant_id", ""), []).append(row.pk)
    return found


def told_of(browser: Browser, page: str) -> str:
    answer = browser.get(page)
    assert answer.status_code == 200, page
    return str(answer.content.decode())


def refusals(sub: str) -> int:
    return AuditEntry.objects.filter(actor_id=sub, result="refused").count()


def test_every_model_has_its_page() -> None:
    assert {model._meta.label for model in our_models()} == {
        model._meta.label for model in admin.site._registry if model._meta.app_label in OURS
    }
    assert {model._meta.label for model in admin.site._registry} == {model._meta.label for model in our_models()}


def test_a_stranger_is_led_to_scaikey_and_who_has_no_role_is_refused(scaikey: ScaiKey, enter: Enter) -> None:
    stranger, colleague = Browser(scaikey), enter(None)
    pages = plain_pages()
    assert len(pages) > 40
    for page in pages:
        led = stranger.get(page)
        assert led.status_code in {302, 405}, page
        assert led.status_code == 405 or urlsplit(led["Location"]).path in {"/admin/login/", "/login"}, page
        assert colleague.get(page).status_code in {403, 405} or page == "/admin/login/", page
    assert refusals("usr_red_None") >= len(pages) - 4


def test_there_is_no_form_for_a_password(enter: Enter) -> None:
    browser = enter("super_admin")
    assert browser.get("/admin/password_change/").status_code == 404
    assert "password" not in told_of(browser, "/admin/")


@pytest.mark.parametrize("change", [{"admin_role": None, "admin_role_source": None}, {"status": "SUSPENDED"}])
def test_who_loses_the_role_loses_the_pages_at_once(enter: Enter, change: dict[str, Any]) -> None:
    browser = enter("tenant_admin")
    assert browser.get("/admin/").status_code == 200
    User.objects.filter(id="usr_red_tenant_admin").update(**change)
    assert browser.get("/admin/").status_code == 302


@pytest.mark.parametrize(("inside", "outside"), [("red", "blue"), ("blue", "red")])
def test_a_tenant_admin_sees_every_row_of_theirs_and_none_of_others(
    tenants: dict[str, Tenant], enter: Enter, inside: str, outside: str
) -> None:
    browser, theirs = enter("tenant_admin", f"tnt_{inside}"), tenants[outside]
    sub, refused, tried = f"usr_{inside}_tenant_admin", 0, 0
    for model in our_models():
        if model._meta.label_lower in SUPER_ONLY:
            assert browser.get(listed(model)).status_code == 403
            continue
        rows = rows_by_tenant(model)
        for query in ("", theirs.mark, theirs.id, theirs.ids["flow_id"], theirs.ids["user_id"]):
            told = told_of(browser, listed(model) + (f"?q={query}" if query else ""))
            told = told.replace(f"q={query}", "").replace(f'value="{query}"', "")  # what was asked for may be repeated
            assert theirs.mark not in told, f"{model} {query}"
            assert not re.search(rf"(usr|grp|evt|core|tnt|package)[-_]{outside}", told), f"{model} {query}"
        refused = refusals(sub)
        for key in rows[theirs.id]:
            for page in ("change", "history"):
                assert browser.get(change(model, key, page)).status_code == 404, page
                tried += 1
        assert refusals(sub) == refused + 2 * len(rows[theirs.id])
        for key in rows[f"tnt_{inside}"]:
            assert theirs.mark not in told_of(browser, change(model, key))
            assert browser.get(change(model, key, "history")).status_code == 302
    assert tried > 30


def test_a_super_admin_sees_the_rows_of_all(tenants: dict[str, Tenant], enter: Enter) -> None:
    browser = enter("super_admin", "tnt_platform")
    for model in our_models():
        for keys in rows_by_tenant(model).values():
            assert browser.get(change(model, keys[0])).status_code == 200
    told = told_of(browser, listed(Flow))
    assert tenants["red"].ids["flow_id"] in told
    assert tenants["blue"].ids["flow_id"] in told


@pytest.mark.parametrize("role", ["tenant_admin", "super_admin"])
def test_nothing_is_added_changed_or_deleted_by_a_form(tenants: dict[str, Tenant], enter: Enter, role: str) -> None:
    browser = enter(role)
    token = csrf(browser, "/admin/")
    for model in our_models():
        keys = rows_by_tenant(model).get("tnt_red") or rows_by_tenant(model)[""]
        before = list(model._default_manager.order_by("pk").values())
        if model is not AuditEntry:  # that one grows with what is refused here
            for page in (change(model, keys[0]), change(model, keys[0], "delete"), listed(model) + "add/"):
                assert browser.post(page, {**token, "post": "yes", "tenant_id": "tnt_blue"}).status_code == 403, page
            assert (
                list(model._default_manager.order_by("pk").values()) == before or model._meta.label == "kit.AuditChain"
            )
        if role == "super_admin" or model._meta.label_lower not in SUPER_ONLY:
            assert 'name="_save"' not in told_of(browser, change(model, keys[0]))
            assert "delete_selected" not in told_of(browser, listed(model))


def test_the_log_is_the_history_of_an_object(tenants: dict[str, Tenant], enter: Enter) -> None:
    browser, flow = enter("tenant_admin"), tenants["red"].ids["flow_id"]
    led = browser.get(change(Flow, flow, "history"))["Location"]
    assert led == f"/admin/kit/auditentry/?object_type=flow&object_id={flow}"
    told = told_of(browser, led)
    assert "flow.created" in told
    assert tenants["red"].ids["deleted"] not in told


def test_finding_by_typing_finds_ones_own_alone(tenants: dict[str, Tenant], enter: Enter) -> None:
    """The road that autocomplete takes, for every foreign key that there is."""
    browser, tried = enter("tenant_admin"), 0
    for model in our_models():
        for field in model._meta.fields:
            if isinstance(field, models.ForeignKey):
                names = {
                    "app_label": model._meta.app_label,
                    "model_name": model._meta.model_name,
                    "field_name": field.name,
                }
                for term in ("", "blue", tenants["blue"].mark, tenants["blue"].ids["flow_id"]):
                    told = browser.get("/admin/autocomplete/", {**names, "term": term}).content.decode()
                    assert "blue" not in told
                    tried += 1
    assert tried > 20


def test_no_page_shows_a_secret(tenants: dict[str, Tenant], enter: Enter) -> None:
    browser = enter("super_admin")
    for page in pages_with_rows(limit=3):
        assert CANARY not in told_of(browser, page), page


@pytest.mark.parametrize(("model", "field"), [(Job, "sealed_token"), (Secret, "sealed"), (Lease, "holder")])
def test_no_secret_is_guessed_letter_by_letter(
    tenants: dict[str, Tenant], enter: Enter, model: type[models.Model], field: str
) -> None:
    browser = enter("super_admin")
    for lookup in ("", "__startswith", "__regex", "__isnull"):
        assert browser.get(f"{listed(model)}?{field}{lookup}=canary").status_code == 400
    assert browser.get(f"{listed(model)}?q={CANARY}").content.count(b'name="_selected_action"') == 0


def pages_with_rows(limit: int = 1) -> Iterator[str]:
    """Every list, and the page of some rows of each."""
    yield "/admin/"
    for app in {model._meta.app_label for model in our_models()}:
        yield f"/admin/{app}/"
    for model in our_models():
        yield listed(model)
        for key in model._default_manager.values_list("pk", flat=True)[:limit]:
            yield change(model, key)
    yield "/admin/tenants/user/sync/"
    yield "/admin/tenants/secret/rotate/"


INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=|javascript:|<(?:img|link|script)[^>]*https?://"
)


def test_every_page_is_clean_under_a_strict_policy(tenants: dict[str, Tenant], enter: Enter) -> None:
    browser = enter("super_admin")
    for page in pages_with_rows():
        answer = browser.get(page)
        assert answer["Content-Security-Policy"] == POLICY, page
        assert INLINE.findall(answer.content.decode()) == [], page
        assert answer["X-Frame-Options"] == "DENY"
    asked = ask(browser, Flow, "restore", [tenants["red"].ids["deleted"]])
    assert INLINE.findall(asked.content.decode()) == []
    assert asked["Content-Security-Policy"] == POLICY


@pytest.mark.parametrize("twin", ["tnt_RED", "tnt_redder", "tnt.red", "tnt_re_"])
def test_a_tenant_whose_id_looks_alike_is_another(tenants: dict[str, Tenant], enter: Enter, twin: str) -> None:
    """SQLite's LIKE takes capitals for small letters."""
    path = f"tenants/{twin}/scaigrid_base_url"
    Secret.objects.create(path=path, sealed=CANARY, key_id="key-1")
    browser = enter("tenant_admin", "tnt_red")
    told = told_of(browser, listed(Secret))
    assert "tenants/tnt_red/scaigrid_api_key" in told
    assert path not in told
    assert browser.get(change(Secret, path)).status_code == 404


def shown_in(model: type[models.Model], answer: Any) -> set[Any]:
    return {row.pk for row in answer.context["cl"].result_list}


def narrowings(model: type[models.Model], browser: Browser) -> list[str]:
    """What the list offers by itself: each choice of each filter, and of the hierarchy of its dates."""
    page = admin.site._registry[model]
    first = browser.get(listed(model))
    found = [
        choice["query_string"]
        for spec in first.context["cl"].filter_specs
        for choice in spec.choices(first.context["cl"])
    ]
    if page.date_hierarchy:
        year, field = timezone.now().year, page.date_hierarchy
        found += [f"?{field}__year={year}", f"?{field}__year={year - 9}", f"?{field}__year={year}&{field}__month=1"]
    return [query for query in found if query != "?"]


@pytest.mark.slow
@pytest.mark.everywhere
def test_every_filter_and_every_date_narrows_its_list_inside_the_tenant(
    tenants: dict[str, Tenant], enter: Enter
) -> None:
    browser, tried, narrowed = enter("tenant_admin"), 0, set()
    for model in (one for one in our_models() if one._meta.label_lower not in SUPER_ONLY):
        every = set(rows_by_tenant(model)["tnt_red"])
        queries = narrowings(model, browser)
        assert queries or not (admin.site._registry[model].list_filter or admin.site._registry[model].date_hierarchy)
        for query in queries:
            answer = browser.get(listed(model) + query)
            assert answer.status_code == 200, f"{model} {query}"
            shown = shown_in(model, answer)
            assert shown <= every or model is AuditEntry, f"{model} {query}"  # that one grows meanwhile
            narrowed |= {(model, query.partition("=")[0])} if shown < every else set()
            tried += 1
    assert tried > 60
    assert len(narrowed) > 20


def test_the_filters_find_what_they_say(tenants: dict[str, Tenant], enter: Enter) -> None:
    browser, red, year = enter("tenant_admin"), tenants["red"], timezone.now().year
    rows = Delivery.objects.filter(tenant_id=red.id)
    rows.update(handled=False)
    assert shown_in(Delivery, browser.get(f"{listed(Delivery)}?handled__exact=1")) == set()
    assert shown_in(Delivery, browser.get(f"{listed(Delivery)}?handled__exact=0")) == set(
        rows.values_list("pk", flat=True)
    )
    deleted = shown_in(Flow, browser.get(f"{listed(Flow)}?deleted_at__isempty=0"))
    assert deleted == set(Flow.objects.filter(tenant_id=red.id, deleted_at__isnull=False).values_list("pk", flat=True))
    assert red.ids["deleted"] in deleted
    Flow.objects.filter(id=red.ids["deleted"]).update(updated_at=timezone.now().replace(year=year - 3, month=2, day=3))
    days = "&updated_at__month=2&updated_at__day=3"
    assert shown_in(Flow, browser.get(f"{listed(Flow)}?updated_at__year={year - 3}{days}")) == {red.ids["deleted"]}
    assert red.ids["deleted"] not in shown_in(Flow, browser.get(f"{listed(Flow)}?updated_at__year={year}"))
    told = shown_in(AuditEntry, browser.get(f"{listed(AuditEntry)}?action_is=flow.deleted&result_is=done"))
    assert told == set(AuditEntry.objects.filter(tenant_id=red.id, action="flow.deleted").values_list("pk", flat=True))
    assert told


# --- many rows ---------------------------------------------------------------------------------------------------------

MANY = 1_200
MOST_QUERIES = 12


def many_rows() -> None:
    """Of everything, in one tenant. (Versions, tags and the rest hang on flows; each flow has one of each.)"""
    at, red = timezone.now(), {"tenant_id": "tnt_red"}
    User.objects.bulk_create(
        User(id=f"usr_{n}", status="ACTIVE", email=f"{n}@demo.test", last_synced_at=at, **red) for n in range(MANY)
    )
    Group.objects.bulk_create(Group(id=f"grp_{n}", name=f"Group {n}", last_synced_at=at, **red) for n in range(MANY))
    Membership.objects.bulk_create(
        Membership(group_id=f"grp_{n}", user_id=f"usr_{n}", source_at=at, **red) for n in range(MANY)
    )
    Flow.objects.bulk_create(
        Flow(id=f"flow_{n}", owner_id="usr_1", name=f"Flow {n}", version="1.0.0", **red) for n in range(MANY)
    )
    for model in our_models():
        if model._default_manager.count() < MANY:
            model._default_manager.bulk_create(copies(model))


def copies(model: type[models.Model]) -> Iterator[models.Model]:
    """Of one row, each with values of its own where values must differ."""
    (row,) = model._default_manager.order_by("pk").values()[:1]
    unique = {
        name
        for names in (c.fields for c in model._meta.constraints if isinstance(c, models.UniqueConstraint))
        for name in names
    }
    unique |= {field.attname for field in model._meta.fields if field.unique}
    for number in range(MANY):
        fresh = dict(row)
        for field in model._meta.fields:
            if isinstance(field, models.ForeignKey) and field.related_model is Flow:
                fresh[field.attname] = f"flow_{number}"
            elif (
                field.attname in unique
                and isinstance(field, models.CharField | models.TextField)
                and field.name not in {"tenant_id", "principal_type"}
            ):
                fresh[field.attname] = None if field.null else f"{str(row[field.attname])[:20]}-{number}"
            elif isinstance(field, models.AutoField):
                fresh.pop(field.attname)
            elif field.attname in unique and isinstance(field, models.IntegerField):
                fresh[field.attname] = 1_000 + number
        if model._meta.label == "kit.AuditChain":
            fresh["tenant_id"] = f"tnt_{number}"
        yield model(**fresh)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["tenant_admin", "super_admin"])
def test_pages_cost_the_same_however_many_rows_there_are(
    tenants: dict[str, Tenant], enter: Enter, role: str, django_assert_max_num_queries: Any
) -> None:
    many_rows()
    browser = enter(role)
    for page in pages_with_rows():
        if role == "tenant_admin" and ("/lease/" in page or page.endswith("/sync/")):
            continue
        for query in ("", "?q=flow_7", "?p=3") if page.endswith("/") and page.count("/") == 4 else ("",):
            with django_assert_max_num_queries(MOST_QUERIES):
                told = browser.get(page + query)
            assert told.status_code in {200, 302, 404}, page
            assert told.content.count(b"<option") < 60, f"{page}: a select as long as a table"
            assert len(told.content) < 400_000, page


@pytest.mark.slow
def test_asking_before_an_act_costs_the_same_however_many_rows_were_chosen(
    tenants: dict[str, Tenant], enter: Enter, django_assert_max_num_queries: Any
) -> None:
    many_rows()
    browser, tried = enter("super_admin"), 0
    for model, page in admin.site._registry.items():
        keys = list(model._default_manager.values_list("pk", flat=True)[:MOST_CHOSEN])
        for act in page.actions or ():
            form = {
                **csrf(browser, listed(model)),
                "action": act.__name__,
                "_selected_action": [str(key) for key in keys],
            }
            with django_assert_max_num_queries(MOST_QUERIES):
                asked = browser.post(listed(model), form)
            assert asked.content.count(b'name="_selected_action"') == len(keys) == MOST_CHOSEN, act.__name__
            tried += 1
    assert tried == len(WRITTEN_DOWN)


# --- acts --------------------------------------------------------------------------------------------------------------


def csrf(browser: Browser, page: str) -> dict[str, str]:
    told = browser.get(page).content.decode()
    return {"csrfmiddlewaretoken": told.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]}


def ask(browser: Browser, model: type[models.Model], name: str, keys: list[Any], **more: str) -> Any:
    form = {**csrf(browser, listed(model)), "action": name, "_selected_action": [str(key) for key in keys], **more}
    return browser.post(listed(model), form)


def do(browser: Browser, model: type[models.Model], name: str, keys: list[Any]) -> str:
    """What the page says after it."""
    answer = ask(browser, model, name, keys, confirmed="yes")
    assert answer.status_code == 302
    return " ".join(
        re.findall(r'<li class="(?:success|error)">(.*?)</li>', browser.get(answer["Location"]).content.decode())
    )


def done(action: str) -> list[tuple[str, str]]:
    found = AuditEntry.objects.filter(action=action, result="done").order_by("tenant_id", "sequence")
    return list(found.values_list("actor_id", "object_id"))


def someone(tenant: str = "tnt_red") -> User:
    return User.objects.create(id=f"usr_someone_of_{tenant}", tenant_id=tenant, email="someone@demo.test")


def test_an_act_asks_first_and_then_does_it(tenants: dict[str, Tenant], enter: Enter) -> None:
    browser, user = enter("tenant_admin"), someone()
    asked = ask(browser, User, "make_tenant_admin", [user.id])
    assert asked.status_code == 200
    assert "everything of their tenant" in asked.content.decode()
    assert user.id in asked.content.decode()
    assert not done("role.granted")
    assert "is tenant_admin now" in do(browser, User, "make_tenant_admin", [user.id])
    assert done("role.granted") == [("usr_red_tenant_admin", user.id)]
    assert "has no admin role now" in do(browser, User, "take_role", [user.id])
    assert done("role.revoked") == [("usr_red_tenant_admin", user.id)]


def test_an_act_without_our_form_is_refused(tenants: dict[str, Tenant], enter: Enter) -> None:
    browser, user = enter("tenant_admin"), someone()
    form = {"action": "make_tenant_admin", "_selected_action": [user.id], "confirmed": "yes"}
    assert browser.post(listed(User), form).status_code == 403
    assert not done("role.granted")


def test_super_admins_are_made_by_super_admins_alone(tenants: dict[str, Tenant], enter: Enter) -> None:
    browser, root, user = enter("tenant_admin"), enter("super_admin"), someone()
    assert "make_super_admin" not in told_of(browser, listed(User))
    ask(browser, User, "make_super_admin", [user.id], confirmed="yes")
    assert not done("role.granted")
    assert "role &#x27;super_admin&#x27; is missing" in do(browser, User, "take_role", ["usr_red_super_admin"])
    assert refusals("usr_red_tenant_admin") == 1
    assert "is super_admin now" in do(root, User, "make_super_admin", [user.id])


def test_the_last_super_admin_stays_one(tenants: dict[str, Tenant], enter: Enter) -> None:
    assert "this is the last super_admin" in do(enter("super_admin"), User, "take_role", ["usr_red_super_admin"])
    assert not done("role.revoked")


ACTS: dict[str, tuple[Any, Callable[[Tenant], Any]]] = {
    "make_tenant_admin": (User, lambda t: t.author),
    "take_role": (User, lambda t: t.author),
    "restore": (Flow, lambda t: t.ids["deleted"]),
    "revoke": (FlowACL, lambda t: t.ids["acl_id"]),
    "redeploy": (Deployment, lambda t: t.ids["deployment_id"]),
    "forget": (Secret, lambda t: f"tenants/{t.id}/scaigrid_api_key"),
}


WRITTEN_DOWN = {
    "make_tenant_admin": "role.granted", "make_super_admin": "role.granted", "take_role": "role.revoked",
    "restore": "flow.restored", "revoke": "acl.revoked", "redeploy": "job.started", "forget": "credential.deleted",
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN_DOWN)
def test_every_act_asks_first_and_is_written_down(tenants: dict[str, Tenant], enter: Enter, name: str) -> None:
    browser, red = enter("super_admin"), tenants["red"]
    if name == "take_role":
        User.objects.filter(id=red.author).update(admin_role="tenant_admin", admin_role_source="manual")
    Job.objects.update(state="succeeded")  # else a new deploy waits for its turn
    model, key = ACTS.get(name, ACTS["make_tenant_admin"])
    before, known = rows_of_state(), done(WRITTEN_DOWN[name])
    asked = ask(browser, model, name, [key(red)])
    assert asked.status_code == 200
    assert "Yes: " in asked.content.decode()
    assert "No, take me back" in asked.content.decode()
    assert rows_of_state() == before
    assert done(WRITTEN_DOWN[name]) == known
    do(browser, model, name, [key(red)])
    assert rows_of_state() != before
    (entry,) = [one for one in done(WRITTEN_DOWN[name]) if one not in known]
    assert entry[0] == "usr_red_super_admin"


@pytest.mark.parametrize("name", ACTS)
def test_an_act_on_another_tenants_row_does_nothing_and_is_written_down(
    tenants: dict[str, Tenant], enter: Enter, name: str
) -> None:
    model, key = ACTS[name]
    browser, before = enter("tenant_admin", "tnt_red"), rows_of_state()
    ask(browser, model, name, [key(tenants["blue"])], confirmed="yes")
    assert rows_of_state() == before
    assert refusals("usr_red_tenant_admin") == 1


@pytest.mark.parametrize("name", ["restore", "revoke", "redeploy"])
def test_the_role_does_not_stand_in_for_a_permission(tenants: dict[str, Tenant], enter: Enter, name: str) -> None:
    """Nor is it needed to look: who may not change flows at the API may not do it here."""
    model, key = ACTS[name]
    browser, before = enter("tenant_admin", scope="scaicore:view"), rows_of_state()
    assert "scaicore:manage&#x27; is missing" in do(browser, model, name, [key(tenants["red"])])
    assert rows_of_state() == before
    assert refusals("usr_red_tenant_admin") == 1


def test_a_session_that_scaikey_no_longer_vouches_for_is_led_to_sign_in(enter: Enter, scaikey: ScaiKey) -> None:
    browser = enter("tenant_admin")
    browser.tokens["expires_in"] = 0
    browser.come_back(browser.leave(), sub="usr_red_tenant_admin", tenant_id="tnt_red")
    scaikey.on("POST", "/token", Told(400, {"error": "invalid_grant"}))
    assert urlsplit(browser.get("/admin/")["Location"]).path in {"/admin/login/", "/login"}
    scaikey.on("POST", "/token", Told(500, {}))
    assert browser.get("/admin/").status_code == 502


def rows_of_state() -> list[Any]:
    return [list(m.objects.order_by("pk").values()) for m in (User, Flow, FlowACL, Job, Secret, Deployment)]


def test_every_act_is_in_the_table() -> None:
    """So that each is tried on another tenant's rows; those for super admins have no other tenant."""
    offered = {
        run.__name__ for page in admin.site._registry.values() for run in page.actions or () if not run.super_only
    }
    assert offered == set(ACTS)
    every = {run.__name__ for page in admin.site._registry.values() for run in page.actions or ()}
    assert every == set(WRITTEN_DOWN)


def test_a_deleted_flow_is_restored(tenants: dict[str, Tenant], enter: Enter) -> None:
    browser, flow = enter("tenant_admin"), tenants["red"].ids["deleted"]
    assert "is back" in do(browser, Flow, "restore", [flow])
    assert Flow.objects.get(id=flow).deleted_at is None
    assert done("flow.restored") == [("usr_red_tenant_admin", flow)]
    do(browser, Flow, "restore", [flow])  # what lives already stays as it is
    assert len(done("flow.restored")) == 1


def test_access_is_revoked(tenants: dict[str, Tenant], enter: Enter) -> None:
    entry, flow = tenants["red"].ids["acl_id"], tenants["red"].ids["flow_id"]
    assert "revoked" in do(enter("tenant_admin"), FlowACL, "revoke", [entry])
    assert not FlowACL.objects.filter(id=entry).exists()
    assert done("acl.revoked") == [("usr_red_tenant_admin", flow)]


@pytest.mark.django_db(transaction=True)
def test_an_earlier_deployment_goes_up_again_as_a_job(tenants: dict[str, Tenant], enter: Enter) -> None:
    before = set(Job.objects.values_list("id", flat=True))
    Job.objects.update(state="succeeded")  # else the new one waits for its turn
    told = do(enter("tenant_admin"), Deployment, "redeploy", [tenants["red"].ids["deployment_id"]])
    assert "is on its way" in told
    job = Job.objects.exclude(id__in=before).get()
    assert wait_for(job=job, seconds=60).is_over
    assert (job.requested_by, job.arguments["version"]) == ("usr_red_tenant_admin", "1.0.0")
    assert job.arguments["publish_as_model"] is True
    assert done("job.started") == [("usr_red_tenant_admin", tenants["red"].ids["flow_id"])]


def test_a_sync_is_asked_for_by_super_admins(enter: Enter, scaikey: ScaiKey) -> None:
    root, browser = enter("super_admin"), enter("tenant_admin")
    directory = Directory(scaikey)
    directory.people["tnt_demo"] = [person("usr_ada")]
    page = "/admin/tenants/user/sync/"
    assert page in told_of(root, listed(User))
    assert page not in told_of(browser, listed(User))
    assert browser.get(page).status_code == browser.post(page, csrf(browser, "/admin/")).status_code == 403
    form = csrf(root, page)
    directory.serve()
    led = root.post(page, form)["Location"]
    assert "users_added: 1" in told_of(root, led)
    assert done("mirror.synced") == [("usr_red_super_admin", "tnt_demo")]
    scaikey.on("POST", "/token", *[])
    scaikey.on("GET", "/api/v1/admin/tenants", *[])
    assert "Sync with ScaiKey now" in told_of(root, root.post(page, form)["Location"])


class TestCredentials:
    PAGE = "/admin/tenants/secret/rotate/"
    KEY = "sgk_canary_of_a_form"

    def send(self, browser: Browser, **more: str) -> Any:
        return browser.post(self.PAGE, {**csrf(browser, self.PAGE), "api_key": self.KEY, **more})

    def test_a_new_key_takes_the_place_of_the_old(self, enter: Enter) -> None:
        browser = enter("tenant_admin")
        told = told_of(browser, self.send(browser)["Location"])
        assert "tnt_red uses the new key" in told
        assert self.KEY not in told
        (row,) = Secret.objects.values()
        assert self.KEY not in str(row)
        assert done("credential.set") == [("usr_red_tenant_admin", "tnt_red")]

    @pytest.mark.parametrize(
        "typed", [{"api_key": "nonsense-canary"}, {"base_url": "https://evil.example"}, {"tenant_id": "tnt_blue"}]
    )
    def test_what_is_refused_is_told_and_never_shown_again(self, enter: Enter, typed: dict[str, str]) -> None:
        browser = enter("tenant_admin")
        answer = self.send(browser, **typed)
        told = answer.content.decode() if answer.status_code == 200 else told_of(browser, answer["Location"])
        assert "errorlist" in told or "error" in told
        assert self.KEY not in told
        assert "nonsense-canary" not in told
        assert not Secret.objects.exists()
        assert refusals("usr_red_tenant_admin") == ("tenant_id" in typed)

    def test_a_super_admin_rotates_any_tenants(self, enter: Enter) -> None:
        browser = enter("super_admin", "tnt_platform")
        self.send(browser, tenant_id="tnt_blue")
        assert Secret.objects.get().path == "tenants/tnt_blue/scaigrid_api_key"
        assert "has no ScaiGrid key" in do(browser, Secret, "forget", ["tenants/tnt_blue/scaigrid_api_key"])
        assert not Secret.objects.exists()
        assert done("credential.deleted") == [("usr_platform_super_admin", "tnt_blue")]
