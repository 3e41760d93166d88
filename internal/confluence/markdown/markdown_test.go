package markdown

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

const pageURL = "https://site.example.com/wiki/spaces/OPS/pages/1/Title"

func TestMarkdown(t *testing.T) {
	for rule, c := range map[string]struct{ view, want string }{
		"headings, paragraphs and emphasis":          {`<h2>A</h2><p>b <strong>c</strong> <em>d</em> <s>e</s></p>`, "## A\n\nb **c** *d* ~~e~~"},
		"lists within lists":                         {`<ul><li><p>a</p><ol start="3"><li><p>b</p></li></ol></li></ul>`, "- a\n  \n  3. b"},
		"a list whose numbers would overflow":        {`<ol start="9223372036854775807"><li>a</li><li>b</li></ol>`, "1. a\n2. b"},
		"relative links lead to the site":            {`<a href="/wiki/x?y=1#z">a</a>`, "[a](https://site.example.com/wiki/x?y=1#z)"},
		"anchors lead to the page":                   {`<a href="#z">a</a>`, "[a](" + pageURL + "#z)"},
		"other sites' links stay":                    {`<a href="http://other.example.com/x">a</a>`, "[a](http://other.example.com/x)"},
		"addresses of mail stay":                     {`<a href="mailto:a@example.com">a</a>`, "[a](mailto:a@example.com)"},
		"relative images are the site's":             {`<img src="/i.png" alt="a]b">`, `![a\]b](https://site.example.com/i.png)`},
		"of a link that runs the text is kept":       {`<a href="javascript:alert(1)">a</a>`, "a"},
		"however the link is written":                {`<a href=" JavaScript&#58;alert(1)">a</a><a href="java&#10;script:alert(1)">b</a>`, "ab"},
		"of a link that holds data the text is kept": {`<a href="data:text/html,x">a</a>`, "a"},
		"of an image of data the alt text is kept":   {`<img src="data:image/png;base64,xx" alt="a">`, "a"},
		"scripts and styles are dropped":             {`a<script>b</script><style>c</style><iframe src="/x">d</iframe><template>e</template>f`, "af"},
		"self-closing tags are closed":               {`a<script/>b<svg/>c<iframe src="/x"/>d<div/>e`, "abcd\n\ne"},
		"of macros the text is kept":                 {`<ac:structured-macro ac:name="x"><p>a</p><ac:link/></ac:structured-macro><custom-tag>b</custom-tag>`, "a\n\nb"},
		"text stays text":                            {`*a* [b](javascript:c) &lt;script&gt; # d`, `\*a* \[b](javascript:c) &lt;script&gt; # d`},
		"code keeps its lines and language":          {"<pre data-syntaxhighlighter-params=\"brush: java; gutter: false\">a &lt; b\n\n\n*c*</pre>", "```java\na < b\n\n\n*c*\n```"},
		"an invalid language is dropped":             {"<pre data-syntaxhighlighter-params=\"brush: a\n```\nb\">c</pre>", "```\nc\n```"},
		"tables": {
			`<table><tbody><tr><th><p>a|b</p></th><th><p>c</p></th></tr><tr><td><p>d</p></td><td colspan="2"><p>e</p></td></tr></tbody></table>`,
			"| a\\|b | c |  |\n|---|---|---|\n| d | e |  |",
		},
		"cells are lines": {
			"<table><tr><td>\n<p>a</p>\n<p>b</p><ul><li><p>c</p></li></ul></td><td><h2>d</h2><pre>e\nf</pre></td></tr></table>",
			"|  |  |\n|---|---|\n| a  <br />b  <br />• c | d  <br />`e f` |",
		},
		"an empty page":                    {"", ""},
		"ends without a start are ignored": {"a</p></div>b", "ab"},
		"starts without an end are closed": {"<div><p><b>a", "**a**"},
		"control characters are dropped":   {"a\x07b\uf002c", "abc"},
	} {
		t.Run(rule, func(t *testing.T) {
			if got, err := FromView(c.view, pageURL); err != nil || got != c.want {
				t.Errorf("got  %q, %v\nwant %q", got, err, c.want)
			}
		})
	}
}

