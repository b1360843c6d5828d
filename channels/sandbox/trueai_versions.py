"""What changed between the versions of trueai-org/midjourney-proxy, as far as a caller sees it.

Found in its history: tags v9.5.0 and v10.0.4, and the commits of v11.0.0 and v11.6.2.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    # /submit/change, /submit/simple-change and GET /task/queue went away with v10.0.
    has_changes: bool
    # Until v11.6.1 a banned word is refused at submit with code 24; later the task fails.
    bans_at_submit: bool
    # Until v10 an unknown customId is passed on as ACTION; from v11.0.0 on it is refused.
    knows_all_custom_ids: bool
    shown_as: str


NEWEST = "11.10"
VERSIONS = {
    "9.5": Version(
        has_changes=True, bans_at_submit=True, knows_all_custom_ids=True, shown_as="v9.5.0"
    ),
    "11.0": Version(
        has_changes=False, bans_at_submit=True, knows_all_custom_ids=False, shown_as="v11.0.0"
    ),
    NEWEST: Version(
        has_changes=False, bans_at_submit=False, knows_all_custom_ids=False, shown_as="v11.10.3"
    ),
}
