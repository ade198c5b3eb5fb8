from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand

from scaiflow.kit.storage import S3Objects


class Command(BaseCommand):
    help = "Make the bucket of SCAIFLOW_STORAGE_URL, where it is a bucket and is not there yet."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        storage: Any = default_storage
        if not isinstance(getattr(storage, "_wrapped", storage), S3Objects):
            self.stdout.write("objects are files; there is nothing to prepare")
            return
        client = storage.connection.meta.client
        try:
            client.head_bucket(Bucket=storage.bucket_name)
            self.stdout.write(f"the bucket {storage.bucket_name} is there")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            client.create_bucket(Bucket=storage.bucket_name)
            self.stdout.write(f"made the bucket {storage.bucket_name}")