func TestMarkdownOfTheDeepestNesting(t *testing.T) {
	for _, tag := range []string{"div", "blockquote", "ul><li", "table><tr><td", "b", "a href=/x", "ac:x", "span"} {
		name, _, _ := strings.Cut(tag, " ")
		closing := "</" + name + ">"
		got, err := FromView(strings.Repeat("<"+tag+">", 20_000)+"deep"+strings.Repeat(closing, 20_000)+"<p>after</p>", pageURL)
		if err != nil || !strings.Contains(got, "deep") || !strings.HasSuffix(strings.TrimRight(got, "* "), "after") {
			t.Errorf("<%s>: %.200q, %v", tag, got, err)
		}
	}
	got, err := FromView(strings.Repeat("<div>", 100_000)+"deep", pageURL)
	if err != nil || got != "deep" {
		t.Errorf("%.200q, %v", got, err)
	}
}

// A plain conversion of any of these takes minutes or gigabytes.
func TestMarkdownIsBounded(t *testing.T) {
	const size = 1 << 20
	fill := func(begin, s string) string { return (begin + strings.Repeat(s, size/len(s)+1))[:size] }
	for name, view := range map[string]string{
		"quoted lines":             fill(strings.Repeat("<blockquote>", 1000), "x<br>"),
		"listed lines":             fill(strings.Repeat("<ul><li>", 1000), "x<br>"),
		"brackets":                 fill("", "["),
		"unclosed tags":            fill("", "<p><b><i>"),
		"comments":                 fill("", "a<!-- -->"),
		"many rows below many":     fill("<table><tr>"+strings.Repeat("<td>", size/8), "<tr>"),
		"wide cells":               fill("<table>", "<tr><td colspan=100 rowspan=100>"),
		"cells of very many":       fill("<table><tr>", "<td colspan=999999999 rowspan=999999999>"),
		"one long cell, many rows": fill("<table><tr><td>"+strings.Repeat("x", size/2), "<tr><td>"),
		"nested tables":            fill("", "<table><tr><td>"),
		"ends of what is open":     fill(strings.Repeat("<a>", 100_000), "</b>"),
		"bold code":                fill("", "<b><code>a</code></b>"),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			got, err := FromView(view, pageURL)
			if took := time.Since(began); err != nil || took > 2*time.Minute || len(got) > 8*size {
				t.Errorf("%d bytes after %v: %v", len(got), took, err)
			}
		})
	}
}

func TestAPageThatIsTooLargeIsAnError(t *testing.T) {
	if _, err := FromView(strings.Repeat("x", maxSource+1), pageURL); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

// No page's markdown holds HTML or links that run.
func FuzzMarkdown(f *testing.F) {
	for _, seed := range []string{
		`<a href="javascript:alert(1)">a</a>`, `<img src=x alt="\](javascript:x)">`, "<pre>```\n</pre>", "<td><code>|</code>", "<table><tr><td>a<td colspan=2>b<tr><td><ul><li>c",
		`[a](javascript:b) <![CDATA[x]]> &lt;b&gt;`, `<b><p>a<a href="/x">b</b>c</a>`, "<blockquote><h1>a<br>b</h1><li>c", `<a href="/(x)&quot;[y]">a]b</a>`, "a\x00\a\uf002b", "<pre>a<code>\n\n`b</pre>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, view string) {
		if len(view) > 10_000 {
			return
		}
		got, err := FromView(view, pageURL)
		if err != nil {
			t.Fatal(err)
		}
		source := []byte(got)
		document := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough)).Parser().Parse(text.NewReader(source))
		_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if entering {
				checkNode(t, n, source)
			}
			return ast.WalkContinue, nil
		})
	})
}

func checkNode(t *testing.T, n ast.Node, source []byte) {
	switch n := n.(type) {
	case *ast.Link:
		checkLink(t, string(n.Destination), source)
	case *ast.Image:
		checkLink(t, string(n.Destination), source)
	case *ast.AutoLink:
		t.Errorf("%q links to %q", source, n.URL(source))
	case *ast.RawHTML:
		if tag := string(n.Segments.Value(source)); tag != "<br />" {
			t.Errorf("%q holds %q", source, tag)
		}
	case *ast.HTMLBlock:
		t.Errorf("%q holds HTML", source)
	}
}

func checkLink(t *testing.T, link string, source []byte) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
		t.Errorf("%q links to %q", source, link)
	}
}

func BenchmarkMarkdown(b *testing.B) {
	view := strings.Repeat(`<h2>A</h2><p>b <strong>c</strong> <a href="/wiki/x">d</a></p><table><tr><th>a</th></tr><tr><td><p>b</p></td></tr></table><ul><li>x</li></ul>`, 100)
	b.SetBytes(int64(len(view)))
	for b.Loop() {
		if _, err := FromView(view, pageURL); err != nil {
			b.Fatal(err)
		}
	}
}
