"""The small Markdown of answers: what it shows, and that it never makes markup of a text."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def show(chat, log, fake, content, citations=()):
    chat.get_by_label("Your message").fill("Show it")
    chat.keyboard.press("Enter")
    expect(log.get_by_text("Position 3")).to_be_visible()
    fake.move(status="completed", content=content, citations=list(citations), grounded=True)
    expect(chat.locator(".answer[data-state=completed]")).to_be_visible()
    return chat.locator(".text")


@pytest.mark.parametrize(
    ("content", "html"),
    [
        ("One\ntwo\n\nthree", "<p>One\ntwo</p><p>three</p>"),
        ("a **bold `x` word** and *it*", "<p>a <strong>bold <code>x</code> word</strong> and <em>it</em></p>"),
        ("2 * 3 * 4 and snake_case_name", "<p>2 * 3 * 4 and snake_case_name</p>"),
        ("## Title\ntext", "<h3>Title</h3><p>text</p>"),
        ("- a\n- b\n  - c\n- d", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"),
        ("3. a\n\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("Text:\n- a\n  more", "<p>Text:</p><ul><li>a\nmore</li></ul>"),
        ("```sql\nSELECT **1**;\n```\nafter", '<pre tabindex="0"><code>SELECT **1**;</code></pre><p>after</p>'),
        ("```\nopen end", '<pre tabindex="0"><code>open end</code></pre>'),
        ("an open **bold and `code", "<p>an open **bold and `code</p>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", '<pre tabindex="0"><code>| a | b |\n|---|---|\n| 1 | 2 |</code></pre>'),
        ("unknown [7]", "<p>unknown [7]</p>"),
        ("", ""),
    ],
)
def test_renders(chat, log, fake, content, html):
    """Each construct becomes the elements that mean it; half a construct stays text."""
    assert show(chat, log, fake, content).inner_html() == html


def test_markup_in_an_answer_stays_text(chat, log, fake):
    """An answer or a document's name with HTML in it shows the very characters."""
    attack = "<img src=x onerror=alert(1)> **<script>alert(2)</script>** [click](javascript:alert(3)) [1]"
    cited = [{"index": 1, "document": "<b>x</b>.md", "chunk_id": "a", "score": 0.5, "text": "<i>passage</i>"}]
    text = show(chat, log, fake, attack, cited)
    expect(text).to_contain_text("<img src=x onerror=alert(1)> <script>alert(2)</script> [click](javascript:alert(3))")
    assert chat.locator(".text :is(img, script, a, b, i)").count() == 0
    chat.locator("button.ref").click()
    expect(chat.get_by_role("dialog")).to_contain_text("<i>passage</i>")


def test_one_bracket_may_name_several_sources(chat, log, fake):
    """`[1, 2]` becomes two buttons."""
    cited = [{"index": n, "document": f"{n}.md", "chunk_id": "a", "score": 0.5, "text": "t"} for n in (1, 2)]
    show(chat, log, fake, "Both say so. [1, 2]", cited)
    expect(chat.locator("button.ref")).to_have_text(["1", "2"])


def test_a_hostile_text_is_parsed_in_linear_time(chat):
    """Long runs of opening marks don't hold the page up."""
    milliseconds = chat.evaluate(
        """async () => {
            const base = document.querySelector('script').src;
            const { parseBlocks, parseInline } = await import(new URL('markdown.js', base).href);
            const marks = ['*', '**', '`', '[1', '[1,', '* ', '**a', '- ', '# ', '[1, ', '***'];
            const texts = marks.map((mark) => mark.repeat(32_000 / mark.length));
            const start = performance.now();
            for (const text of texts) parseBlocks(text).forEach((block) => parseInline(block.text ?? ''));
            return performance.now() - start;
        }"""
    )
    assert milliseconds < 1500
