"""What the terminal shows once everything runs."""

from pathlib import Path

from relay.up.facts import Facts

PROMPT = "a lighthouse at dawn"
INBOX = "demo"


def text(facts: Facts, *, var: Path) -> str:
    lines = ["", "MJ Relay is running.", "", *_addresses(facts), *_operator(facts)]
    lines += [f"  Logs       {var}/log/", f"  All this   {var}/up.json", ""]
    if facts.get("key"):
        lines += _try(facts)
    return "\n".join([*lines, "Ctrl-C stops everything.", ""])


def _addresses(facts: Facts) -> list[str]:
    lines = [
        f"  API        {facts.get('url')}",
        f"  Console    {facts.get('url')}/console/",
        f"  Sandbox    {facts.get('sandbox_url')}/sandbox/",
    ]
    if facts.get("key"):
        lines.append(f"  Key        {facts.get('key')}  (tenant {facts.get('tenant')})")
    return lines


def _operator(facts: Facts) -> list[str]:
    """Until there is an operator."""
    code = facts.get("operator_code")
    return [f"  Operator   open the console; its one-time code is {code}"] if code else []


def _try(facts: Facts) -> list[str]:
    url, inbox = facts.get("url"), f"{facts.get('sandbox_url')}/sandbox/inbox/{INBOX}"
    body = f'{{"prompt":"{PROMPT}","notifyHook":"{inbox}"}}'
    key = f"-H 'Authorization: Bearer {facts.get('key')}'"
    return [
        "Draw a picture:",
        f"  curl -s {url}/mj/submit/imagine {key} -H 'Content-Type: application/json' -d '{body}'",
        'Follow it, with the "result" of that answer in place of TASK:',
        f"  curl -s {url}/mj/task/TASK/fetch {key}",
        "Read the callbacks it sent:",
        f"  curl -s {inbox}",
        "",
    ]
