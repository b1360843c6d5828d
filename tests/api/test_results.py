"""Pictures and videos under the site's own links: who may see them, and how they are answered."""

import re
from urllib.parse import urlsplit

import pytest
import requests

from billing.models import Token
from relay.models import Task
from tests.accounts import Account
from tests.picture_host import MP4, WEBM, PictureHost, gives, png
from tests.results import assert_refused, ended, get, succeeded

# -- links -----------------------------------------------------------------------------------------


def test_a_finished_picture_needs_no_key_and_may_be_cached(
    account: Account, host: PictureHost
) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", gives(png())))
    answer = get(task["imageUrl"], headers={"Origin": "https://tenant.example"})
    assert (answer.status_code, answer.content) == (200, png())
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Length"] == str(len(png()))
    assert answer.headers["Cache-Control"] == "public, max-age=86400, immutable"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"]
    assert not {"Set-Cookie", "X-Upstream"} & set(answer.headers)


def test_the_upstream_learns_nothing_about_who_looks(account: Account, host: PictureHost) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", gives(png())))
    get(task["imageUrl"], headers={"Cookie": "a=b", "Referer": "https://tenant.example/"})
    get(task["imageUrl"], headers=account.headers)
    sent = host.headers("/a.png")
    assert sent["User-Agent"] == "mj-relay"
    assert not {"Cookie", "Referer", "Authorization", "X-Forwarded-For"} & set(sent)


def test_one_connection_serves_head_and_get(account: Account, host: PictureHost) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", gives(png())))
    with requests.Session() as session:
        for _ in range(2):
            head = session.head(task["imageUrl"], timeout=20)
            whole = session.get(task["imageUrl"], timeout=20)
            assert (head.status_code, head.content, whole.content) == (200, b"", png())
            varying = {"Date", "X-Request-Id"}
            assert {k: v for k, v in head.headers.items() if k not in varying} == {
                k: v for k, v in whole.headers.items() if k not in varying
            }


def test_head_tells_an_error_too(account: Account, host: PictureHost) -> None:
    task = succeeded(account, image_url=host.serve("/gone.png", gives(b"", status=404)))
    assert requests.head(task["imageUrl"], timeout=20).status_code == 502


@pytest.mark.parametrize("prefix", ["/v1/mj", "/fast/mj", "/mj-relax/mj", "//mj"])
def test_links_work_under_every_prefix(account: Account, host: PictureHost, prefix: str) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", gives(png())))
    assert get(task["imageUrl"].replace("/mj", prefix, 1)).content == png()


def test_a_signature_opens_one_kind_of_one_task(account: Account, host: PictureHost) -> None:
    results = {
        "image_url": host.serve("/a.png", gives(png())),
        "video_url": host.serve("/a.mp4", gives(MP4)),
    }
    mine, other = succeeded(account, **results), succeeded(account, **results)
    picture, video = mine["imageUrl"], mine["videoUrl"]
    signature = {url: urlsplit(url).query.removeprefix("sig=") for url in (picture, video)}
    base = account.stack.url + "/mj"
    for wrong in (
        picture.replace(signature[picture], signature[video]),
        video.replace(signature[video], signature[picture]),
        picture.replace(mine["id"], other["id"]),
        video.replace(mine["id"], other["id"]),
        picture.replace(signature[picture], signature[picture].swapcase()),
        picture[:-1],
        picture + "A",
        f"{base}/image/{mine['id']}",
        f"{base}/image/{mine['id']}?sig=",
        f"{base}/image/{mine['id']}?sig=%ff%ed%a0%80",
        f"{base}/image/{mine['id']}?sig=\u0665\u0666",
        f"{base}/image/abc?sig={signature[picture]}",
    ):
        assert_refused(get(wrong), 403, "wrong_signature")
    assert_refused(get(wrong, headers=account.headers), 403, "wrong_signature")
    assert get(picture).status_code == get(video).status_code == 200


def test_a_picture_without_an_address_is_not_found(account: Account) -> None:
    task = succeeded(account)
    Task.objects.filter(pk=int(task["id"])).update(image_url="x")
    link = account.fetch(task["id"])["imageUrl"]
    Task.objects.filter(pk=int(task["id"])).update(image_url="")
    assert task["imageUrl"] == ""
    assert_refused(get(link), 404, "task_not_found")


def test_only_reading_is_allowed(account: Account, host: PictureHost) -> None:
    task = succeeded(account, image_url=host.serve("/a.png", gives(png())))
    answer = requests.post(task["imageUrl"], timeout=20)
    assert_refused(answer, 405, "method_not_allowed")
    preflight = requests.options(
        task["imageUrl"], headers={"Origin": "https://x.example"}, timeout=20
    )
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")


