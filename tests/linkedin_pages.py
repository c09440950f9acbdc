"""Pages built the way LinkedIn builds them: entities in `<code>`, JSON-LD, and its class names."""

import html
import json
from collections.abc import Sequence

ACTIVITY = 7_100_000_000_000_000_000
OWNER = "ACoAAB12cd"
_DASH = "com.linkedin.voyager.dash.identity.profile"


def code(data: object) -> str:
    """Returns the element that carries the API's answer, escaped as LinkedIn does."""
    return f"<code style='display: none' id='bpr-guid-1'>{html.escape(json.dumps(data))}</code>"


def profile_page() -> str:
    """Returns a member's view of a profile; another member stands on the page too."""
    included = [
        {
            "$type": f"{_DASH}.Profile",
            "entityUrn": "urn:li:fsd_profile:ACoAAOther",
            "publicIdentifier": "someone-else",
            "firstName": "Someone",
            "lastName": "Else",
        },
        {
            "$type": f"{_DASH}.Profile",
            "entityUrn": f"urn:li:fsd_profile:{OWNER}",
            "publicIdentifier": "ada-example",
            "firstName": "Ada",
            "lastName": "Example",
            "headline": "Builds engines",
            "summary": "I design looms.\n\nAnd engines.",
            "locationName": "London",
        },
        {
            "$type": f"{_DASH}.Position",
            "entityUrn": f"urn:li:fsd_profilePosition:({OWNER},1)",
            "title": "Engineer",
            "companyName": "Loom Works",
            "locationName": "Leeds",
            "description": "Punched cards.",
            "dateRange": {"start": {"year": 2019, "month": 3}, "end": None},
        },
        {
            "$type": f"{_DASH}.Position",
            "entityUrn": "urn:li:fsd_profilePosition:(ACoAAOther,9)",
            "title": "Stranger",
            "companyName": "Elsewhere",
        },
        {
            "$type": f"{_DASH}.Education",
            "entityUrn": f"urn:li:fsd_profileEducation:({OWNER},2)",
            "degreeName": "BSc",
            "fieldOfStudy": "Mathematics",
            "schoolName": "Home School",
            "dateRange": {"start": {"year": 2010}, "end": {"year": 2013}},
        },
        *(
            {
                "$type": f"{_DASH}.Skill",
                "entityUrn": f"urn:li:fsd_skill:({OWNER},{number})",
                "name": name,
            }
            for number, name in enumerate(("Weaving", "Algebra"))
        ),
        {"entityUrn": "urn:li:collectionResponse:x"},
    ]
    return (
        "<html><head><title>Ada Example | LinkedIn</title></head><body><main><section>"
        f"<h1>Ada Example</h1></section></main>{code({'included': included})}</body></html>"
    )


def update(number: int, text: str, **content: object) -> dict[str, object]:
    """Returns the entity of a post."""
    return {
        "$type": "com.linkedin.voyager.dash.feed.Update",
        "metadata": {"backendUrn": f"urn:li:activity:{ACTIVITY + number}"},
        "actor": {"name": {"text": "Ada Example"}},
        "commentary": {"text": {"text": text}},
        "content": content or None,
    }


def image(name: str) -> dict[str, object]:
    """Returns the image component of a post."""
    vector = {
        "rootUrl": "https://media.example/",
        "artifacts": [
            {"width": 200, "fileIdentifyingUrlPathSegment": f"small/{name}"},
            {"width": 800, "fileIdentifyingUrlPathSegment": f"large/{name}"},
        ],
    }
    return {"images": [{"attributes": [{"detailData": {"vectorImage": vector}}]}]}


def item(number: int, text: str) -> str:
    """Returns a post as the feed shows it."""
    return (
        f"<div class='feed-shared-update-v2' data-urn='urn:li:activity:{ACTIVITY + number}'>"
        "<span class='update-components-actor__title'><span aria-hidden='true'>Ada Example</span>"
        "<span class='visually-hidden'>Ada Example</span></span>"
        f"<div class='update-components-text'>{text}<br>Second line of {number}.</div>"
        f"<div class='update-components-image'><img src='https://media.example/{number}.png'></div>"
        "</div>"
    )


