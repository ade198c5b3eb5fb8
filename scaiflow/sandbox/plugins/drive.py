"""`scaidrive`: the seeded corpus and what flows wrote, searched by the overlap of words."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from scaiflow.sandbox.corpus import DOCUMENTS
from scaiflow.sandbox.plugins.call import Call
from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.runtime.standin.words import sentences_of, stems_of

_SNIPPET = 400


def _files(call: Call) -> dict[str, tuple[str, str]]:
    """Title and text by path; what the tenant wrote hides the seeded file of that path."""
    files = {path: (title, text) for path, title, text in DOCUMENTS}
    for row in call.sandbox.store.find("drive_file", tenant=call.tenant_id):
        files[row.body["path"]] = (row.body["path"].rsplit("/", 1)[-1], row.body["content"])
    return files


def search(call: Call) -> dict[str, Any]:
    """The documents that share words with `query`, the rarer the shared words the higher; scores are 0..1."""
    folder, wanted = str(call.args.get("folder") or ""), set(stems_of(call.text("query")))
    files = {path: file for path, file in _files(call).items() if path.startswith(folder)}
    stems = {path: Counter(stems_of(f"{title} {title} {text}")) for path, (title, text) in files.items()}
    rarity = {word: math.log(1 + len(stems) / (1 + sum(word in held for held in stems.values()))) for word in wanted}
    most = sum(rarity.values()) or 1.0
    scores = {path: sum(rarity[word] for word in wanted & held.keys()) / most for path, held in stems.items()}
    best = sorted((path for path in files if scores[path] > 0), key=lambda path: (-scores[path], path))
    limit = call.args.get("limit")
    found = best[: limit if type(limit) is int and limit > 0 else 5]
    results = [
        {
            "title": files[path][0],
            "snippet": _snippet(files[path][1], wanted),
            "path": path,
            "score": round(scores[path], 3),
        }
        for path in found
    ]
    return {"results": results, "count": len(results)}


def _snippet(text: str, wanted: set[str]) -> str:
    """The sentences from the first one that speaks of the query on, up to the snippet's length."""
    sentences = sentences_of(text)
    first = next((at for at, sentence in enumerate(sentences) if wanted & set(stems_of(sentence))), 0)
    return " ".join(sentences[first:])[:_SNIPPET]


def read_file(call: Call) -> dict[str, Any]:
    path = call.text("path")
    file = _files(call).get(path)
    if file is None:
        raise StepFailed(f"scaidrive.read_file: no file at {path}")
    return {"path": path, "content": file[1]}


def write_file(call: Call) -> dict[str, Any]:
    path, content = call.text("path"), call.text("content")
    body, size = {"path": path, "content": content}, len(content.encode())
    call.sandbox.store.put("drive_file", f"{call.tenant_id}/{path}", body, tenant=call.tenant_id)
    return {"path": path, "bytes": size}


def list_files(call: Call) -> dict[str, Any]:
    folder = str(call.args.get("folder") or "")
    return {"files": sorted(path for path in _files(call) if path.startswith(folder))}