# -- several, videos, origin -----------------------------------------------------------------------


def test_each_of_several_pictures_has_a_link(account: Account, host: PictureHost) -> None:
    pictures = [png(color) for color in ("red", "green", "blue")]
    urls = [host.serve(f"/{n}.png", gives(body)) for n, body in enumerate(pictures)]
    grid = host.serve("/grid.png", gives(png("white")))
    task = succeeded(account, image_url=grid, image_urls=[{"url": url} for url in urls])
    assert get(task["imageUrl"]).content == png("white")
    assert [get(entry["url"]).content for entry in task["imageUrls"]] == pictures
    assert host.url not in str(task)
    for number in ("3", "99999999999999999", "-1", "", "abc", "1.0"):
        assert_refused(get(f"{task['imageUrl']}&n={number}"), 404, "task_not_found")


def test_each_of_several_videos_has_a_link(account: Account, host: PictureHost) -> None:
    videos = {"/0.mp4": (MP4, "video/mp4"), "/1.webm": (WEBM, "video/webm")}
    urls = [host.serve(path, gives(body)) for path, (body, _) in videos.items()]
    task = succeeded(account, video_url=urls[0], video_urls=[{"url": url} for url in urls])
    assert task["videoUrl"] == task["videoUrls"][0]["url"]
    answers = [get(entry["url"]) for entry in task["videoUrls"]]
    assert [(a.content, a.headers["Content-Type"]) for a in answers] == list(videos.values())
    assert answers[0].headers["Cache-Control"] == "public, max-age=86400, immutable"
    assert host.url not in str(task)
    last = task["videoUrls"][1]["url"]
    assert_refused(get(last.replace("/1?", "/2?")), 404, "task_not_found")
    assert_refused(get(last.replace("/1?", f"/{10**30}?")), 404, "task_not_found")


def test_a_video_alone_is_number_0(account: Account, host: PictureHost) -> None:
    task = succeeded(account, video_url=host.serve("/a.mp4", gives(MP4)))
    assert task["videoUrls"] is None
    assert re.search(r"/mj/video/\d+/0\?sig=", task["videoUrl"])
    assert get(task["videoUrl"]).content == MP4
    assert_refused(get(task["videoUrl"].replace("/0?", "/1?")), 404, "task_not_found")


def test_a_key_set_to_origin_sees_the_upstreams_own_addresses(
    account: Account, host: PictureHost
) -> None:
    Token.objects.filter(pk=account.token.pk).update(image_setting=Token.ImageSetting.ORIGIN)
    picture, video = host.serve("/a.png", gives(png())), host.serve("/a.mp4", gives(MP4))
    listed = {"image_urls": [{"url": picture}], "video_urls": [{"url": video}]}
    task = succeeded(account, image_url=picture, video_url=video, **listed)
    assert (task["imageUrl"], task["videoUrl"]) == (picture, video)
    assert (task["imageUrls"], task["videoUrls"]) == (listed["image_urls"], listed["video_urls"])
    assert account.new_key().fetch(task["id"])["imageUrl"].startswith(account.stack.url)


# -- previews --------------------------------------------------------------------------------------


def test_a_preview_is_never_cached_and_has_a_new_address_at_each_step(
    account: Account, host: PictureHost
) -> None:
    first = ended(account, progress=50, image_url=host.serve("/1.png", gives(png("red"))))
    answer = get(first["imageUrl"])
    assert (answer.content, answer.headers["Cache-Control"]) == (png("red"), "no-store")
    task_id = int(first["id"])
    Task.objects.filter(pk=task_id).update(
        image_url=host.serve("/2.png", gives(png("blue"))), sequence=99
    )
    second = account.fetch(first["id"])
    assert second["imageUrl"] != first["imageUrl"]
    assert get(second["imageUrl"]).content == get(first["imageUrl"]).content == png("blue")


def test_a_preview_that_is_gone_says_so_and_the_task_goes_on(
    account: Account, host: PictureHost
) -> None:
    task = ended(account, progress=50, image_url=host.url + "/no-such.png")
    assert_refused(get(task["imageUrl"]), 502, "picture_unavailable")
    assert account.fetch(task["id"])["status"] == "IN_PROGRESS"


def test_what_a_failed_task_leaves_behind_is_not_cached(
    account: Account, host: PictureHost
) -> None:
    task = ended(account, status="FAILURE", image_url=host.serve("/a.png", gives(png())))
    assert get(task["imageUrl"]).headers["Cache-Control"] == "no-store"