def feed_page(updates: Sequence[dict[str, object]], more: str) -> str:
    """Returns the activity of a member; a script loads what comes below from `more`."""
    return (
        f"<html><body><main>{''.join(item(number, f'Post {number}') for number in range(2))}</main>"
        f"{code({'included': list(updates)})}"
        "<script>let next = 2, busy = false; addEventListener('scroll', async () => {"
        "if (busy) return; busy = true;"
        f"const answer = await fetch('{more}?start=' + next);"
        "if (answer.ok) { document.querySelector('main').insertAdjacentHTML('beforeend',"
        "await answer.text()); next += 2; } busy = false; });"
        "</script><style>.feed-shared-update-v2 { height: 1500px }</style></body></html>"
    )


def guest_article(*, json_ld: bool) -> str:
    """Returns an article as everybody may read it."""
    facts = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": "On looms",
        "author": {"@type": "Person", "name": "Ada Example"},
        "datePublished": "2024-05-06T07:08:09.000+00:00",
        "dateModified": "2024-06-01T00:00:00.000+00:00",
    }
    head = f"<script type='application/ld+json'>{json.dumps(facts)}</script>" if json_ld else ""
    return f"""<html><head>{head}<meta name="twitter:label1" value="Written by">
    <meta name="twitter:data1" value="Ada Example"></head><body>
    <nav><a href="/login">Sign in</a></nav><main><article class="article-content">
    <h1 class="article-content__title">On looms</h1>
    <div class="publisher-author-card"><h3 class="base-main-card__title">Ada Example</h3>
    <h4 class="base-main-card__metadata">Published May 6, 2024</h4></div>
    <div class="article-content__body"><h2>Cards</h2><p>Holes in <b>cards</b> steer threads.</p>
    <ul><li>warp</li><li>weft</li></ul></div></article></main>
    <section class="comments"><p>Nice article, join to view more</p></section></body></html>"""


def guest_post() -> str:
    """Returns a post as everybody may read it."""
    facts = {
        "@context": "https://schema.org",
        "@type": "SocialMediaPosting",
        "@id": f"https://www.linkedin.com/posts/ada-example_looms-activity-{ACTIVITY}-abcd",
        "articleBody": "Looms are back.\nHere is why.",
        "author": {"@type": "Person", "name": "Ada Example"},
        "datePublished": "2024-05-06T07:08:09.000Z",
        "image": {"@type": "ImageObject", "url": "https://media.example/loom.png"},
    }
    script = f"<script type='application/ld+json'>{json.dumps(facts)}</script>"
    return f"<html><head>{script}</head><body><main><h1>Post</h1></main></body></html>"


def guest_profile() -> str:
    """Returns a profile as everybody may read it: most of it is behind a log-in."""
    facts = {
        "@graph": [
            {
                "@type": "Person",
                "name": "Ada Example",
                "jobTitle": ["Builds engines"],
                "description": "I design looms.",
                "address": {"@type": "PostalAddress", "addressLocality": "London"},
                "worksFor": [
                    {
                        "@type": "Organization",
                        "name": "Loom Works",
                        "member": {"@type": "OrganizationRole", "startDate": "2019-03"},
                    }
                ],
                "alumniOf": [{"@type": "EducationalOrganization", "name": "Home School"}],
            }
        ]
    }
    script = f"<script type='application/ld+json'>{json.dumps(facts)}</script>"
    return (
        f"<html><head>{script}</head><body><main>"
        "<h1 class='top-card-layout__title'>Ada Example</h1></main>"
        "<div class='modal'>Join to view full profile</div></body></html>"
    )


AUTHWALL = (
    "<html><head><meta name='pageKey' content='auth_wall_desktop_profile'></head><body><main>"
    "<h1>Join LinkedIn</h1><form class='authwall-join-form'></form></main></body></html>"
)
