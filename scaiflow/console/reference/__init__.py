"""The API's own reference: the OpenAPI document, its examples, and the page on which people read it. The document is made
from the tables on the views of every app (scaiflow/kit/openapi.py), so it stands here, where every app is seen."""
