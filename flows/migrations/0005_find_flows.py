"""Tags, a text to search through, and an index from which a count need not go to the rows."""

import unicodedata

import django.db.models.deletion
from django.db import migrations, models


def fill_search_text(apps, schema_editor):
    flow_model = apps.get_model("flows", "Flow")
    rows = flow_model.objects.using(schema_editor.connection.alias)
    batch = []
    for flow in rows.only("id", "name", "description").iterator(chunk_size=1000):
        text = unicodedata.normalize("NFC", f"{flow.name}\n{flow.description}").casefold()
        flow.search_folded = unicodedata.normalize("NFC", text)
        batch.append(flow)
        if len(batch) == 1000:
            rows.bulk_update(batch, ["search_folded"])
            batch = []
    rows.bulk_update(batch, ["search_folded"])


class Migration(migrations.Migration):
    dependencies = [("flows", "0004_cores_and_test_runs")]

    operations = [
        migrations.CreateModel(
            name="FlowTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tag", models.CharField(max_length=50)),
                (
                    "flow",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tag_rows",
                        to="flows.flow",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tag", "flow"], name="flows_of_tag")],
                "constraints": [models.UniqueConstraint(fields=("flow", "tag"), name="flow_tag_once")],
            },
        ),
        migrations.AddField("flow", "search_folded", models.TextField(blank=True, default="")),
        migrations.AddField("flow", "tags", models.JSONField(blank=True, default=list)),
        migrations.RunPython(fill_search_text, migrations.RunPython.noop),
        migrations.RemoveIndex("flow", "flow_newest"),
        migrations.AddIndex(
            "flow",
            models.Index(
                fields=["tenant_id", "-updated_at", "-id", "owner_id"],
                name="flow_newest",
                condition=models.Q(("deleted_at", None)),
            ),
        ),
        migrations.AddIndex(
            "flow",
            models.Index(
                fields=["-updated_at", "-id"], name="flow_newest_of_all", condition=models.Q(("deleted_at", None))
            ),
        ),
    ]
